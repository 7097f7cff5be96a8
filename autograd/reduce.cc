// Reductions and what works along an axis, each with its edges.
#include "autograd/fused.h"
#include "autograd/ops.h"

namespace gesso {

using kernels::Binary;
using kernels::Unary;

namespace {

/// The shape of a reduction of x that keeps its dimensions.
Shape kept(const Shape& x, const Axes& axes) {
  Shape s = x;
  if (axes.empty())
    for (int i = 0; i < s.rank(); ++i) s[i] = 1;
  for (int a : axes) s[x.axis("reduction", a)] = 1;
  return s;
}

/// How many elements of x go into one of a reduction.
double count(const Shape& x, const Axes& axes) {
  double n = axes.empty() ? static_cast<double>(x.size()) : 1;
  for (int a : axes) n *= static_cast<double>(x[x.axis("reduction", a)]);
  return n;
}

}  // namespace

// dx = dy, repeated
Var sum(const Var& x, const Axes& axes, bool keep) {
  return make("sum", tensor::sum(x.value(), axes, keep), edge(x, [s = x.shape(), axes](const Var& dy) {
                return broadcast_to(reshape(dy, kept(s, axes)), s);
              }));
}

// dx = dy / n, repeated
Var mean(const Var& x, const Axes& axes, bool keep) {
  return make("mean", tensor::mean(x.value(), axes, keep), edge(x, [s = x.shape(), axes](const Var& dy) {
                return broadcast_to(reshape(dy / count(s, axes), kept(s, axes)), s);
              }));
}

// dx = dy 2 (x - mean) / (n - correction)
Var var(const Var& x, const Axes& axes, int correction, bool keep) {
  return make("var", tensor::var(x.value(), axes, correction, keep), edge(x, [=](const Var& dy) {
                const double n = count(x.shape(), axes);
                return (x - mean(x, axes, true)) *
                       reshape(dy * (2 / (n - correction)), kept(x.shape(), axes));
              }));
}

namespace {

/// dy shared equally by those elements of x that equal the extreme value y.
Var extremes_share(const Var& dy, const Var& x, const Var& y, const Axes& axes) {
  const Shape k = kept(x.shape(), axes);
  const Tensor mask = equal(x, y.value().reshape(k));
  const Var winners = tensor::sum(mask.to(x.dtype()), axes, true);
  return where(mask, reshape(dy, k) / winners, tensor::zeros({}, x.dtype(), x.device()));
}

}  // namespace

Var max(const Var& x, const Axes& axes, bool keep) {
  return make("max", tensor::max(x.value(), axes, keep),
              edge(x, [=](const Var& dy, const Var& y) { return extremes_share(dy, x, y, axes); }));
}
Var min(const Var& x, const Axes& axes, bool keep) {
  return make("min", tensor::min(x.value(), axes, keep),
              edge(x, [=](const Var& dy, const Var& y) { return extremes_share(dy, x, y, axes); }));
}
Tensor argmax(const Var& x, int axis, bool keep) { return tensor::argmax(x.value(), axis, keep); }
Tensor argmin(const Var& x, int axis, bool keep) { return tensor::argmin(x.value(), axis, keep); }

// dx = dy softmax(x)
Var logsumexp(const Var& x, int axis, bool keep) {
  return make("logsumexp", tensor::logsumexp(x.value(), axis, keep), edge(x, [=](const Var& dy) {
                return softmax(x, axis) * reshape(dy, kept(x.shape(), {axis}));
              }));
}

// dx = y (dy - sum(dy y))
Var softmax(const Var& x, int axis) {
  return make("softmax", tensor::softmax(x.value(), axis),
              edge(x, [axis](const Var& dy, const Var& y) { return y * (dy - sum(dy * y, {axis}, true)); }));
}

// dx = dy - exp(y) sum(dy)
Var log_softmax(const Var& x, int axis) {
  return make("log_softmax", tensor::log_softmax(x.value(), axis),
              edge(x, [axis](const Var& dy, const Var& y) { return dy - exp(y) * sum(dy, {axis}, true); }));
}

// dx = dy summed from the other end
Var cumsum(const Var& x, int axis, bool reverse) {
  return make("cumsum", tensor::cumsum(x.value(), axis, reverse),
              edge(x, [=](const Var& dy) { return cumsum(dy, axis, !reverse); }));
}

// dx = dy x / y, and 0 where y = 0
Var norm(const Var& x, const Axes& axes, bool keep) {
  const Tensor& v = x.value();
  const Tensor squares =
      axes.empty() ? tensor::sum_binary(Binary::mul, v, v).reshape(keep ? kept(v.shape(), axes) : Shape{})
                   : tensor::sum(tensor::unary(Unary::square, v), axes, keep);
  return make("norm", tensor::unary(Unary::sqrt, squares), edge(x, [=](const Var& dy, const Var& y) {
                const Var zero = tensor::zeros({}, y.dtype(), y.device()),
                          one = tensor::ones({}, y.dtype(), y.device());
                const Tensor at_zero = equal(y, zero);
                return x * reshape(where(at_zero, zero, dy) / where(at_zero, one, y), kept(x.shape(), axes));
              }));
}

// dx = dy, repeated
Var sum_to(const Var& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return make("sum_to", tensor::sum_to(x.value(), shape),
              edge(x, [s = x.shape()](const Var& dy) { return broadcast_to(dy, s); }));
}

// ---- sums of a function of two tensors: the value is one pass over memory ----

// d = a - b is a node without a value, so that its gradient is computed once for a and b: da = dd, db = -dd.
namespace {

Var difference(const Var& a, const Var& b) {
  return without_value(
      "sub", a.shape(), a.dtype(),
      {edge(a, [](const Var& dd) { return dd; }), edge(b, [](const Var& dd) { return -dd; })});
}

}  // namespace

// dd = 2 dy d
Var sum_squared_difference(const Var& a, const Var& b) {
  Tensor y = tensor::sum_binary(Binary::squared_difference, a.value(), b.value());
  return make("sum_squared_difference", std::move(y),
              edge(difference(a, b), [=](const Var& dy) { return (a - b) * (2 * dy); }));
}

// dd = dy sign(d)
Var sum_absolute_difference(const Var& a, const Var& b) {
  Tensor y = tensor::sum_binary(Binary::absolute_difference, a.value(), b.value());
  return make("sum_absolute_difference", std::move(y),
              edge(difference(a, b), [=](const Var& dy) { return sign(a - b) * dy; }));
}

// dd = dy (sigmoid(d) - t), dt = -dy d
Var sum_bce_with_logits(const Var& d, const Var& t) {
  return make("sum_bce_with_logits", tensor::sum_binary(Binary::bce_with_logits, d.value(), t.value()),
              edge(d, [=](const Var& dy) { return bce_with_logits_grad(d, t) * dy; }),
              edge(t, [d](const Var& dy) { return d * -dy; }));
}

// da = dy b, db = dy a
Var dot(const Var& a, const Var& b) {
  return make("dot", tensor::sum_binary(Binary::mul, a.value(), b.value()),
              edge(a, [b](const Var& dy) { return b * dy; }), edge(b, [a](const Var& dy) { return a * dy; }));
}

}  // namespace gesso
