// Sums and extrema over one axis.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

template <class T>
void reduce(Reduction op, Slab s, const T* x, T* y) {
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t k = 0; k < s.inner; ++k) {
      const T* at = x + o * s.n * s.inner + k;
      double sum = 0;
      T extreme = s.n ? at[0] : T(0);
      for (std::int64_t i = 0; i < s.n; ++i) {
        const T v = at[i * s.inner];
        if (op == Reduction::sum) sum += double(v);
        if (op == Reduction::max) extreme = max(extreme, v);
        if (op == Reduction::min) extreme = min(extreme, v);
      }
      y[o * s.inner + k] = op == Reduction::sum ? T(sum) : extreme;
    }
  }
}

template <class T>
void arg_reduce(ArgReduction op, Slab s, const T* x, std::int64_t* y) {
  const T sign = op == ArgReduction::argmax ? T(1) : T(-1);
  for (std::int64_t o = 0; o < s.outer; ++o) {
    for (std::int64_t k = 0; k < s.inner; ++k) {
      const T* at = x + o * s.n * s.inner + k;
      std::int64_t best = 0;
      for (std::int64_t i = 1; i < s.n; ++i) {
        const T v = sign * at[i * s.inner], w = sign * at[best * s.inner];
        if (v > w || (v != v && w == w)) best = i;
      }
      y[o * s.inner + k] = best;
    }
  }
}

template <class T>
void sum_binary(Binary name, Scalars s, std::int64_t n, const T* a, const T* b, T* y) {
  with_op(name, [&](auto tag) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += double(apply<decltype(tag)::op>(a[i], b[i], T(s.a), T(s.b)));
    y[0] = T(sum);
  });
}

}  // namespace

template <class T>
void install_reduce(Kernels<T>& k) {
  k.reduce = reduce<T>;
  k.arg_reduce = arg_reduce<T>;
  k.sum_binary = sum_binary<T>;
}
template void install_reduce(Kernels<float>&);
template void install_reduce(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
