// Products, each with its edges.
#include "autograd/fused.h"
#include "autograd/ops.h"

namespace gesso {
namespace {

/// s with its last extent replaced.
Shape with_last(Shape s, std::int64_t extent) {
  s[s.rank() - 1] = extent;
  return s;
}

}  // namespace

// y = op(a) op(b):  da = dy op(b)^T, or its transpose op(b) dy^T;
//                   db = op(a)^T dy, or its transpose dy^T op(a)
Var matmul(const Var& a, const Var& b, bool ta, bool tb) {
  if (a.rank() > 2 && b.rank() == 2 && !ta) {  // one product of many rows, and one for db
    const Var y = matmul(a.reshape(a.shape().as_rows()), b, false, tb);
    return y.reshape(with_last(a.shape(), y.dim(1)));
  }
  return make("matmul", tensor::matmul(a.value(), b.value(), {.transpose_a = ta, .transpose_b = tb}),
              edge(a,
                   [=, s = a.shape()](const Var& dy) {
                     return sum_to(ta ? matmul(b, dy, tb, true) : matmul(dy, b, false, !tb), s);
                   }),
              edge(b, [=, s = b.shape()](const Var& dy) {
                return sum_to(tb ? matmul(dy, a, true, ta) : matmul(a, dy, !ta, false), s);
              }));
}

// p = x w^T + b, y = act(p): one kernel but two nodes, so that dp is computed once for
// dx = dp w, dw = dp^T x, db = the column sums of dp.
// p itself is never stored: every act'(p) is a function of y.
Var linear(const Var& x, const Var& w, const Var& b, Activation act, double slope) {
  check(w.rank() == 2 && x.rank() >= 1 && x.dim(-1) == w.dim(1), "linear: x {} does not fit w {}, (out, in)",
        x.shape(), w.shape());
  check(slope >= 0, "linear: slope {} is negative", slope);
  if (x.rank() != 2)
    return linear(x.reshape(x.shape().as_rows()), w, b, act, slope).reshape(with_last(x.shape(), w.dim(0)));
  const tensor::MatmulOptions options = {
      .transpose_b = true, .bias = b.defined() ? b.value() : Tensor(), .activation = act, .slope = slope};
  return make_activated("linear", tensor::matmul(x.value(), w.value(), options), act, slope,
                        edge(x, [w](const Var& dp) { return matmul(dp, w); }),
                        edge(w, [x](const Var& dp) { return matmul(dp, x, true, false); }),
                        edge(b, [](const Var& dp) { return sum(dp, {0}); }));
}

}  // namespace gesso
