// Kernels that do what gesso's do, the way one would write them first: to be traced beside these, and learned from.
#pragma once

#include <cstdint>

namespace gesso::simt::trace {

/// y (n,n) = the transpose of x. A thread to an element: warps read rows, and write columns.
void transpose_by_element(std::int64_t n, const float* x, float* y);

/// By way of tiles of 32 x 32 in shared memory, whose columns each lie in a single bank; n is a multiple of 32.
void transpose_by_square_tile(std::int64_t n, const float* x, float* y);

/// y (C) = the sums of the columns of x (rows, C): a warp to a column, whose lanes have neighbouring rows.
void column_sums_by_rows(std::int64_t rows, std::int64_t C, const float* x, float* y);

}  // namespace gesso::simt::trace
