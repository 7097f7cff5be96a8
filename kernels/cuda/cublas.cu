// C (M,N) = act(A (M,K) * B (K,N) + bias (N)) by cuBLAS, and a small kernel for the bias and the activation. The only file
// that knows cuBLAS; the emulated device does without it.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_launch.cuh"

#include <algorithm>
#include <cublas_v2.h>
#include <string>

namespace gesso::kernels::GESSO_LEVEL {
namespace {

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw std::runtime_error(std::string(what) + ": " + cublasGetStatusString(status));
}

/// What NVIDIA recommends for Hopper. Memory of our own, so that how K is split does not depend on what happens to be free,
/// and a captured graph finds it where it was.
constexpr std::size_t kWorkspace = std::size_t{32} << 20;

cublasHandle_t make_handle() {
  cublasHandle_t handle = nullptr;
  check(cublasCreate(&handle), "make a cuBLAS handle");
  check(cublasSetStream(handle, stream()), "give cuBLAS a stream");
  void* workspace = nullptr;
  simt::check(cudaMalloc(&workspace, kWorkspace), "memory for cuBLAS");
  check(cublasSetWorkspace(handle, workspace, kWorkspace),
        "give cuBLAS memory");  // after the stream, which resets it
  return handle;
}
/// Kept until the process ends, like the stream.
cublasHandle_t handle() {
  static const cublasHandle_t h = make_handle();
  return h;
}

/// An operand as BLAS sees it, columns first: our lines are its columns, `ld` apart.
template <class T>
struct BlasMatrix {
  const T* p;
  std::int64_t ld, batch;
  bool possible;  // BLAS has no columns that overlap
  bool along_k;

  explicit BlasMatrix(const Strided<T>& operand) {
    operand.with_view([&](const Lines<T>& view, auto lines_along_k) {
      p = view.p;
      ld = std::max({view.line_stride, std::int64_t(view.length), std::int64_t{1}});
      batch = view.batch_stride;
      possible = view.lines <= 1 || view.line_stride >= view.length;
      along_k = lines_along_k;
    });
  }
};

/// C = sink(C), in place; a thread finishes a pack.
template <class T>
__global__ void finish(RowsOut<T> c, int products, int M, int N) {
  const PackPlace<T> at(products, M, N);
  if (at.n == 0) return;
  const RowsOut<T> sink = c.batch(at.product);
  const T* from = sink.y + at.i * sink.row_stride + at.j;
  Pack<T> sums = {};
  if (sink.wide && at.n == kPack<T>)
    sums = load<kPack<T>>(from);
  else
    for (int e = 0; e < at.n; ++e) sums.at[e] = from[e];
  sink.put(at.i, at.j, sums, at.n);
}

}  // namespace

template <class T>
void matmul_cublas(const MatMul<T>& p, bool tf32) {
  const BlasMatrix<T> a(a_operand(p)), b(b_operand(p));
  if (p.batch < 1 || p.M < 1 || p.N < 1 || p.K < 1 || !a.possible || !b.possible) return matmul_simt(p);
  check(cublasSetMathMode(handle(), tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH),
        "cuBLAS math mode");
  const T one = 1, zero = 0;
  const auto gemm = [] {
    if constexpr (sizeof(T) == 4)
      return cublasSgemmStridedBatched_64;
    else
      return cublasDgemmStridedBatched_64;
  }();
  // Columns first, our C is C' = B' A'.
  check(gemm(handle(), b.along_k ? CUBLAS_OP_T : CUBLAS_OP_N, a.along_k ? CUBLAS_OP_N : CUBLAS_OP_T, p.N, p.M,
             p.K, &one, b.p, b.ld, b.batch, a.p, a.ld, a.batch, &zero, p.c, std::max(p.c_row, p.N), p.c_batch,
             p.batch),
        "cuBLAS product");
  if (p.bias || p.act != Activation::none)
    launch_threads(finish<T>, p.batch * p.M * ceil_div(p.N, kPack<T>), kThreads, rows_out(p), extent(p.batch),
                   extent(p.M), extent(p.N));
}
template void matmul_cublas(const MatMul<float>&, bool);
template void matmul_cublas(const MatMul<double>&, bool);

}  // namespace gesso::kernels::GESSO_LEVEL
