// C (M,N) = act(A (M,K) * B (K,N) + bias (N)) on tensor cores.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_tf32.cuh"

namespace gesso::kernels::GESSO_LEVEL {

void matmul_tf32(const MatMul<float>& p) {
  with_views(p, [&](const auto& a, auto a_along_k, const auto& b, auto b_along_k) {
    multiply_tf32<decltype(a_along_k)::value, decltype(b_along_k)::value>(extents_of(p), a, b, rows_out(p));
  });
}

}  // namespace gesso::kernels::GESSO_LEVEL
