// C (M,N) = act(A (M,K) * B (K,N) + bias (N)): the matrix product of dense matrices.
#include "kernels/cpu/gemm_blocked.h"
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

template <class T>
void matmul(const MatMul<T>& p) {
  const Rows<T> c{p.c, p.c_row, p.c_batch, p.bias, p.act, p.slope};
  const auto product = [&](const auto& a, const auto& b) { gemm<T>(p.batch, p.M, p.N, p.K, a, b, c); };
  const auto with_a = [&](const auto& a) {
    if (p.b_col == 1 || p.N <= 1)
      product(a, Dense<T>{p.b, p.b_row, p.b_batch});
    else
      product(a, Transposed<Dense<T>>{{p.b, p.b_col, p.b_batch}});
  };
  if (p.a_col == 1 || p.K <= 1)
    with_a(Dense<T>{p.a, p.a_row, p.a_batch});
  else
    with_a(Transposed<Dense<T>>{{p.a, p.a_col, p.a_batch}});
}

}  // namespace

template <class T>
void install_gemm(Kernels<T>& k) {
  k.matmul = matmul<T>;
}
template void install_gemm(Kernels<float>&);
template void install_gemm(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
