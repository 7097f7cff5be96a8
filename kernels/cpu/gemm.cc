// C (M,N) = act(A (M,K) * B (K,N) + bias (N)).
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

template <class T>
T activate(Activation act, T slope, T x) {
  switch (act) {
    case Activation::none:
      return x;
    case Activation::leaky_relu:
      return x > 0 ? x : slope * x;
    case Activation::tanh:
      return static_cast<T>(__builtin_tanh(x));
    case Activation::sigmoid:
      return static_cast<T>(1 / (1 + __builtin_exp(-x)));
  }
  return x;
}

template <class T>
void matmul(const MatMul<T>& p) {
  for (std::int64_t b = 0; b < p.batch; ++b)
    for (std::int64_t i = 0; i < p.M; ++i)
      for (std::int64_t j = 0; j < p.N; ++j) {
        T sum = 0;
        for (std::int64_t k = 0; k < p.K; ++k)
          sum +=
              p.a[b * p.a_batch + i * p.a_row + k * p.a_col] * p.b[b * p.b_batch + k * p.b_row + j * p.b_col];
        p.c[b * p.c_batch + i * p.c_row + j] = activate(p.act, p.slope, p.bias ? sum + p.bias[j] : sum);
      }
}

}  // namespace

template <class T>
void install_gemm(Kernels<T>& k) {
  k.matmul = matmul<T>;
}
template void install_gemm(Kernels<float>&);
template void install_gemm(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
