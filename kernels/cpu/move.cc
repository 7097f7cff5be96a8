// Copies, casts and gathers: elements move, nothing is computed.
#include "kernels/convert.h"
#include "kernels/cpu/gemm_vector.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/table.h"
#include "kernels/cpu/walk.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr std::int64_t kGrain = 16384;  // elements a thread moves at a time: a few microseconds

/// y[i * sy + j] = x[j * sx + i] for i < ni, j < nj: squares of a vector's lanes are turned in registers.
template <class T>
void transpose_strip(std::int64_t ni, std::int64_t nj, const T* x, std::int64_t sx, T* y, std::int64_t sy) {
  std::int64_t j = 0, i_done = 0;
  if constexpr (sizeof(T) >= 4) {
    constexpr int L = kLanes<T>;
    i_done = ni / L * L;
    for (; j + L <= nj; j += L)
      for (std::int64_t i = 0; i < i_done; i += L) {
        Vector<T> square[L];
        for (int l = 0; l < L; ++l) square[l] = load(x + (j + l) * sx + i);
        transpose<T>(square);
        for (int c = 0; c < L; ++c) store(y + (i + c) * sy + j, square[column<T>(c)]);
      }
  }
  for (std::int64_t k = 0; k < nj; ++k)
    for (std::int64_t i = k < j ? i_done : 0; i < ni; ++i) y[i * sy + k] = x[k * sx + i];
}

/// A copy whose x is contiguous along dimension dx and whose y is along another, dy: strips of some cache lines of x's rows.
template <class T>
void copy_transposed(const Walk& w, int dx, int dy, const T* x, T* y) {
  constexpr std::int64_t kStrip = 256 / sizeof(T);
  const std::int64_t ni = w.shape[dx], nj = w.shape[dy], sx = w.strides[0][dy], sy = w.strides[1][dx];
  const std::int64_t strips = (ni + kStrip - 1) / kStrip;
  Walk outer;  // the other dimensions, then the strips, then one "element"
  const auto add = [&outer](std::int64_t n, std::int64_t step_x, std::int64_t step_y) {
    outer.shape[outer.dims] = n;
    outer.strides[0][outer.dims] = step_x;
    outer.strides[1][outer.dims++] = step_y;
  };
  for (int d = 0; d < w.dims; ++d)
    if (d != dx && d != dy) add(w.shape[d], w.strides[0][d], w.strides[1][d]);
  add(strips, kStrip, kStrip * sy);
  add(1, 0, 0);
  parallel_blocks(row_count(outer), kGrain / (kStrip * nj) + 1, [&](std::int64_t begin, std::int64_t end) {
    for_rows(outer, begin, end, [&](std::int64_t row, const Offsets& o) {
      const std::int64_t rest = ni - row % strips * kStrip;
      transpose_strip(rest < kStrip ? rest : kStrip, nj, x + o.at[0], sx, y + o.at[1], sy);
    });
  });
}

template <class T>
void copy_elements(const Walk& w, const T* x, T* y) {
  const std::int64_t sx = row_stride(w, 0), sy = row_stride(w, 1);
  int dx = -1, dy = -1;  // where x and y are contiguous
  for (int d = 0; d < w.dims; ++d) {
    if (w.strides[0][d] == 1) dx = d;
    if (w.strides[1][d] == 1) dy = d;
  }
  if (dx >= 0 && dy >= 0 && (sx != 1 || sy != 1) && w.strides[0][dy] != 1 && w.strides[1][dx] != 1)
    return copy_transposed(w, dx, dy, x, y);
  const bool past = row_count(w) * row_length(w) * std::int64_t(sizeof(T)) >= kStreamBytes;
  for_runs(w, kGrain, [&](std::int64_t, std::int64_t n, const Offsets& o) {
    const T* const from = x + o.at[0];
    T* const to = y + o.at[1];
    if (sx == 1 && sy == 1) {
      write(n, to, past, [=](std::int64_t first, std::int64_t m, T* part) {
        __builtin_memcpy(part, from + first, std::size_t(m) * sizeof(T));
      });
    } else if (sx == 0 && sy == 1) {
      const T value = *from;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) to[i] = value;
    } else {
      for (std::int64_t i = 0; i < n; ++i) to[i * sy] = from[i * sx];
    }
  });
}

void copy(const Walk& w, int element_size, const void* x, void* y) {
  with_size(element_size, [&](auto tag) {
    using T = decltype(tag);
    for (int d = 0; d < w.dims; ++d)
      if (w.shape[d] == 0) return;
    copy_elements(w, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

/// y (dense) = mask ? a : b; operands 0, 1 and 2 of the walk.
template <class T>
void where_elements(const Walk& w, const std::uint8_t* mask, const T* a, const T* b, T* y) {
  const std::int64_t sm = row_stride(w, 0), sa = row_stride(w, 1), sb = row_stride(w, 2);
  for_runs(w, kGrain, [&](std::int64_t first, std::int64_t n, const Offsets& o) {
    const std::uint8_t* const m = mask + o.at[0];
    const T *const p = a + o.at[1], *const q = b + o.at[2];
    T* const to = y + first;
    if (sm == 1 && sa == 1 && sb == 1) {
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) to[i] = m[i] ? p[i] : q[i];
    } else if (sm == 1 && sa == 1 && sb == 0) {
      const T other = *q;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) to[i] = m[i] ? p[i] : other;
    } else if (sm == 1 && sa == 0 && sb == 1) {
      const T other = *p;
#pragma omp simd
      for (std::int64_t i = 0; i < n; ++i) to[i] = m[i] ? other : q[i];
    } else {
      for (std::int64_t i = 0; i < n; ++i) to[i] = m[i * sm] ? p[i * sa] : q[i * sb];
    }
  });
}

void where(const Walk& w, int element_size, const std::uint8_t* mask, const void* a, const void* b, void* y) {
  with_size(element_size, [&](auto tag) {
    using T = decltype(tag);
    where_elements(w, mask, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y));
  });
}

void cast(std::int64_t n, DType from, const void* x, DType to, void* y) {
  with_type(from, [&](auto f) {
    with_type(to, [&](auto t) {
      using From = decltype(f);
      using To = decltype(t);
      parallel_blocks(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
        const From* const source = static_cast<const From*>(x);
        To* const target = static_cast<To*>(y);
#pragma omp simd
        for (std::int64_t i = begin; i < end; ++i) target[i] = convert<To>(source[i]);
      });
    });
  });
}

void take_rows(std::int64_t n, std::int64_t row_bytes, const std::int64_t* index, const void* x, void* y) {
  if (row_bytes == 0) return;
  const char* const from = static_cast<const char*>(x);
  char* const to = static_cast<char*>(y);
  parallel_blocks(n, 4 * kGrain / (row_bytes + 1) + 1, [&](std::int64_t begin, std::int64_t end) {
    if (row_bytes == 4)  // single elements: a call for each would cost more than the move
      for (std::int64_t i = begin; i < end; ++i) __builtin_memcpy(to + i * 4, from + index[i] * 4, 4);
    else
      for (std::int64_t i = begin; i < end; ++i)
        __builtin_memcpy(to + i * row_bytes, from + index[i] * row_bytes, std::size_t(row_bytes));
  });
}

}  // namespace

void install_move(MoveKernels& k) {
  k.copy = copy;
  k.cast = cast;
  k.where = where;
  k.take_rows = take_rows;
}

}  // namespace gesso::kernels::GESSO_LEVEL
