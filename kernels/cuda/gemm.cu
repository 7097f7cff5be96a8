// C (M,N) = act(A (M,K) * B (K,N) + bias (N)): the matrix product on the ordinary cores, and the choice between it, the
// tensor cores and cuBLAS.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_simt.cuh"

#include <cstdlib>
#include <cstring>

namespace gesso::kernels::GESSO_LEVEL {
namespace {

bool tf32_switch = false;

#ifdef __CUDACC__
/// $GESSO_GEMM: "own" for gesso's kernels, "cublas" for cuBLAS.
bool prefer_cublas() {
  static const bool prefer = [] {
    const char* wanted = std::getenv("GESSO_GEMM");
    return !wanted || std::strcmp(wanted, "own") != 0;
  }();
  return prefer;
}
#endif

}  // namespace

void allow_tf32(bool allowed) { tf32_switch = allowed; }
bool tf32_allowed() { return tf32_switch; }

template <class T>
void matmul(const MatMul<T>& p) {
#ifdef __CUDACC__
  if (prefer_cublas()) return matmul_cublas(p);
#endif
  if constexpr (sizeof(T) == 4)
    if (tf32_allowed()) return matmul_tf32(p);
  matmul_simt(p);
}
template void matmul(const MatMul<float>&);
template void matmul(const MatMul<double>&);

template <class T>
void matmul_simt(const MatMul<T>& p) {
  with_views(p, [&](const auto& a, auto a_along_k, const auto& b, auto b_along_k) {
    multiply_simt<T, decltype(a_along_k)::value, decltype(b_along_k)::value>(extents_of(p), a, b,
                                                                             rows_out(p));
  });
}
template void matmul_simt(const MatMul<float>&);
template void matmul_simt(const MatMul<double>&);

template <class T>
void install_gemm(Kernels<T>& k) {
  k.matmul = matmul<T>;
}
template void install_gemm(Kernels<float>&);
template void install_gemm(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
