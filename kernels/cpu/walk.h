// Strided loops over a Walk (kernels/kernels.h), innermost dimension as the row.
#pragma once

#include "kernels/cpu/level.h"
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

/// f(row, o0, o1, o2) for rows [begin, end), oj the offset of operand j at the row's first element.
template <class F>
void for_rows(const Walk& w, std::int64_t begin, std::int64_t end, const F& f) {
  std::int64_t at[kMaxDims] = {}, o[3] = {};
  std::int64_t rest = begin;
  for (int d = w.dims - 2; d >= 0; --d) {
    at[d] = rest % w.shape[d];
    rest /= w.shape[d];
    for (int j = 0; j < 3; ++j) o[j] += at[d] * w.strides[j][d];
  }
  for (std::int64_t row = begin; row < end; ++row) {
    f(row, o[0], o[1], o[2]);
    for (int d = w.dims - 2; d >= 0; --d) {  // an odometer
      for (int j = 0; j < 3; ++j) o[j] += w.strides[j][d];
      if (++at[d] < w.shape[d]) break;
      for (int j = 0; j < 3; ++j) o[j] -= at[d] * w.strides[j][d];
      at[d] = 0;
    }
  }
}

}  // namespace gesso::kernels::GESSO_LEVEL
