// C (M,N) = act(A (M,K) * B (K,N) + bias (N)): the matrix product on the ordinary cores, and the choice between it, the
// tensor cores and cuBLAS.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_simt.cuh"

#include <cstdlib>
#include <cstring>

namespace gesso::kernels::GESSO_LEVEL {
namespace {

Tf32 tf32_switch = Tf32::none;

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

void allow_tf32(Tf32 most) { tf32_switch = most; }
bool tf32_allowed(Tf32 what) { return tf32_switch >= what; }

template <class T>
void matmul(const MatMul<T>& p, Tf32 what) {
#ifdef __CUDACC__
  if (prefer_cublas()) return matmul_cublas(p, tf32_allowed(what));
#endif
  if constexpr (sizeof(T) == 4)
    if (tf32_allowed(what)) return matmul_tf32(p);
  matmul_simt(p);
}
template void matmul(const MatMul<float>&, Tf32);
template void matmul(const MatMul<double>&, Tf32);

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
  k.matmul = [](const MatMul<T>& p) { matmul<T>(p); };
}
template void install_gemm(Kernels<float>&);
template void install_gemm(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
