// Every check of tensor/ once, but those of errors_move_test.cc.
#include "mistakes.h"

using namespace gesso;
using namespace gesso::tests;

namespace {

Generator g;

const std::vector<Mistake> kMistakes = {
    // tensors and shapes
    {[] {
       Tensor({2, -3});
     },
     "allocate: a tensor of shape (2,-3): extents cannot be negative"},
    {[] {
       Tensor({1LL << 31, 1LL << 31});
     },
     "allocate: a tensor of shape (2147483648,2147483648) is larger than any memory"},
    {[] {
       Shape({1, 2, 3, 4, 5, 6, 7});
     },
     "a shape (1,2,3,4,5,6) with one more extent, 7: at most 6 dimensions are supported"},
    {[] {
       Tensor::from<float>({1, 2, 3}, {2, 2});
     },
     "from: 3 values for shape (2,2), which has 4 elements"},
    {[] {
       Tensor::from<float>({1, 2}, {-1, 2});
     },
     "from: a tensor of shape (-1,2): extents cannot be negative"},
    {[] { f32({2}).dim(1); }, "dim: axis 1 of shape (2), which has 1 dimensions"},
    {[] { f32({2}).data<double>(); }, "a tensor of f32 read as f64; convert it by to(DType::f64)"},
    {[] { kNone.data<float>(); }, "the elements of an undefined tensor read as f32"},
    {[] {
       f32({2, 3}).reshape({4});
     },
     "reshape: (2,3) has 6 elements, (4) does not fit"},
    {[] {
       f32({2, 3}).reshape({4, -1});
     },
     "reshape: (2,3) has 6 elements, (4,-1) does not fit"},
    {[] {
       f32({2, 3}).reshape({-1, -1});
     },
     "reshape: (2,3) to (-1,-1): only one extent may be -1"},
    {[] {
       f32({2, 3}).reshape({-2, -3});
     },
     "reshape: a tensor of shape (-2,-3): extents cannot be negative"},
    {[] {
       f32({0}).reshape({0, -1});
     },
     "reshape: (0) to (0,-1): beside an extent of 0 there is no telling what -1 stands for"},
    {[] {
       f32({2}).reshape({1LL << 40, 1LL << 40});
     },
     "reshape: a tensor of shape (1099511627776,1099511627776) is larger than any memory"},
    {[] { kNone.reshape({0}); }, "reshape: an undefined tensor"},
    {[] {
       f32({5, 2}).slice(3, 7);
     },
     "slice: [3, 7) of axis 0 of shape (5,2)"},
    {[] {
       f32({5, 2}).slice(3, 2);
     },
     "slice: [3, 2) of axis 0 of shape (5,2)"},
    {[] {
       f32({5, 2}).slice(-6, 2);
     },
     "slice: [-6, 2) of axis 0 of shape (5,2)"},
    {[] { f32({}).slice(0, 1); }, "slice: axis 0 of shape (), which has 0 dimensions"},
    {[] { kNone.slice(0, 0); }, "slice: an undefined tensor"},
    {[] {
       f32({5, 2})[5];
     },
     "[5]: shape (5,2) has no such element"},
    {[] {
       f32({5, 2})[-6];
     },
     "[-6]: shape (5,2) has no such element"},
    {[] { f32({})[0]; }, "[0]: shape () has no such element"},
    {[] { f32({2}).item(); }, "item: shape (2) has 2 elements, not one"},
    {[] { kNone.item(); }, "item: an undefined tensor"},
    {[] { kNone.to_vector<float>(); }, "the elements of an undefined tensor read as f32"},
    {[] { kNone.to(DType::f64); }, "cast: an undefined tensor"},
    // creation
    {[] { tensor::arange(0, 1, 0); }, "arange: from 0 to 1 by steps of 0"},
    {[] { tensor::arange(0, NAN); }, "arange: from 0 to nan by steps of 1"},
    {[] { tensor::arange(0, INFINITY); }, "arange: from 0 to inf by steps of 1"},
    {[] { tensor::arange(0, 1e30); }, "arange: from 0 to 1e+30 by steps of 1"},
    {[] { tensor::uniform(g, {2}, 1, 0); }, "uniform: the interval [1, 0) is empty"},
    {[] { tensor::uniform(g, {2}, 0, 1, DType::i64); },
     "uniform: (2) is i64; arithmetic is for f32 and f64, convert it first"},
    {[] { tensor::normal(g, {2}, 0, -1); }, "normal: a standard deviation of -1"},
    {[] { tensor::normal(g, {2}, 0, NAN); }, "normal: a standard deviation of nan"},
    {[] { tensor::permutation(g, -1); }, "allocate: a tensor of shape (-1): extents cannot be negative"},
    {[] {
       tensor::one_hot(Tensor::from<std::int64_t>({0, 3}), 3);
     },
     "one_hot: index 3 at position 1, there are 3 classes"},
    {[] { tensor::one_hot(Tensor::from<std::int64_t>({-1}), 3); },
     "one_hot: index -1 at position 0, there are 3 classes"},
    {[] { tensor::one_hot(f32({2}), 3); }, "one_hot: the index (2) is f32, not i64"},
    {[] {
       tensor::one_hot(i64({1, 1, 1, 1, 1, 1}), 3);
     },
     "one_hot: an index (1,1,1,1,1,1) has no room for one more dimension"},
    {[] { tensor::one_hot(kNone, 3); }, "one_hot: an undefined tensor"},
    // element by element
    {[] { tensor::unary(kernels::Unary::exp, i64({2})); },
     "exp: (2) is i64; arithmetic is for f32 and f64, convert it first"},
    {[] { tensor::unary(kernels::Unary::exp, kNone); }, "exp: an undefined tensor"},
    {[] {
       tensor::add(f32({2, 3}), f32({2, 4}));
     },
     "add: shapes (2,3) and (2,4) do not broadcast: extents 3 and 4"},
    {[] {
       tensor::add(f32({4}), f32({2, 3}));
     },
     "add: shapes (4) and (2,3) do not broadcast: extents 4 and 3"},
    {[] {
       tensor::mul(f32({2, 0}), f32({2, 3}));
     },
     "mul: shapes (2,0) and (2,3) do not broadcast: extents 0 and 3"},
    {[] { tensor::add(f32({2}), f64({2})); }, "add: (2) is f32, (2) is f64; convert one of them"},
    {[] { tensor::add(f32({2}), kNone); }, "add: an undefined tensor"},
#ifndef GESSO_EXACT_ALLOCATIONS  // a sanitizer ends the program where the system has no memory to give
    {[] {
       tensor::add(f32({1LL << 20, 1}), f32({1, 1LL << 20}));
     },
     "allocate: no memory on cpu for a tensor of f32 (1048576,1048576): 4398046511104 bytes"},
#endif
    {[] { tensor::compare(kernels::Compare::lt, f32({2}), f32({3})); },
     "lt: shapes (2) and (3) do not broadcast: extents 2 and 3"},
    {[] { tensor::compare(kernels::Compare::ge, i64({2}), f32({2})); },
     "ge: (2) is i64, (2) is f32; convert one of them"},
    {[] { tensor::compare(kernels::Compare::eq, kNone, 1.0); }, "eq: an undefined tensor"},
    {[] { tensor::logical_not(f32({2})); }, "logical_not: the mask (2) is f32, not b8"},
    {[] { tensor::where(f32({2}), f32({2}), f32({2})); }, "where: the mask (2) is f32, not b8"},
    {[] { tensor::where(kNone, f32({2}), f32({2})); }, "where: an undefined tensor"},
    {[] { tensor::where(b8({2}), f32({2}), f64({2})); },
     "where: (2) is f32, (2) is f64; convert one of them"},
    {[] { tensor::where(b8({3}), f32({2}), f32({2})); },
     "where: shapes (2) and (3) do not broadcast: extents 2 and 3"},
    {[] {
       Tensor y;
       tensor::fill_(y, 1);
     },
     "fill_: an undefined tensor"},
    {[] {
       Tensor y = f32({2});
       tensor::add_(y, f32({3}));
     },
     "add_: (2) and (3) must have the same shape"},
    {[] {
       Tensor y = i64({2});
       tensor::add_(y, i64({2}));
     },
     "add_: (2) is i64; arithmetic is for f32 and f64, convert it first"},
    {[] {
       Tensor y = f32({2});
       tensor::copy_(y, f32({1}));
     },
     "copy_: (2) and (1) must have the same shape"},
    {[] {
       Tensor y;
       tensor::copy_(y, f32({1}));
     },
     "copy_: an undefined tensor"},
    {[] {
       Tensor y = f32({2});
       tensor::lerp_(y, f32({1}), 0.5);
     },
     "lerp_: (2) and (1) must have the same shape"},
    {[] {
       Tensor y = f32({2});
       tensor::lerp_(y, f64({2}), 0.5);
     },
     "lerp_: (2) is f32, (2) is f64; convert one of them"},
    // reductions
    {[] {
       tensor::sum(f32({2, 3}), {2});
     },
     "sum: axis 2 of shape (2,3), which has 2 dimensions"},
    {[] {
       tensor::sum(f32({2, 3}), {1, -1});
     },
     "sum: axis -1 of shape (2,3) is named twice"},
    {[] { tensor::sum(b8({2})); }, "sum: (2) is b8; arithmetic is for f32 and f64, convert it first"},
    {[] { tensor::sum(kNone); }, "sum: an undefined tensor"},
    {[] { tensor::mean(i64({2})); }, "mean: (2) is i64; arithmetic is for f32 and f64, convert it first"},
    {[] { tensor::mean(kNone); }, "mean: an undefined tensor"},
    {[] { tensor::var(kNone); }, "var: an undefined tensor"},
    {[] {
       tensor::max(f32({2, 0}));
     },
     "max: shape (2,0) has no elements to reduce to ()"},
    {[] {
       tensor::min(f32({2, 0}), {1});
     },
     "min: shape (2,0) has no elements to reduce to (2)"},
    {[] {
       tensor::argmax(f32({2, 0}), 1);
     },
     "argmax: axis 1 of shape (2,0) has no elements"},
    {[] { tensor::argmin(f32({}), 0); }, "argmin: axis 0 of shape (), which has 0 dimensions"},
    {[] { tensor::argmin(kNone, 0); }, "argmin: an undefined tensor"},
    {[] { tensor::logsumexp(f32({2}), 1); }, "logsumexp: axis 1 of shape (2), which has 1 dimensions"},
    {[] { tensor::softmax(f32({2}), 1); }, "softmax: axis 1 of shape (2), which has 1 dimensions"},
    {[] { tensor::softmax(i64({2}), 0); },
     "softmax: (2) is i64; arithmetic is for f32 and f64, convert it first"},
    {[] { tensor::log_softmax(kNone, 0); }, "log_softmax: an undefined tensor"},
    {[] { tensor::cumsum(f32({2}), -2); }, "cumsum: axis -2 of shape (2), which has 1 dimensions"},
    {[] { tensor::sum_binary(kernels::Binary::mul, f32({2}), f32({1})); },
     "mul: (2) and (1) must have the same shape"},
    {[] {
       tensor::sum_to(f32({2, 3}), {2});
     },
     "sum_to: shapes (2) and (2,3) do not broadcast: extents 2 and 3"},
    {[] {
       tensor::sum_to(f32({3}), {2, 3});
     },
     "sum_to: (2,3) does not broadcast to (3)"},
    {[] { tensor::sum_to(kNone, {}); }, "sum_to: an undefined tensor"},
};

}  // namespace

