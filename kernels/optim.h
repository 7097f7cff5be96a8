// What an optimizer does to one parameter, in PyTorch's formulas, the same text for CPU and CUDA: rule(w, dw, m, v) with the
// parameter w, its gradient dw and the states m and v that the rule uses.
#pragma once

#include "kernels/kernels.h"
#include "kernels/math.h"

namespace gesso::kernels::GESSO_LEVEL {

/// g = scale dw + decay w; m = m + (1 - beta1)(g - m); v = beta2 v + (1 - beta2) g^2;
/// w = w - lr/(1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps), after w = (1 - lr decay) w where the decay is decoupled
template <class T>
struct AdamRule {
  static constexpr bool uses_m = true, uses_v = true;
  T scale, decay, keep, gain1, beta2, gain2, eps, rate, root;

  explicit AdamRule(const AdamStep& s)
      : scale(T(s.grad_scale)),
        decay(T(s.decoupled ? 0 : s.weight_decay)),
        gain1(T(1 - s.beta1)),
        beta2(T(s.beta2)),
        gain2(T(1 - s.beta2)),
        eps(T(s.eps)) {
    take(s.pace());
  }

  GESSO_HD inline void take(const AdamPace& pace) {
    keep = T(pace.keep);
    rate = T(pace.rate);
    root = T(pace.root);
  }

  GESSO_HD inline void operator()(T& w, T dw, T& m, T& v) const {
    const T g = scale * dw + decay * w;
    m = m + gain1 * (g - m);
    v = beta2 * v + gain2 * (g * g);
    w = keep * w - rate * (m / (sqrt(v) * root + eps));
  }
};

/// g = scale dw + decay w; m = momentum m + (1 - dampening) g, at first g; w = w - lr m, with Nesterov w - lr (g + momentum m)
template <class T>
struct SgdRule {
  static constexpr bool uses_m = true, uses_v = false;
  T scale, decay, lr, keep, gain, from_g, from_m;
  bool first;

  explicit SgdRule(const SgdStep& s)
      : scale(T(s.grad_scale)),
        decay(T(s.weight_decay)),
        lr(T(s.lr)),
        keep(s.first ? T(0) : T(s.momentum)),
        gain(s.first ? T(1) : T(1 - s.dampening)),
        from_g(s.nesterov ? T(1) : T(0)),
        from_m(s.nesterov ? T(s.momentum) : T(1)),
        first(s.first) {}

  GESSO_HD inline void operator()(T& w, T dw, T& m, T&) const {
    const T g = scale * dw + decay * w;
    const T old = first ? T(0) : m;  // whatever is there before the first step
    m = keep * old + gain * g;
    w -= lr * (from_g * g + from_m * m);
  }
  /// w = w - lr g, without momentum
  GESSO_HD inline void operator()(T& w, T dw) const { w -= lr * (scale * dw + decay * w); }
};

/// g = scale dw + decay w; v = alpha v + (1 - alpha) g^2; w = w - lr g / (sqrt(v) + eps)
template <class T>
struct RmspropRule {
  static constexpr bool uses_m = false, uses_v = true;
  T scale, decay, lr, alpha, gain, eps;

  explicit RmspropRule(const RmspropStep& s)
      : scale(T(s.grad_scale)),
        decay(T(s.weight_decay)),
        lr(T(s.lr)),
        alpha(T(s.alpha)),
        gain(T(1 - s.alpha)),
        eps(T(s.eps)) {}

  GESSO_HD inline void operator()(T& w, T dw, T&, T& v) const {
    const T g = scale * dw + decay * w;
    v = alpha * v + gain * (g * g);
    w -= lr * (g / (sqrt(v) + eps));
  }
};

}  // namespace gesso::kernels::GESSO_LEVEL
