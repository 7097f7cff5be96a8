// y (rows) = act(X (rows, K) * v (K) + bias): a product with one column, whose rows are read once and in place.
#pragma once

#include "kernels/cpu/gemm_vector.h"
#include "kernels/gemm.h"

namespace gesso::kernels::GESSO_LEVEL {

/// The sum of the first 2 * half lanes of v in lane 0, pairs `half` lanes apart added first.
template <int half, class T>
[[gnu::always_inline]] inline Vector<T> add_lanes(Vector<T> v) {
  if constexpr (half > 0) {
    constexpr auto partner = [](int l) { return l ^ half; };
    constexpr auto lanes = std::make_integer_sequence<int, kLanes<T>>{};
    return add_lanes<half / 2, T>(v + shuffle<partner, 0>(v, v, lanes));
  }
  return v;
}

/// The sums of `rows` rows of X, ld apart, with v. The order of additions depends on K alone.
template <int rows, class T>
inline void dot_rows(const T* x, std::int64_t ld, const T* v, std::int64_t K, T* sums) {
  constexpr int L = kLanes<T>;
  Vector<T> sum[rows][2] = {};
  std::int64_t k = 0;
  for (; k + 2 * L <= K; k += 2 * L)
#pragma GCC unroll 4
    for (int i = 0; i < rows; ++i) {
      sum[i][0] += load(x + i * ld + k) * load(v + k);
      sum[i][1] += load(x + i * ld + k + L) * load(v + k + L);
    }
#pragma GCC unroll 4
  for (int i = 0; i < rows; ++i) {
    T rest = 0;
    for (std::int64_t j = k; j < K; ++j) rest += x[i * ld + j] * v[j];
    sums[i] = add_lanes<L / 2, T>(sum[i][0] + sum[i][1])[0] + rest;
  }
}

/// y[i * step] = finish(bias[i * bias_step] + row i of X * v), for the sink's activation; absent bias is null.
template <class T>
void matvec(std::int64_t rows, std::int64_t K, const T* x, std::int64_t ld, const T* v, T* y,
            std::int64_t step, std::int64_t bias_step, const Rows<T>& c) {
  const std::int64_t quads = (rows + 3) / 4;
  const auto quad = [&](std::int64_t q) {
    const std::int64_t first = 4 * q, n = rows - first < 4 ? rows - first : 4;
    T sums[4];
    if (n == 4)
      dot_rows<4>(x + first * ld, ld, v, K, sums);
    else
      for (std::int64_t i = 0; i < n; ++i) dot_rows<1>(x + (first + i) * ld, ld, v, K, sums + i);
    for (std::int64_t i = 0; i < n; ++i)
      if (c.bias) sums[i] += c.bias[(first + i) * bias_step];
    if (c.act != Activation::none) c.finish(sums, n);
    for (std::int64_t i = 0; i < n; ++i) y[(first + i) * step] = sums[i];
  };
#ifdef _OPENMP
  if (double(rows) * double(K) > 4e5) {  // as in gemm
#pragma omp parallel for schedule(static)
    for (std::int64_t q = 0; q < quads; ++q) quad(q);
    return;
  }
#endif
  for (std::int64_t q = 0; q < quads; ++q) quad(q);
}

}  // namespace gesso::kernels::GESSO_LEVEL