TEST_CASE("every mistake has its message") { check_messages(kMistakes); }

TEST_CASE("a failed in-place operation leaves its operand as it was") {
  Tensor y = tensor::ones({2});
  const std::uint32_t before = y.version();
  CHECK_THROWS_AS(tensor::add_(y, f32({3})), Error);
  CHECK_THROWS_AS(tensor::copy_(y, f32({3})), Error);
  CHECK_THROWS_AS(tensor::lerp_(y, f64({2}), 0.5), Error);
  CHECK(y.version() == before);
  CHECK(y.to_vector<float>() == std::vector<float>{1, 1});
}

#ifdef GESSO_BACKTRACE
TEST_CASE("an error says which line called, through layers and inlined functions") {
  const Tensor a = tensor::zeros({2, 3}), b = tensor::zeros({4});
  const auto what = [](const auto& f) -> std::string {
    try {
      f();
    } catch (const Error& e) {
      return e.what();
    }
    return "no error";
  };
  const std::string line = fmt::format("(called at {}:{})", __FILE__, __LINE__ + 1);
  CHECK(what([&] { tensor::add(a, b); }).ends_with(line));
  CHECK(what([&] { tensor::sum(a, {7}); }).ends_with(fmt::format("{}:{})", __FILE__, __LINE__)));
}
#endif
