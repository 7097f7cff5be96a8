// y = f(x) and y = f(a, b), element by element, each with its edges.
#include "autograd/fused.h"
#include "autograd/ops.h"

#include <cmath>
#include <numbers>

namespace gesso {

using kernels::Binary;
using kernels::Compare;
using kernels::Scalars;
using kernels::Unary;

namespace {

/// y = f(x) by one kernel, with dx as a function of dy, or of dy and y.
template <class F>
Var unary(Unary op, const Var& x, Scalars s, F&& dx) {
  return make(tensor::name(op), tensor::unary(op, x.value(), s), edge(x, std::forward<F>(dx)));
}

/// A number as a constant that broadcasts to x.
Var constant(double c, const Var& x) { return tensor::full({}, c, x.dtype(), x.device()); }

/// sum_to(p q, shape): the gradient of a product with a factor of that shape. For a single number, one pass.
Var product_to(const Var& p, const Var& q, const Shape& shape) {
  if (shape.size() == 1 && p.size() > 1 && p.shape() == q.shape()) return dot(p, q).reshape(shape);
  return sum_to(p * q, shape);
}

}  // namespace

// ---- arithmetic ----

// da = dy, db = dy
Var operator+(const Var& a, const Var& b) {
  return make("add", tensor::add(a.value(), b.value()),
              edge(a, [s = a.shape()](const Var& dy) { return sum_to(dy, s); }),
              edge(b, [s = b.shape()](const Var& dy) { return sum_to(dy, s); }));
}

// da = dy, db = -dy
Var operator-(const Var& a, const Var& b) {
  return make("sub", tensor::sub(a.value(), b.value()),
              edge(a, [s = a.shape()](const Var& dy) { return sum_to(dy, s); }),
              edge(b, [s = b.shape()](const Var& dy) { return -sum_to(dy, s); }));
}

// da = dy b, db = dy a
Var operator*(const Var& a, const Var& b) {
  return make("mul", tensor::mul(a.value(), b.value()),
              edge(a, [b, s = a.shape()](const Var& dy) { return product_to(dy, b, s); }),
              edge(b, [a, s = b.shape()](const Var& dy) { return product_to(dy, a, s); }));
}

// da = dy / b, db = -dy y / b; b is constant along the dimensions summed away, so it divides the sum.
Var operator/(const Var& a, const Var& b) {
  return make("div", tensor::div(a.value(), b.value()),
              edge(a, [b, s = a.shape()](const Var& dy) { return sum_to(dy / b, s); }),
              edge(b, [b](const Var& dy, const Var& y) { return -(product_to(dy, y, b.shape()) / b); }));
}

Var operator-(const Var& x) {
  return unary(Unary::mul_scalar, x, {-1}, [](const Var& dy) { return -dy; });
}
Var operator+(const Var& x, double c) {
  return unary(Unary::add_scalar, x, {c}, [](const Var& dy) { return dy; });
}
Var operator+(double c, const Var& x) { return x + c; }
Var operator-(const Var& x, double c) { return x + -c; }
Var operator-(double c, const Var& x) {
  return unary(Unary::rsub_scalar, x, {c}, [](const Var& dy) { return -dy; });
}
Var operator*(const Var& x, double c) {
  return unary(Unary::mul_scalar, x, {c}, [c](const Var& dy) { return dy * c; });
}
Var operator*(double c, const Var& x) { return x * c; }
// A division and not a product with 1 / c, which would round twice.
Var operator/(const Var& x, double c) { return x / constant(c, x); }
// dx = -dy y / x
Var operator/(double c, const Var& x) {
  return unary(Unary::rdiv_scalar, x, {c}, [x](const Var& dy, const Var& y) { return -(dy * y / x); });
}

// dx = dy c x^(c - 1); x^0 is a constant.
Var pow(const Var& x, double c) {
  Tensor y = tensor::unary(Unary::pow_scalar, x.value(), {c});
  if (c == 0) return make("pow", std::move(y));
  return make("pow", std::move(y),
              edge(x, [=](const Var& dy) { return c == 1 ? dy : dy * (pow(x, c - 1) * c); }));
}

// da = dy b a^(b - 1), and 0 at 0^0; db = dy y log a, and 0 at a = 0
Var pow(const Var& a, const Var& b) {
  return make("pow", tensor::binary(Binary::pow, a.value(), b.value()),
              edge(a,
                   [=](const Var& dy) {
                     const Var one = constant(1, b);
                     const Tensor both_zero = equal(abs(a.detach()) + abs(b.detach()), constant(0, b));
                     return sum_to(dy * (b * pow(a, where(both_zero, one, b - 1))), a.shape());
                   }),
              edge(b, [=](const Var& dy, const Var& y) {
                const Var logs = log(where(equal(a, constant(0, a)), constant(1, a), a));
                return sum_to(dy * (y * logs), b.shape());
              }));
}

namespace {

/// dy where this operand wins, half of it where the two are equal.
Var winners_share(const Var& dy, const Tensor& wins, const Tensor& ties, const Shape& shape) {
  return sum_to(where(wins, dy, where(ties, dy * 0.5, constant(0, dy))), shape);
}

}  // namespace

Var maximum(const Var& a, const Var& b) {
  return make("maximum", tensor::binary(Binary::max, a.value(), b.value()),
              edge(a, [=](const Var& dy) { return winners_share(dy, a > b, equal(a, b), a.shape()); }),
              edge(b, [=](const Var& dy) { return winners_share(dy, b > a, equal(a, b), b.shape()); }));
}
Var minimum(const Var& a, const Var& b) {
  return make("minimum", tensor::binary(Binary::min, a.value(), b.value()),
              edge(a, [=](const Var& dy) { return winners_share(dy, a < b, equal(a, b), a.shape()); }),
              edge(b, [=](const Var& dy) { return winners_share(dy, b < a, equal(a, b), b.shape()); }));
}

// ---- comparisons ----

Tensor operator<(const Var& a, const Var& b) { return tensor::compare(Compare::lt, a.value(), b.value()); }
Tensor operator<=(const Var& a, const Var& b) { return tensor::compare(Compare::le, a.value(), b.value()); }
Tensor operator>(const Var& a, const Var& b) { return tensor::compare(Compare::gt, a.value(), b.value()); }
Tensor operator>=(const Var& a, const Var& b) { return tensor::compare(Compare::ge, a.value(), b.value()); }
Tensor equal(const Var& a, const Var& b) { return tensor::compare(Compare::eq, a.value(), b.value()); }
Tensor not_equal(const Var& a, const Var& b) { return tensor::compare(Compare::ne, a.value(), b.value()); }

// da = mask ? dy : 0, db = mask ? 0 : dy
Var where(const Tensor& mask, const Var& a, const Var& b) {
  const Var m = mask;  // a Var remembers the version of its storage
  return make(
      "where", tensor::where(mask, a.value(), b.value()),
      edge(a, [m, s = a.shape()](const Var& dy) { return sum_to(where(m.value(), dy, constant(0, dy)), s); }),
      edge(b,
           [m, s = b.shape()](const Var& dy) { return sum_to(where(m.value(), constant(0, dy), dy), s); }));
}

// ---- functions of one variable ----

// dx = dy sign(x)
Var abs(const Var& x) {
  return unary(Unary::abs, x, {}, [x](const Var& dy) { return dy * sign(x); });
}
Var sign(const Var& x) { return make("sign", tensor::unary(Unary::sign, x.value())); }
Var clamp(const Var& x, double low, double high) {
  check(low <= high, "clamp: the interval [{}, {}] is empty", low, high);
  return unary(Unary::clamp, x, {low, high}, [=](const Var& dy) { return clamp_grad(dy, x, low, high); });
}
// dx = dy y
Var exp(const Var& x) {
  return unary(Unary::exp, x, {}, [](const Var& dy, const Var& y) { return dy * y; });
}
// dx = dy / x
Var log(const Var& x) {
  return unary(Unary::log, x, {}, [x](const Var& dy) { return dy / x; });
}
// dx = dy / (1 + x)
Var log1p(const Var& x) {
  return unary(Unary::log1p, x, {}, [x](const Var& dy) { return dy / (1 + x); });
}
// dx = dy / (2 y)
Var sqrt(const Var& x) {
  return unary(Unary::sqrt, x, {}, [](const Var& dy, const Var& y) { return dy / (2 * y); });
}
// dx = 2 x dy
Var square(const Var& x) {
  return unary(Unary::square, x, {}, [x](const Var& dy) { return dy * (2 * x); });
}
// dx = dy cos(x)
Var sin(const Var& x) {
  return unary(Unary::sin, x, {}, [x](const Var& dy) { return dy * cos(x); });
}
// dx = -dy sin(x)
Var cos(const Var& x) {
  return unary(Unary::cos, x, {}, [x](const Var& dy) { return -(dy * sin(x)); });
}
// dx = dy 2 / sqrt(pi) exp(-x^2)
Var erf(const Var& x) {
  constexpr double c = 2 * std::numbers::inv_sqrtpi;
  return unary(Unary::erf, x, {}, [x](const Var& dy) { return dy * (exp(-square(x)) * c); });
}
Var tanh(const Var& x) { return unary(Unary::tanh, x, {}, tanh_grad); }
Var sigmoid(const Var& x) { return unary(Unary::sigmoid, x, {}, sigmoid_grad); }
// dx = dy sigmoid(beta x), and dy where beta x > threshold, as the value is x there
Var softplus(const Var& x, double beta, double threshold) {
  return unary(Unary::softplus, x, {beta, threshold}, [=](const Var& dy) {
    const Var t = x * beta;
    return where(t > constant(threshold, t), dy, dy * sigmoid(t));
  });
}
Var relu(const Var& x) { return leaky_relu(x, 0); }
Var leaky_relu(const Var& x, double slope) {
  // The output tells the sign of the input unless the slope is negative; so the input can be freed.
  if (slope >= 0)
    return unary(Unary::leaky_relu, x, {slope},
                 [slope](const Var& dy, const Var& y) { return leaky_relu_grad(dy, y, slope); });
  return unary(Unary::leaky_relu, x, {slope}, [=](const Var& dy) { return leaky_relu_grad(dy, x, slope); });
}
Var elu(const Var& x, double alpha) {
  check(alpha >= 0, "elu: alpha {} is negative", alpha);
  return unary(Unary::elu, x, {alpha},
               [alpha](const Var& dy, const Var& y) { return elu_grad(dy, y, alpha); });
}
// dx = dy (Phi(x) + x phi(x)), phi(x) = exp(-x^2 / 2) / sqrt(2 pi)
Var gelu(const Var& x) {
  return unary(Unary::gelu, x, {}, [x](const Var& dy) {
    const Var cdf = 0.5 + 0.5 * erf(x * (std::numbers::sqrt2 / 2));
    const Var pdf = exp(-0.5 * square(x)) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
    return dy * (cdf + x * pdf);
  });
}
// dx = dy (y + s (1 - y)), s = sigmoid(x)
Var silu(const Var& x) {
  return unary(Unary::silu, x, {},
               [x](const Var& dy, const Var& y) { return dy * (y + sigmoid(x) * (1 - y)); });
}

// max(d,0) - d t + log1p(exp(-|d|)): dd = dy (sigmoid(d) - t), dt = -dy d
Var bce_with_logits(const Var& d, const Var& t) {
  return make("bce_with_logits", tensor::binary(Binary::bce_with_logits, d.value(), t.value()),
              edge(d, [=](const Var& dy) { return product_to(dy, bce_with_logits_grad(d, t), d.shape()); }),
              edge(t, [d, s = t.shape()](const Var& dy) { return -product_to(dy, d, s); }));
}

}  // namespace gesso
