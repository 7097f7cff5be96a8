// Products where a row, a column or K is one: the long operand is read once, in place and as it lies.
#pragma once

#include "kernels/cpu/gemm_blocked.h"
#include "kernels/cpu/parallel.h"
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

/// Where a product's only row or column goes: element i to y[i * step], with bias[i * bias_step] unless bias is null.
template <class T>
struct OnlyLine {
  T* y;
  std::int64_t step;
  const T* bias;
  std::int64_t bias_step;
  Rows<T> sink;  // for the activation

  T start(std::int64_t i) const { return bias ? bias[i * bias_step] : T(0); }
  /// Finishes elements [first, first + n).
  void put(std::int64_t first, std::int64_t n, T* sums) const {
    if (sink.act != Activation::none) sink.finish(sums, n);
    for (std::int64_t i = 0; i < n; ++i) y[(first + i) * step] = sums[i];
  }
};

/// f(begin, end) for blocks of [0, n), on several threads if `work` multiply-adds are worth it.
template <class F>
void blocks_if_worth(double work, std::int64_t n, std::int64_t block, const F& f) {
  if (work > kWorthSharing) return parallel_blocks(n, block, f);
  for (std::int64_t i = 0; i < n; i += block) f(i, i + block < n ? i + block : n);
}

/// y (n) = finish(bias + X (n, K) * v (K)), X in rows ld apart, v dense.
template <class T>
void rows_times_vector(std::int64_t n, std::int64_t K, const T* x, std::int64_t ld, const T* v,
                       const OnlyLine<T>& y) {
  blocks_if_worth(double(n) * double(K), n, 4, [&](std::int64_t begin, std::int64_t end) {
    T sums[4];
    if (end - begin == 4)
      dot_rows<4>(x + begin * ld, ld, v, K, sums);
    else
      for (std::int64_t i = begin; i < end; ++i) dot_rows<1>(x + i * ld, ld, v, K, sums + i - begin);
    for (std::int64_t i = begin; i < end; ++i) sums[i - begin] += y.start(i);
    y.put(begin, end - begin, sums);
  });
}

/// sums (n) += v[0] * row 0 of X + v[step] * row 1 + ..
template <int rows, class T>
inline void add_rows(std::int64_t n, const T* x, std::int64_t ld, const T* v, std::int64_t step, T* sums) {
  T factor[rows];
  for (int r = 0; r < rows; ++r) factor[r] = v[r * step];
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) {
    T sum = sums[i];
#pragma GCC unroll 8
    for (int r = 0; r < rows; ++r) sum += factor[r] * x[r * ld + i];
    sums[i] = sum;
  }
}

/// y (n) = finish(bias + v (K) * X (K, n)), X in rows ld apart, element k of v at v[k * step]. Whole stretches of rows are read, as
/// the processor foresees them, several rows for each visit to the sums.
template <class T>
void vector_times_rows(std::int64_t n, std::int64_t K, const T* v, std::int64_t step, const T* x,
                       std::int64_t ld, const OnlyLine<T>& y) {
  constexpr std::int64_t kSums = 4096 / sizeof(T);  // and the rows beside them stay in L1
  constexpr int kTogether = 8;
  blocks_if_worth(double(n) * double(K), n, kSums, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) T sums[kSums];
    const std::int64_t m = end - begin;
    for (std::int64_t i = 0; i < m; ++i) sums[i] = y.start(begin + i);
    std::int64_t k = 0;
    for (; k + kTogether <= K; k += kTogether)
      add_rows<kTogether>(m, x + k * ld + begin, ld, v + k * step, step, sums);
    for (; k < K; ++k) add_rows<1>(m, x + k * ld + begin, ld, v + k * step, step, sums);
    y.put(begin, m, sums);
  });
}

/// C (M,N) = finish(bias + a (M) * b (N)): K is one. Element i of a at a[i * step], b dense.
template <class T>
void outer_product(std::int64_t M, std::int64_t N, const T* a, std::int64_t step, const T* b,
                   const Rows<T>& c) {
  const std::int64_t block = 16384 / N + 1;  // rows a thread takes at a time: a microsecond or two
  blocks_if_worth(double(M) * double(N), M, block, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      T* const row = c.row(i);
      const T factor = a[i * step];
      if (c.bias) {
#pragma omp simd
        for (std::int64_t j = 0; j < N; ++j) row[j] = c.bias[j] + factor * b[j];
      } else {
#pragma omp simd
        for (std::int64_t j = 0; j < N; ++j) row[j] = factor * b[j];
      }
      if (c.act != Activation::none) c.finish(row, N);
    }
  });
}

}  // namespace gesso::kernels::GESSO_LEVEL
