// Optimizer steps in PyTorch's formulas: one pass over memory, one parallel region for all parameters.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/math.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// f(n, slice) for pieces of the parameters, which are cut as if they lay end to end, so that many small ones cost little.
template <class T, class F>
void for_slices(int count, const ParameterSlice<T>* parameters, const F& f) {
  constexpr std::int64_t kGrain = 4096;  // 28 bytes each with Adam
  std::int64_t total = 0;
  for (int j = 0; j < count; ++j) total += parameters[j].n;
  parallel_blocks(total, kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::int64_t start = 0;
    for (int j = 0; j < count && start < end; ++j) {
      const ParameterSlice<T>& p = parameters[j];
      const std::int64_t first = begin > start ? begin - start : 0;
      const std::int64_t last = end - start < p.n ? end - start : p.n;
      if (first < last)
        f(ParameterSlice<T>{last - first, p.w + first, p.dw + first, p.m ? p.m + first : nullptr,
                            p.v ? p.v + first : nullptr});
      start += p.n;
    }
  });
}

/// g = scale dw + decay w; m = m + (1 - beta1)(g - m); v = beta2 v + (1 - beta2) g^2;
/// w = w - lr/(1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps), after w = (1 - lr decay) w where the decay is decoupled
template <class T>
void adam(const AdamStep& step, int count, const ParameterSlice<T>* parameters) {
  const T scale = T(step.grad_scale), decay = T(step.decoupled ? 0 : step.weight_decay);
  const T keep = T(step.decoupled ? 1 - step.lr * step.weight_decay : 1);
  const T gain1 = T(1 - step.beta1), beta2 = T(step.beta2), gain2 = T(1 - step.beta2), eps = T(step.eps);
  const T rate = T(step.lr / step.correction1), root = T(1 / __builtin_sqrt(step.correction2));
  for_slices(count, parameters, [=](const ParameterSlice<T>& p) {
#pragma omp simd
    for (std::int64_t i = 0; i < p.n; ++i) {
      const T g = scale * p.dw[i] + decay * p.w[i];
      const T m = p.m[i] + gain1 * (g - p.m[i]);
      const T v = beta2 * p.v[i] + gain2 * (g * g);
      p.m[i] = m;
      p.v[i] = v;
      p.w[i] = keep * p.w[i] - rate * (m / (sqrt(v) * root + eps));
    }
  });
}

/// g = scale dw + decay w; m = momentum m + (1 - dampening) g, at first g; w = w - lr m, with Nesterov w - lr (g + momentum m)
template <class T>
void sgd(const SgdStep& step, int count, const ParameterSlice<T>* parameters) {
  const T scale = T(step.grad_scale), decay = T(step.weight_decay), lr = T(step.lr);
  const T momentum = T(step.momentum);
  const T keep = step.first ? T(0) : momentum, gain = step.first ? T(1) : T(1 - step.dampening);
  const T from_g = step.nesterov ? T(1) : T(0), from_m = step.nesterov ? momentum : T(1);
  for_slices(count, parameters, [=](const ParameterSlice<T>& p) {
    if (!p.m) {
#pragma omp simd
      for (std::int64_t i = 0; i < p.n; ++i) p.w[i] -= lr * (scale * p.dw[i] + decay * p.w[i]);
    } else {
#pragma omp simd
      for (std::int64_t i = 0; i < p.n; ++i) {
        const T g = scale * p.dw[i] + decay * p.w[i];
        const T old = step.first ? T(0) : p.m[i];  // whatever is there before the first step
        const T m = keep * old + gain * g;
        p.m[i] = m;
        p.w[i] -= lr * (from_g * g + from_m * m);
      }
    }
  });
}

/// g = scale dw + decay w; v = alpha v + (1 - alpha) g^2; w = w - lr g / (sqrt(v) + eps)
template <class T>
void rmsprop(const RmspropStep& step, int count, const ParameterSlice<T>* parameters) {
  const T scale = T(step.grad_scale), decay = T(step.weight_decay), lr = T(step.lr);
  const T alpha = T(step.alpha), gain = T(1 - step.alpha), eps = T(step.eps);
  for_slices(count, parameters, [=](const ParameterSlice<T>& p) {
#pragma omp simd
    for (std::int64_t i = 0; i < p.n; ++i) {
      const T g = scale * p.dw[i] + decay * p.w[i];
      const T v = alpha * p.v[i] + gain * (g * g);
      p.v[i] = v;
      p.w[i] -= lr * (g / (sqrt(v) + eps));
    }
  });
}

/// y = y + weight (x - y)
template <class T>
void lerp(T weight, std::int64_t n, const T* x, T* y) {
  parallel_blocks(n, 16384, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) y[i] += weight * (x[i] - y[i]);
  });
}

}  // namespace

template <class T>
void install_optim(Kernels<T>& k) {
  k.adam = adam<T>;
  k.sgd = sgd<T>;
  k.rmsprop = rmsprop<T>;
  k.lerp = lerp<T>;
}
template void install_optim(Kernels<float>&);
template void install_optim(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
