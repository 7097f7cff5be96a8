// The scalar functions behind the elementwise kernels, the same text for CPU and CUDA: op by op, apply<op>(x,
// a, b), and the way from an op's run-time name to its function. The transcendental functions are in
// kernels/math.h.
#pragma once

#include "kernels/kernels.h"
#include "kernels/math.h"

namespace gesso::kernels::GESSO_LEVEL {

/// An op as a type, so that a lambda can be handed one.
template <auto value>
struct Op {
  static constexpr auto op = value;
};

/// f(Op<op>{}) for the op that `wanted` names; `first` to `last` are the enum's range. On the host only: a kernel is made for
/// each op.
template <auto first, auto last, class F>
inline void with_op(decltype(first) wanted, const F& f) {
  if (wanted == first) {
    f(Op<first>{});
  } else if constexpr (first != last) {
    with_op<static_cast<decltype(first)>(int(first) + 1), last>(wanted, f);
  } else {
    __builtin_trap();  // an op missing from the range below
  }
}
template <class F>
inline void with_op(Unary op, const F& f) {
  with_op<Unary::add_scalar, Unary::silu>(op, f);
}
template <class F>
inline void with_op(Binary op, const F& f) {
  with_op<Binary::add, Binary::bce_with_logits_grad>(op, f);
}
template <class F>
inline void with_op(Compare op, const F& f) {
  with_op<Compare::eq, Compare::ge>(op, f);
}

/// The larger and the smaller of two numbers; NaN if either is NaN.
template <class T>
GESSO_HD inline T max(T p, T q) {
  return (p > q) | (p != p) ? p : q;
}
template <class T>
GESSO_HD inline T min(T p, T q) {
  return (p < q) | (p != p) ? p : q;
}

/// y = f(x); a and b are the constants of kernels.h's Scalars.
template <Unary op, class T>
GESSO_HD inline T apply(T x, T a, T b) {
  switch (op) {
    case Unary::add_scalar:
      return x + a;
    case Unary::mul_scalar:
      return x * a;
    case Unary::rsub_scalar:
      return a - x;
    case Unary::rdiv_scalar:
      return a / x;
    case Unary::pow_scalar:
      return pow(x, a);
    case Unary::clamp: {
      const T low = x < a ? a : x;
      return low > b ? b : low;
    }
    case Unary::abs:
      return abs(x);
    case Unary::sign:
      return x > 0 ? T(1) : x < 0 ? T(-1) : x;  // x itself: NaN, and the sign of a zero
    case Unary::exp:
      return exp(x);
    case Unary::log:
      return log(x);
    case Unary::log1p:
      return log1p(x);
    case Unary::sqrt:
      return sqrt(x);
    case Unary::square:
      return x * x;
    case Unary::sin:
      return sin(x);
    case Unary::cos:
      return cos(x);
    case Unary::erf:
      return erf(x);
    case Unary::tanh:
      return tanh(x);
    case Unary::sigmoid:
      return sigmoid(x);
    case Unary::softplus:
      return a * x > b ? x : softplus(a * x) / a;
    case Unary::leaky_relu:
      return x > 0 ? x : a * x;
    case Unary::elu:
      return x > 0 ? x : a * expm1_negative(x);
    case Unary::gelu:
      return x * normal_cdf(x);
    case Unary::silu:
      return x * sigmoid(x);
  }
  return x;
}

/// y = f(p, q)
template <Binary op, class T>
GESSO_HD inline T apply(T p, T q, T a, T b) {
  switch (op) {
    case Binary::add:
      return p + q;
    case Binary::sub:
      return p - q;
    case Binary::mul:
      return p * q;
    case Binary::div:
      return p / q;
    case Binary::pow:
      return pow(p, q);
    case Binary::max:
      return max(p, q);
    case Binary::min:
      return min(p, q);
    case Binary::leaky_relu_grad:
      return q > 0 ? p : a * p;
    case Binary::clamp_grad:
      return (a <= q) & (q <= b) ? p : T(0);
    case Binary::sigmoid_grad:
      return p * (q * (1 - q));
    case Binary::tanh_grad:
      return p * (1 - q * q);
    case Binary::elu_grad:
      return q > 0 ? p : p * (q + a);
    case Binary::squared_difference:
      return (p - q) * (p - q);
    case Binary::absolute_difference:
      return abs(p - q);
    case Binary::bce_with_logits:
      return softplus(p) - p * q;
    case Binary::bce_with_logits_grad:
      return sigmoid(p) - q;
  }
  return p;
}

template <Compare op, class T>
GESSO_HD inline bool apply(T p, T q) {
  switch (op) {
    case Compare::eq:
      return p == q;
    case Compare::ne:
      return p != q;
    case Compare::lt:
      return p < q;
    case Compare::le:
      return p <= q;
    case Compare::gt:
      return p > q;
    case Compare::ge:
      return p >= q;
  }
  return false;
}

}  // namespace gesso::kernels::GESSO_LEVEL
