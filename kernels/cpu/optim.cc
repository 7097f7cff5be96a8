// Optimizer steps: one pass over memory for all parameters.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

template <class T>
void adam(const AdamStep& step, int count, const ParameterSlice<T>* parameters) {
  for (int j = 0; j < count; ++j) {
    const ParameterSlice<T>& p = parameters[j];
    for (std::int64_t i = 0; i < p.n; ++i) {
      T w = p.w[i], g = T(step.grad_scale) * p.dw[i];
      if (step.decoupled) w -= T(step.lr * step.weight_decay) * w;
      if (!step.decoupled) g += T(step.weight_decay) * w;
      const T m = T(step.beta1) * p.m[i] + T(1 - step.beta1) * g;
      const T v = T(step.beta2) * p.v[i] + T(1 - step.beta2) * (g * g);
      p.m[i] = m;
      p.v[i] = v;
      p.w[i] = w - T(step.lr / step.correction1) * m / (sqrt(v) / sqrt(T(step.correction2)) + T(step.eps));
    }
  }
}

template <class T>
void sgd(const SgdStep& step, int count, const ParameterSlice<T>* parameters) {
  for (int j = 0; j < count; ++j) {
    const ParameterSlice<T>& p = parameters[j];
    for (std::int64_t i = 0; i < p.n; ++i) {
      T g = T(step.grad_scale) * p.dw[i] + T(step.weight_decay) * p.w[i];
      if (p.m) {
        const T m = step.first ? g : T(step.momentum) * p.m[i] + T(1 - step.dampening) * g;
        p.m[i] = m;
        g = step.nesterov ? g + T(step.momentum) * m : m;
      }
      p.w[i] -= T(step.lr) * g;
    }
  }
}

template <class T>
void rmsprop(const RmspropStep& step, int count, const ParameterSlice<T>* parameters) {
  for (int j = 0; j < count; ++j) {
    const ParameterSlice<T>& p = parameters[j];
    for (std::int64_t i = 0; i < p.n; ++i) {
      const T g = T(step.grad_scale) * p.dw[i] + T(step.weight_decay) * p.w[i];
      p.v[i] = T(step.alpha) * p.v[i] + T(1 - step.alpha) * (g * g);
      p.w[i] -= T(step.lr) * g / (sqrt(p.v[i]) + T(step.eps));
    }
  }
}

template <class T>
void lerp(T weight, std::int64_t n, const T* x, T* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] += weight * (x[i] - y[i]);
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
