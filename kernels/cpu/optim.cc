// Optimizer steps (kernels/optim.h): one pass over memory, one parallel region for all parameters.
#include "kernels/optim.h"

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// f(slice) for pieces of the parameters, which are cut as if they lay end to end, so that many small ones cost little.
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

// A rule is made where it is used: one that lived outside of the loop's function would be read anew after every store.

template <class T>
void adam(const AdamStep& step, int count, const ParameterSlice<T>* parameters) {
  for_slices(count, parameters, [&](const ParameterSlice<T>& p) {
    const AdamRule<T> rule(step);
#pragma omp simd
    for (std::int64_t i = 0; i < p.n; ++i) {
      T w = p.w[i], m = p.m[i], v = p.v[i];
      rule(w, p.dw[i], m, v);
      p.m[i] = m;
      p.v[i] = v;
      p.w[i] = w;
    }
  });
}

template <class T>
void sgd(const SgdStep& step, int count, const ParameterSlice<T>* parameters) {
  for_slices(count, parameters, [&](const ParameterSlice<T>& p) {
    const SgdRule<T> rule(step);
    if (!p.m) {
#pragma omp simd
      for (std::int64_t i = 0; i < p.n; ++i) rule(p.w[i], p.dw[i]);
    } else {
#pragma omp simd
      for (std::int64_t i = 0; i < p.n; ++i) {
        T w = p.w[i], m = p.m[i], unused = 0;
        rule(w, p.dw[i], m, unused);
        p.m[i] = m;
        p.w[i] = w;
      }
    }
  });
}

template <class T>
void rmsprop(const RmspropStep& step, int count, const ParameterSlice<T>* parameters) {
  for_slices(count, parameters, [&](const ParameterSlice<T>& p) {
    const RmspropRule<T> rule(step);
#pragma omp simd
    for (std::int64_t i = 0; i < p.n; ++i) {
      T w = p.w[i], unused = 0, v = p.v[i];
      rule(w, p.dw[i], unused, v);
      p.v[i] = v;
      p.w[i] = w;
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
