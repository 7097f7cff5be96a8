// C (M,N) = act(A (M,K) * B (K,N) + bias (N)): the matrix product of dense matrices.
#include "kernels/cpu/gemm_blocked.h"
#include "kernels/cpu/matvec.h"
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// f(view of the matrix), for a matrix (rows, columns) one of whose strides is 1 or does not matter.
template <class T, class F>
void with_view(const T* p, std::int64_t batch, std::int64_t row, std::int64_t col, std::int64_t columns,
               const F& f) {
  if (col == 1 || columns <= 1)
    f(Dense<T>{p, row, batch});
  else
    f(Transposed<Dense<T>>{{p, col, batch}});
}

/// Cycles of a product whose vectors hold `across` columns, up to a factor: whole vectors of multiply-adds, and 0.4 for
/// each element that packing has to turn.
template <class T>
double cycles(std::int64_t down, std::int64_t across, std::int64_t K, bool turned) {
  const std::int64_t vectors = (across + kLanes<T> - 1) / kLanes<T>;
  return (double(down) * double(vectors) + (turned ? 0.4 * double(across) : 0)) * double(K);
}

/// Whether to compute C's transpose, B' A': where C is narrow, vectors along its columns are fuller. Its elements are
/// then stored one by one, a cycle each.
template <class T>
bool better_flipped(const MatMul<T>& p) {
  const double flipped = cycles<T>(p.N, p.M, p.K, p.a_row != 1) + double(p.M) * double(p.N);
  return 1.1 * flipped <
         cycles<T>(p.M, p.N, p.K, p.b_col != 1);  // 1.1: a C that is written in rows is never worse
}

/// Products with one row or column, where the long operand's rows lie along K.
template <class T>
bool matvec_did(const MatMul<T>& p) {
  const bool column = p.N == 1 && p.a_col == 1 && p.b_row == 1,
             row = p.M == 1 && p.a_col == 1 && p.b_row == 1;
  if (p.K < 1 || (!column && !row)) return false;
  for (std::int64_t i = 0; i < p.batch; ++i) {
    const T *a = p.a + i * p.a_batch, *b = p.b + i * p.b_batch;
    const Rows<T> c{p.c + i * p.c_batch, p.c_row, 0, p.bias, p.act, p.slope};
    if (column)
      matvec(p.M, p.K, a, p.a_row, b, c.y, p.c_row, 0, c);
    else
      matvec(p.N, p.K, b, p.b_col, a, c.y, 1, 1, c);
  }
  return true;
}

}  // namespace

template <class T>
void matmul(const MatMul<T>& p) {
  if (p.M < 1 || p.N < 1 || matvec_did(p)) return;
  const Rows<T> c{p.c, p.c_row, p.c_batch, p.bias, p.act, p.slope};
  if (better_flipped(p))
    with_view(p.b, p.b_batch, p.b_col, p.b_row, p.K, [&](const auto& b) {
      with_view(p.a, p.a_batch, p.a_col, p.a_row, p.M,
                [&](const auto& a) { gemm<T>(p.batch, p.N, p.M, p.K, b, a, Flipped<T>{c}); });
    });
  else
    with_view(p.a, p.a_batch, p.a_row, p.a_col, p.K, [&](const auto& a) {
      with_view(p.b, p.b_batch, p.b_row, p.b_col, p.N,
                [&](const auto& b) { gemm<T>(p.batch, p.M, p.N, p.K, a, b, c); });
    });
}
template void matmul(const MatMul<float>&);
template void matmul(const MatMul<double>&);

template <class T>
void install_gemm(Kernels<T>& k) {
  k.matmul = matmul<T>;
}
template void install_gemm(Kernels<float>&);
template void install_gemm(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
