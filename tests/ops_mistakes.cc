#include "tests/ops.h"

namespace gesso::tests {
namespace {

Var zeros(const Shape& shape, DType dtype = DType::f32) { return tensor::zeros(shape, dtype); }
Tensor index(std::int64_t i) { return Tensor::from({i}); }

std::vector<Mistake> of_arithmetic() {
  std::vector<Mistake> all;
  struct Named {
    const char* name;
    Var (*f)(const Var&, const Var&);
  };
  for (const auto& [name, f] : std::vector<Named>{{"add", operator+},
                                                  {"sub", operator-},
                                                  {"mul", operator*},
                                                  {"div", operator/},
                                                  {"pow", pow},
                                                  {"maximum", maximum},
                                                  {"minimum", minimum},
                                                  {"bce_with_logits", bce_with_logits}}) {
    all.push_back({name, [f = f] { f(zeros({2, 3}), zeros({4})); }, "shapes (2,3) and (4) do not broadcast"});
    all.push_back({name, [f = f] { f(zeros({2}), zeros({2}, DType::f64)); }, "f64; convert one of them"});
    all.push_back({name, [f = f] { f(zeros({2}, DType::i64), zeros({2}, DType::i64)); },
                   "arithmetic is for f32 and f64"});
  }
  all.push_back({"less", [] { (void)(zeros({2}) < zeros({3})); }, "shapes (2) and (3) do not broadcast"});
  all.push_back({"where", [] { where(zeros({2}).value(), zeros({2}), zeros({2})); }, "mask"});
  all.push_back(
      {"where", [] { where(tensor::zeros({2}, DType::b8), zeros({2}), zeros({3})); }, "do not broadcast"});
  all.push_back({"where", [] { where(tensor::zeros({}, DType::b8), zeros({2}), zeros({2}, DType::f64)); },
                 "convert one"});
  all.push_back({"exp", [] { exp(zeros({2}, DType::u8)); }, "exp: "});
  all.push_back({"tanh", [] { tanh(zeros({2}, DType::i64)); }, "tanh: "});
  all.push_back({"clamp", [] { clamp(zeros({2}), 1, -1); }, "clamp: the interval [1, -1] is empty"});
  all.push_back({"elu", [] { elu(zeros({2}), -1); }, "elu: alpha -1 is negative"});
  return all;
}

std::vector<Mistake> of_reductions() {
  return {
      {"sum",
       [] {
         sum(zeros({2, 3}), {2});
       },
       "sum: axis 2 of"},
      {"sum",
       [] {
         sum(zeros({2, 3}), {0, -2});
       },
       "named twice"},
      {"sum", [] { sum(zeros({2}, DType::i64)); }, "sum: "},
      {"mean",
       [] {
         mean(zeros({2, 3}), {-3});
       },
       "axis -3 of"},
      {"var", [] { var(zeros({}), {0}); }, "axis 0 of"},
      {"max",
       [] {
         max(zeros({0, 3}), {0});
       },
       "max: "},
      {"min", [] { min(zeros({0})); }, "min: "},
      {"argmax",
       [] {
         argmax(zeros({2, 0}), 1);
       },
       "argmax: axis 1 of shape (2,0) has no elements"},
      {"argmin", [] { argmin(zeros({2}), 1); }, "argmin: axis 1 of"},
      {"logsumexp", [] { logsumexp(zeros({2}), 1); }, "logsumexp: axis 1 of"},
      {"softmax", [] { softmax(zeros({}), 0); }, "softmax: axis 0 of"},
      {"log_softmax", [] { log_softmax(zeros({2}), -2); }, "log_softmax: axis -2 of"},
      {"cumsum", [] { cumsum(zeros({2}), 3); }, "cumsum: axis 3 of"},
      {"norm", [] { norm(zeros({2}), {1}); }, "axis 1 of"},
      {"sum_to",
       [] {
         sum_to(zeros({2, 3}), {2});
       },
       "do not broadcast"},
      {"sum_to",
       [] {
         sum_to(zeros({3}), {2, 3});
       },
       "sum_to: (2,3) does not broadcast to (3)"},
      {"sum_squared_difference", [] { sum_squared_difference(zeros({2}), zeros({3})); },
       "squared_difference: "},
      {"sum_absolute_difference", [] { sum_absolute_difference(zeros({2}), zeros({1})); }, "same shape"},
      {"sum_bce_with_logits",
       [] {
         sum_bce_with_logits(zeros({2}), zeros({2, 1}));
       },
       "same shape"},
      {"dot", [] { dot(zeros({2}), zeros({2}, DType::f64)); }, "convert one"},
  };
}

std::vector<Mistake> of_moves() {
  return {
      {"reshape",
       [] {
         reshape(zeros({2, 3}), {4});
       },
       "reshape: (2,3) has 6 elements, (4) does not fit"},
      {"reshape",
       [] {
         reshape(zeros({2, 3}), {-1, -1});
       },
       "only one extent may be -1"},
      {"reshape",
       [] {
         reshape(zeros({0, 3}), {-1, 0});
       },
       "no telling what -1 stands for"},
      {"broadcast_to",
       [] {
         broadcast_to(zeros({2, 3}), {2, 4});
       },
       "do not broadcast"},
      {"broadcast_to",
       [] {
         broadcast_to(zeros({2, 3}), {3});
       },
       "broadcast_to: (2,3) does not broadcast to (3)"},
      {"permute",
       [] {
         permute(zeros({2, 3}), {0});
       },
       "permute: 1 axes for shape (2,3)"},
      {"permute",
       [] {
         permute(zeros({2, 3}), {0, -2});
       },
       "named twice"},
      {"transpose", [] { transpose(zeros({2})); }, "transpose: shape (2) has fewer than two dimensions"},
      {"flip", [] { flip(zeros({2}), {1}); }, "flip: axis 1 of"},
      {"flip",
       [] {
         flip(zeros({2, 3}), {1, -1});
       },
       "named twice"},
      {"pad",
       [] {
         pad(zeros({2, 3}), {{1, 1}});
       },
       "pad: 1 pairs for shape (2,3)"},
      {"pad",
       [] {
         pad(zeros({2}), {{-2, -1}});
       },
       "pad: (-2, -1)"},
      {"slice",
       [] {
         slice(zeros({2, 3}), 1, 2, 4);
       },
       "[2, 4)"},
      {"slice",
       [] {
         slice(zeros({2, 3}), 0, 2, 1);
       },
       "[2, 1)"},
      {"slice",
       [] {
         slice(zeros({2, 3}), 2, 0, 1);
       },
       "slice: axis 2 of"},
      {"concat", [] { concat({}); }, "concat: no tensors"},
      {"concat",
       [] {
         concat({zeros({2, 3}), zeros({2, 4})});
       },
       "does not fit"},
      {"concat",
       [] {
         concat({zeros({2}), zeros({2}, DType::f64)});
       },
       "does not fit"},
      {"split",
       [] {
         split(zeros({5}), {2, 2});
       },
       "split: the parts have 4 elements"},
      {"split",
       [] {
         split(zeros({5}), {6, -1});
       },
       "split: a part of -1 elements"},
      {"take_rows",
       [] {
         take_rows(zeros({2, 3}), index(2));
       },
       "take_rows: index 2 at position 0, there are 2 rows"},
      {"take_rows",
       [] {
         take_rows(zeros({2, 3}), index(-1));
       },
       "index -1 at position 0"},
      {"take_rows", [] { take_rows(zeros({2}), tensor::zeros({1})); }, "f32"},
      {"take_rows", [] { take_rows(zeros({}), index(0)); }, "take_rows: a 0-dimensional tensor has no rows"},
      {"add_rows",
       [] {
         add_rows(zeros({1, 3}), index(4), 4);
       },
       "add_rows: index 4 at position 0, there are 4 rows"},
      {"add_rows",
       [] {
         add_rows(zeros({2, 3}), index(0), 4);
       },
       "does not begin with the shape of index (1)"},
      {"straight_through", [] { straight_through(zeros({2}), tensor::zeros({3})); },
       "straight_through: x f32 (2), forward f32 (3)"},
  };
}

std::vector<Mistake> of_products() {
  return {
      {"matmul",
       [] {
         matmul(zeros({2, 3}), zeros({2, 3}));
       },
       "matmul: a (2,3) has 3 columns, b (2,3) has 2 rows"},
      {"matmul",
       [] {
         matmul(zeros({2, 3}), zeros({3, 2}), true);
       },
       "a (2,3) transposed has 2 columns"},
      {"matmul",
       [] {
         matmul(zeros({3}), zeros({3, 2}));
       },
       "must have at least two dimensions"},
      {"matmul",
       [] {
         matmul(zeros({2, 4, 3}), zeros({3, 3, 5}));
       },
       "do not broadcast"},
      {"matmul",
       [] {
         matmul(zeros({2, 3}), zeros({3, 2}, DType::f64));
       },
       "convert one"},
      {"linear",
       [] {
         linear(zeros({2, 3}), zeros({3, 4}));
       },
       "linear: x (2,3) does not fit w (3,4), (out, in)"},
      {"linear",
       [] {
         linear(zeros({2, 3}), zeros({4, 3}), zeros({3}));
       },
       "bias (3) for 4 columns"},
      {"linear",
       [] {
         linear(zeros({}), zeros({4, 3}));
       },
       "linear: x () does not fit"},
      {"linear",
       [] {
         linear(zeros({2, 3}), zeros({4, 3}), {}, Activation::leaky_relu, -0.1);
       },
       "slope -0.1 is negative"},
  };
}

}  // namespace

const std::vector<Mistake>& mistakes() {
  static const std::vector<Mistake> all = [] {
    std::vector<Mistake> m = of_arithmetic();
    for (const auto& more : {of_reductions(), of_moves(), of_products(), conv_mistakes(), norm_mistakes(),
                             image_mistakes(), recurrent_mistakes()})
      m.insert(m.end(), more.begin(), more.end());
    return m;
  }();
  return all;
}

}  // namespace gesso::tests
