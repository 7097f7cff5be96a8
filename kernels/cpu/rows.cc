// logsumexp, softmax, running sums along one axis, and the scatter of rows.
#include "kernels/cpu/fold.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr std::int64_t kGrain = 4096;      // elements a thread takes at a time where each costs an exp
constexpr std::int64_t kMaxColumns = 256;  // columns treated together; what is kept for each stays in L1
/// A line of no more elements, two vectors of them, leaves most lanes empty.
template <class T>
constexpr std::int64_t kShort = 2 * 64 / std::int64_t(sizeof(T));

/// f(outer index, first column, columns) for the parts of an axis with inner > 1.
template <class F>
void for_columns(Slab s, const F& f) {
  const std::int64_t parts = (s.inner + kMaxColumns - 1) / kMaxColumns;
  const std::int64_t width = s.inner < kMaxColumns ? s.inner : kMaxColumns;
  parallel_blocks(s.outer * parts, kGrain / (s.n * width + 1) + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t first = i % parts * width;
      f(i / parts, first, s.inner - first < width ? s.inner - first : width);
    }
  });
}
template <class F>
void for_lines(Slab s, const F& f) {
  parallel_blocks(s.outer, kGrain / (s.n + 1) + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t o = begin; o < end; ++o) f(o);
  });
}

/// What is subtracted before exp, so that it cannot overflow: the maximum; nothing where that is infinite.
template <class T>
T finite_or_zero(T m) {
  return abs(m) == T(INFINITY) ? T(0) : m;
}

/// sum exp(x - m); writes the terms to y if there is one.
template <class T>
T sum_exp(const T* x, std::int64_t n, T m, T* y) {
  return fold_lanes<Sum, T>(fold_tree<Sum, T>(0, n, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) T buffer[kRun];
    T* const term = y ? y + begin : buffer;
#pragma omp simd
    for (std::int64_t i = 0; i < end - begin; ++i) term[i] = exp(x[begin + i] - m);
    return fold_run<Sum>(term, end - begin);
  }));
}

/// The maxima of the columns and, given what to subtract, the sums of exp.
template <class T>
void column_max(const T* x, std::int64_t n, std::int64_t stride, std::int64_t columns, T* m) {
  for (std::int64_t k = 0; k < columns; ++k) m[k] = x[k];
  for (std::int64_t i = 1; i < n; ++i) {
#pragma omp simd
    for (std::int64_t k = 0; k < columns; ++k) m[k] = max(m[k], x[i * stride + k]);
  }
}
template <class T>
void column_sum_exp(const T* x, std::int64_t n, std::int64_t stride, std::int64_t columns, const T* m,
                    T* sum) {
  T lost[kMaxColumns];  // Kahan's compensation: the rows are taken in sequence, however many
  for (std::int64_t k = 0; k < columns; ++k) sum[k] = lost[k] = 0;
  for (std::int64_t i = 0; i < n; ++i) {
#pragma omp simd
    for (std::int64_t k = 0; k < columns; ++k) {
      const T term = exp(x[i * stride + k] - m[k]) - lost[k], next = sum[k] + term;
      lost[k] = next < T(INFINITY) ? (next - sum[k]) - term : T(0);
      sum[k] = next;
    }
  }
}

/// y = f(x) where f(x, n, stride, columns, y) treats columns: those of an axis with inner > 1, or lines too short for vectors of their
/// own, turned some at a time. y has as many rows as x, or one.
template <class T, class F>
void by_columns(Slab s, const T* x, T* y, bool one_row, const F& f) {
  const std::int64_t rows = one_row ? 1 : s.n;
  if (s.inner != 1) {
    for_columns(s, [&](std::int64_t o, std::int64_t first, std::int64_t columns) {
      f(x + o * s.n * s.inner + first, s.n, s.inner, columns, y + o * rows * s.inner + first);
    });
    return;
  }
  constexpr std::int64_t kTurned = 64;  // lines: a few vectors
  parallel_blocks(s.outer, kGrain / kTurned / (s.n + 1) * kTurned + kTurned,
                  [&](std::int64_t begin, std::int64_t end) {
                    T in[kShort<T> * kTurned], out[kShort<T> * kTurned];
                    for (std::int64_t o = begin; o < end; o += kTurned) {
                      const std::int64_t lines = end - o < kTurned ? end - o : kTurned;
                      for (std::int64_t i = 0; i < s.n; ++i)
                        for (std::int64_t k = 0; k < lines; ++k) in[i * kTurned + k] = x[(o + k) * s.n + i];
                      f(in, s.n, kTurned, lines, out);
                      for (std::int64_t k = 0; k < lines; ++k)
                        for (std::int64_t i = 0; i < rows; ++i) y[(o + k) * rows + i] = out[i * kTurned + k];
                    }
                  });
}
template <class T>
bool in_long_lines(Slab s) {
  return s.inner == 1 && s.n > kShort<T>;
}

template <class T>
void logsumexp(Slab s, const T* x, T* y) {
  if (s.n == 0) {
    for (std::int64_t i = 0; i < s.outer * s.inner; ++i) y[i] = -T(INFINITY);
  } else if (in_long_lines<T>(s)) {
    for_lines(s, [&](std::int64_t o) {
      const T m = finite_or_zero(fold<Max>(x + o * s.n, s.n));
      y[o] = m + log(sum_exp<T>(x + o * s.n, s.n, m, nullptr));
    });
  } else {
    by_columns(s, x, y, true,
               [](const T* at, std::int64_t n, std::int64_t stride, std::int64_t columns, T* to) {
                 T m[kMaxColumns] = {}, sum[kMaxColumns];
                 column_max(at, n, stride, columns, m);
                 for (std::int64_t k = 0; k < columns; ++k) m[k] = finite_or_zero(m[k]);
                 column_sum_exp(at, n, stride, columns, m, sum);
#pragma omp simd
                 for (std::int64_t k = 0; k < columns; ++k) to[k] = m[k] + log(sum[k]);
               });
  }
}

