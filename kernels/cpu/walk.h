// Strided loops over a Walk (kernels/kernels.h), innermost dimension as the row.
#pragma once

#include "kernels/cpu/level.h"
#include "kernels/cpu/parallel.h"
#include "kernels/kernels.h"

namespace gesso::kernels::GESSO_LEVEL {

/// The number of elements of one row, and of rows; a walk of no dimensions is one row of one element.
inline std::int64_t row_length(const Walk& w) { return w.dims ? w.shape[w.dims - 1] : 1; }
inline std::int64_t row_count(const Walk& w) {
  std::int64_t n = 1;
  for (int d = 0; d + 1 < w.dims; ++d) n *= w.shape[d];
  return n;
}
inline std::int64_t row_stride(const Walk& w, int operand) {
  return w.dims ? w.strides[operand][w.dims - 1] : 0;
}

/// Where the operands stand.
struct Offsets {
  std::int64_t at[3] = {};
};

/// f(row, offsets at the row's first element) for the rows [begin, end).
template <class F>
void for_rows(const Walk& w, std::int64_t begin, std::int64_t end, const F& f) {
  std::int64_t index[kMaxDims] = {}, rest = begin;
  Offsets o;
  for (int d = w.dims - 2; d >= 0; --d) {
    index[d] = rest % w.shape[d];
    rest /= w.shape[d];
    for (int j = 0; j < 3; ++j) o.at[j] += index[d] * w.strides[j][d];
  }
  for (std::int64_t row = begin; row < end; ++row) {
    f(row, o);
    for (int d = w.dims - 2; d >= 0; --d) {  // an odometer
      for (int j = 0; j < 3; ++j) o.at[j] += w.strides[j][d];
      if (++index[d] < w.shape[d]) break;
      for (int j = 0; j < 3; ++j) o.at[j] -= index[d] * w.strides[j][d];
      index[d] = 0;
    }
  }
}

/// f(first, n, offsets) for runs of elements [first, first + n) within a row that together cover the walk; in parallel, with
/// about `grain` elements for a thread to take at a time. A long row is cut, short ones are taken together.
template <class F>
void for_runs(const Walk& w, std::int64_t grain, const F& f) {
  const std::int64_t n = row_length(w), rows = row_count(w);
  if (n == 0) return;
  if (rows == 1 || n >= 4 * grain) {
    for_rows(w, 0, rows, [&](std::int64_t row, const Offsets& o) {
      parallel_blocks(n, grain, [&](std::int64_t begin, std::int64_t end) {
        Offsets moved = o;
        for (int j = 0; j < 3; ++j) moved.at[j] += begin * row_stride(w, j);
        f(row * n + begin, end - begin, moved);
      });
    });
  } else {
    parallel_blocks(rows, (grain + n - 1) / n, [&](std::int64_t begin, std::int64_t end) {
      for_rows(w, begin, end, [&](std::int64_t row, const Offsets& o) { f(row * n, n, o); });
    });
  }
}

}  // namespace gesso::kernels::GESSO_LEVEL
