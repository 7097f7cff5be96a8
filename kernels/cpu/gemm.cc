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

/// y (n) = v (K) * B (K,n), if B lies in rows, or in columns and v side by side.
template <class T>
bool one_row_did(std::int64_t n, std::int64_t K, const T* v, std::int64_t v_step, const T* b,
                 std::int64_t b_row, std::int64_t b_col, const OnlyLine<T>& y) {
  if (b_row == 1 && v_step == 1 && (b_col != 1 || n == 1))
    rows_times_vector(n, K, b, b_col, v, y);
  else if (b_col == 1 || n == 1)
    vector_times_rows(n, K, v, v_step, b, b_row, y);
  else
    return false;
  return true;
}

/// Products of a vector with a matrix or with another vector.
template <class T>
bool vector_did(const MatMul<T>& p) {
  if (p.K < 1) return false;
  for (std::int64_t i = 0; i < p.batch; ++i) {
    const T *a = p.a + i * p.a_batch, *b = p.b + i * p.b_batch;
    const Rows<T> c{p.c + i * p.c_batch, p.c_row, 0, p.bias, p.act, p.slope};
    if (p.M == 1) {
      if (!one_row_did(p.N, p.K, a, p.a_col, b, p.b_row, p.b_col, {c.y, 1, p.bias, 1, c})) return false;
    } else if (p.N == 1) {
      if (!one_row_did(p.M, p.K, b, p.b_row, a, p.a_col, p.a_row, {c.y, p.c_row, p.bias, 0, c})) return false;
    } else if (p.K == 1 && p.b_col == 1 && p.N >= kLanes<T>) {
      outer_product(p.M, p.N, a, p.a_row, b, c);
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

template <class T>
void matmul(const MatMul<T>& p) {
  if (p.M < 1 || p.N < 1 || vector_did(p)) return;
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