/// y = exp(x - max) / sum exp(x - max); as in PyTorch NaN where a whole line is -inf
template <class T>
void softmax(Slab s, const T* x, T* y) {
  if (s.n == 0) return;
  if (in_long_lines<T>(s)) {
    for_lines(s, [&](std::int64_t o) {
      T* const row = y + o * s.n;
      const T scale = 1 / sum_exp(x + o * s.n, s.n, fold<Max>(x + o * s.n, s.n), row);
#pragma omp simd
      for (std::int64_t i = 0; i < s.n; ++i) row[i] *= scale;
    });
  } else {
    by_columns(s, x, y, false,
               [](const T* at, std::int64_t n, std::int64_t stride, std::int64_t columns, T* to) {
                 T m[kMaxColumns] = {}, sum[kMaxColumns];
                 column_max(at, n, stride, columns, m);
                 column_sum_exp(at, n, stride, columns, m, sum);
                 for (std::int64_t k = 0; k < columns; ++k) sum[k] = 1 / sum[k];
                 for (std::int64_t i = 0; i < n * stride; i += stride) {
#pragma omp simd
                   for (std::int64_t k = 0; k < columns; ++k) to[i + k] = exp(at[i + k] - m[k]) * sum[k];
                 }
               });
  }
}

/// y = (x - max) - log sum exp(x - max)
template <class T>
void log_softmax(Slab s, const T* x, T* y) {
  if (s.n == 0) return;
  if (in_long_lines<T>(s)) {
    for_lines(s, [&](std::int64_t o) {
      const T* const row = x + o * s.n;
      const T m = fold<Max>(row, s.n), l = log(sum_exp<T>(row, s.n, m, nullptr));
#pragma omp simd
      for (std::int64_t i = 0; i < s.n; ++i) y[o * s.n + i] = (row[i] - m) - l;
    });
  } else {
    by_columns(s, x, y, false,
               [](const T* at, std::int64_t n, std::int64_t stride, std::int64_t columns, T* to) {
                 T m[kMaxColumns] = {}, l[kMaxColumns];
                 column_max(at, n, stride, columns, m);
                 column_sum_exp(at, n, stride, columns, m, l);
#pragma omp simd
                 for (std::int64_t k = 0; k < columns; ++k) l[k] = log(l[k]);
                 for (std::int64_t i = 0; i < n * stride; i += stride) {
#pragma omp simd
                   for (std::int64_t k = 0; k < columns; ++k) to[i + k] = (at[i + k] - m[k]) - l[k];
                 }
               });
  }
}

/// y_i = x_0 + .. + x_i, or x_i + .. + x_(n-1); added up in double, for float as well
template <class T>
void cumsum(Slab s, bool reverse, const T* x, T* y) {
  for_columns(s, [&](std::int64_t o, std::int64_t first, std::int64_t columns) {
    const std::int64_t at = o * s.n * s.inner + first, step = reverse ? -s.inner : s.inner;
    std::int64_t row = reverse ? at + (s.n - 1) * s.inner : at;
    if (columns == 1) {
      double sum = 0;
      for (std::int64_t i = 0; i < s.n; ++i, row += step) y[row] = T(sum += double(x[row]));
      return;
    }
    double sum[kMaxColumns] = {};
    for (std::int64_t i = 0; i < s.n; ++i, row += step) {
#pragma omp simd
      for (std::int64_t k = 0; k < columns; ++k) y[row + k] = T(sum[k] += double(x[row + k]));
    }
  });
}

/// Each thread owns columns of y, or rows when those are short: either way an element's terms arrive in the order of i.
template <class T>
void add_rows(std::int64_t n, std::int64_t rows, std::int64_t width, const std::int64_t* index, const T* x,
              T* y) {
  constexpr std::int64_t kColumns = 64;  // some cache lines
  const std::int64_t work = n + rows;    // rows touched
  const auto add = [=](std::int64_t first_row, std::int64_t end_row, std::int64_t first, std::int64_t end) {
    for (std::int64_t r = first_row; r < end_row; ++r)
      for (std::int64_t k = first; k < end; ++k) y[r * width + k] = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      if (index[i] < first_row || index[i] >= end_row) continue;
      const T* from = x + i * width;
      T* const to = y + index[i] * width;
#pragma omp simd
      for (std::int64_t k = first; k < end; ++k) to[k] += from[k];
    }
  };
  if (width >= 2 * kColumns) {
    const std::int64_t grain = (1 << 15) / (work + 1) / kColumns * kColumns;
    parallel_blocks(width, grain < kColumns ? kColumns : grain,
                    [&](std::int64_t first, std::int64_t end) { add(0, rows, first, end); });
  } else {  // four blocks at most: each reads the whole index
    const bool small = work * width < (1 << 16);
    parallel_blocks(rows, small ? rows + 1 : (rows + 3) / 4,
                    [&](std::int64_t first, std::int64_t end) { add(first, end, 0, width); });
  }
}

}  // namespace

template <class T>
void install_rows(Kernels<T>& k) {
  k.logsumexp = logsumexp<T>;
  k.softmax = softmax<T>;
  k.log_softmax = log_softmax<T>;
  k.cumsum = cumsum<T>;
  k.add_rows = add_rows<T>;
}
template void install_rows(Kernels<float>&);
template void install_rows(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
