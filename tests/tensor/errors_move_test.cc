// Every check of what moves elements, of quantize and of matrix products once.
#include "mistakes.h"
#include "tensor/quantize.h"

using namespace gesso;
using namespace gesso::tests;

namespace {

const std::vector<Mistake> kMistakes = {
    // moving elements
    {[] { tensor::broadcast_to(f32({2}), {3}); },
     "broadcast_to: shapes (2) and (3) do not broadcast: extents 2 and 3"},
    {[] {
       tensor::broadcast_to(f32({2, 3}), {3});
     },
     "broadcast_to: (2,3) does not broadcast to (3)"},
    {[] { tensor::broadcast_to(f32({3}), {1}); }, "broadcast_to: (3) does not broadcast to (1)"},
    {[] { tensor::broadcast_to(f32({1}), {-1}); },
     "allocate: a tensor of shape (-1): extents cannot be negative"},
    {[] { tensor::broadcast_to(kNone, {1}); }, "broadcast_to: an undefined tensor"},
    {[] {
       tensor::permute(f32({2, 3}), {0});
     },
     "permute: 1 axes for shape (2,3)"},
    {[] {
       tensor::permute(f32({2, 3}), {0, 0});
     },
     "permute: axis 0 of shape (2,3) is named twice"},
    {[] {
       tensor::permute(f32({2, 3}), {0, 2});
     },
     "permute: axis 2 of shape (2,3), which has 2 dimensions"},
    {[] { tensor::permute(kNone, {0}); }, "permute: an undefined tensor"},
    {[] { tensor::transpose(f32({2})); }, "transpose: shape (2) has fewer than two dimensions"},
    {[] { tensor::transpose(kNone); }, "transpose: an undefined tensor"},
    {[] {
       tensor::flip(f32({2, 3}), {0, -2});
     },
     "flip: axis -2 of shape (2,3) is named twice"},
    {[] { tensor::flip(kNone, {}); }, "flip: an undefined tensor"},
    {[] {
       tensor::pad(f32({2, 3}), {{1, 1}});
     },
     "pad: 1 pairs for shape (2,3)"},
    {[] {
       tensor::pad(f32({2}), {{-3, 0}});
     },
     "pad: (-3, 0) around the 2 elements of dimension 0 of shape (2)"},
    {[] {
       tensor::pad(f32({2}), {{-2, -1}});
     },
     "pad: (-2, -1) crops more than the 2 elements of dimension 0 of shape (2)"},
    {[] {
       tensor::pad(f32({2}), {{1LL << 62, 1LL << 62}});
     },
     "pad: (4611686018427387904, 4611686018427387904) around the 2 elements of dimension 0 of shape (2)"},
    {[] { tensor::pad(kNone, {}); }, "pad: an undefined tensor"},
    {[] {
       tensor::slice(f32({2, 3}), 1, 0, 4);
     },
     "slice: [0, 4) of axis 1 of shape (2,3)"},
    {[] {
       tensor::slice(f32({2, 3}), 2, 0, 1);
     },
     "slice: axis 2 of shape (2,3), which has 2 dimensions"},
    {[] { tensor::slice(kNone, 0, 0, 0); }, "slice: an undefined tensor"},
    {[] { tensor::concat({}); }, "concat: no tensors"},
    {[] {
       tensor::concat({f32({2}), kNone});
     },
     "concat: an undefined tensor"},
    {[] {
       tensor::concat({f32({2, 3}), f32({2, 4})});
     },
     "concat: along axis 0 f32 (2,4) does not fit f32 (2,3)"},
    {[] {
       tensor::concat({f32({2}), f64({2})});
     },
     "concat: along axis 0 f64 (2) does not fit f32 (2)"},
    {[] {
       tensor::concat({f32({2}), f32({2, 1})});
     },
     "concat: along axis 0 f32 (2,1) does not fit f32 (2)"},
    {[] { tensor::concat({f32({})}); }, "concat: axis 0 of shape (), which has 0 dimensions"},
    {[] {
       tensor::split(f32({5}), {2, 4});
     },
     "split: a part of 4 where 3 are left of axis 0 of shape (5)"},
    {[] {
       tensor::split(f32({5}), {-1, 6});
     },
     "split: a part of -1 where 5 are left of axis 0 of shape (5)"},
    {[] {
       tensor::split(f32({5}), {2, 2});
     },
     "split: the parts have 4 elements, axis 0 of shape (5) has 5"},
    {[] { tensor::split(kNone, {}); }, "split: an undefined tensor"},
    {[] {
       tensor::take_rows(f32({3, 2}), Tensor::from<std::int64_t>({0, 3}));
     },
     "take_rows: index 3 at position 1, there are 3 rows"},
    {[] {
       tensor::take_rows(f32({3, 2}), f32({1}));
     },
     "take_rows: the index (1) is f32, not i64"},
    {[] { tensor::take_rows(f32({}), i64({1})); }, "take_rows: a 0-dimensional tensor has no rows"},
    {[] {
       tensor::take_rows(f32({1, 1, 1, 1, 1}), i64({1, 1, 1}));
     },
     "take_rows: x (1,1,1,1,1) at index (1,1,1): more than 6 dimensions"},
    {[] { tensor::take_rows(kNone, i64({1})); }, "take_rows: an undefined tensor"},
    {[] { tensor::take_rows(f32({1}), kNone); }, "take_rows: an undefined tensor"},
    {[] {
       tensor::add_rows(f32({3, 2}), i64({2}), 5);
     },
     "add_rows: x (3,2) does not begin with the shape of index (2)"},
    {[] { tensor::add_rows(f32({1}), Tensor::from<std::int64_t>({5}), 5); },
     "add_rows: index 5 at position 0, there are 5 rows"},
    {[] { tensor::add_rows(f32({0}), i64({0}), -1); },
     "allocate: a tensor of shape (-1): extents cannot be negative"},
    {[] {
       tensor::add_rows(f32({1, 1, 1, 1, 1, 1}), i64({}), 1);
     },
     "add_rows: x (1,1,1,1,1,1) at index (): more than 6 dimensions"},
    {[] { tensor::add_rows(i64({1}), i64({1}), 1); },
     "add_rows: (1) is i64; arithmetic is for f32 and f64, convert it first"},
    // the matrix product
    {[] {
       tensor::quantize(f32({2, 3}), f32({5, 4}));
     },
     "quantize: z (2,3) does not fit codes (5,4), (K,D)"},
    {[] {
       tensor::quantize(f32({2, 3}), f32({0, 3}));
     },
     "quantize: codes (0,3) should be (K,D), K from 1 to 2^31 - 1"},
    {[] {
       tensor::quantize(f32({2, 3}), f64({5, 3}));
     },
     "quantize: (2,3) is f32, (5,3) is f64; convert one of them"},
    {[] {
       tensor::matmul(f32({2, 3}), f32({4, 5}));
     },
     "matmul: a (2,3) has 3 columns, b (4,5) has 4 rows"},
    {[] {
       tensor::matmul(f32({2, 3}), f32({4, 5}), {.transpose_a = true, .transpose_b = true});
     },
     "matmul: a (2,3) transposed has 2 columns, b (4,5) transposed has 5 rows"},
    {[] {
       tensor::matmul(f32({3}), f32({3, 5}));
     },
     "matmul: a (3) and b (3,5) must have at least two dimensions"},
    {[] {
       tensor::matmul(f32({2, 2, 3}), f32({3, 3, 5}));
     },
     "matmul: batches: shapes (2) and (3) do not broadcast: extents 2 and 3"},
    {[] {
       tensor::matmul(f32({2, 3}), f64({3, 5}));
     },
     "matmul: (2,3) is f32, (3,5) is f64; convert one of them"},
    {[] {
       tensor::matmul(i64({2, 3}), i64({3, 5}));
     },
     "matmul: (2,3) is i64; arithmetic is for f32 and f64, convert it first"},
    {[] {
       tensor::matmul(f32({2, 3}), f32({3, 5}), {.bias = f32({4})});
     },
     "matmul: bias (4) for 5 columns"},
    {[] {
       tensor::matmul(f32({2, 3}), f32({3, 5}), {.bias = f64({5})});
     },
     "matmul: bias: (2,3) is f32, (5) is f64; convert one of them"},
    {[] {
       tensor::matmul(kNone, f32({3, 5}));
     },
     "matmul: an undefined tensor"},
};

}  // namespace

TEST_CASE("every mistake in moving elements and in matrix products has its message") {
  check_messages(kMistakes);
}
