// Work column by column on x (rows, C): sums over the rows, and arrays written with numbers kept for each column.
//
// A thread keeps to its columns, one or a pack of them, and takes every so-manieth row of a slice of the rows; neighbouring
// threads have neighbouring columns, and where a row is shorter than a warp, the next threads go on in the next row. So
// warps read contiguous memory however narrow x is, and what belongs to a column is fetched once.
#pragma once

#include "kernels/cuda/launch.cuh"

namespace gesso::kernels::GESSO_LEVEL {

/// How x is divided: blocks of `width` threads across, V columns each, and `lanes` down; it depends on the shape alone.
struct ColumnGrid {
  std::int64_t rows, C;
  int width, lanes;
  std::int64_t strips, slices, slice;  // blocks across and down, and rows of a block

  std::int64_t threads() const { return strips * slices * kThreads; }
};

/// At most this many columns, or packs of them, to a block: a warp reads at least 128 bytes of a row.
inline constexpr std::int64_t kStripWidth = 32;

/// V columns to a thread, and about rows_a_thread rows, but no more slices than most_slices.
template <int V>
ColumnGrid column_grid(std::int64_t rows, std::int64_t C, std::int64_t rows_a_thread,
                       std::int64_t most_slices) {
  const std::int64_t units = C / V, strips = ceil_div(units, kStripWidth), width = ceil_div(units, strips);
  const std::int64_t lanes = kThreads / width;
  if (rows == 0) return {rows, C, int(width), int(lanes), strips, 1, 0};  // sums of nothing are written, too
  const std::int64_t wanted = ceil_div(rows, lanes * rows_a_thread);
  const std::int64_t slice = ceil_div(rows, wanted < most_slices ? wanted : most_slices);
  return {rows, C, int(width), int(lanes), strips, ceil_div(rows, slice), slice};
}

/// What this thread does: rows `row`, row + lanes, .. before `end` of the columns from `column` on.
struct ColumnPlace {
  std::int64_t column, slice, row, end;
  int lane;
  bool inside;

  __device__ ColumnPlace(const ColumnGrid& g, int V)
      : slice(std::int64_t(blockIdx.x / unsigned(g.strips))), lane(int(threadIdx.x) / g.width) {
    column = (std::int64_t(blockIdx.x % unsigned(g.strips)) * g.width + int(threadIdx.x) % g.width) * V;
    inside = column < g.C && lane < g.lanes;
    row = slice * g.slice + lane;
    end = slice * g.slice + g.slice < g.rows ? slice * g.slice + g.slice : g.rows;
  }
};

/// Folds the rows of each column. A fold has
///   Value, start(), join(Value, Value)                 what stands for some rows of a column
///   rows<V>(column, row, end, step, Value (&)[V])      joins the rows row, row + step, .. of V columns to the values
///   finish(column, Value)                              what is done with all of them
/// Lanes are joined in a tree; where there are several slices, their values go to `partial` (slices, C) instead.
template <int V, class Fold>
__global__ void __launch_bounds__(kThreads)
    fold_columns(ColumnGrid g, Fold fold, typename Fold::Value* partial) {
  using Value = typename Fold::Value;
  GESSO_SHARED(Value, part, [V][kThreads]);
  const ColumnPlace at(g, V);
  const int i = int(threadIdx.x);
  Value v[V];
  for (int e = 0; e < V; ++e) v[e] = Fold::start();
  if (at.inside) fold.template rows<V>(at.column, at.row, at.end, g.lanes, v);
  for (int e = 0; e < V; ++e) part[e][i] = v[e];
  for (int m = g.lanes; m > 1; m = (m + 1) / 2) {
    const int half = (m + 1) / 2;
    __syncthreads();
    if (at.lane + half < m)
      for (int e = 0; e < V; ++e) part[e][i] = Fold::join(part[e][i], part[e][i + half * g.width]);
  }
  if (at.lane > 0 || !at.inside) return;
  for (int e = 0; e < V; ++e) {
    if (partial)
      partial[at.slice * g.C + at.column + e] = part[e][i];
    else
      fold.finish(at.column + e, part[e][i]);
  }
}

/// The values of slices as what is folded.
template <class Fold>
struct Slices {
  using Value = typename Fold::Value;
  Fold fold;
  const Value* partial;
  std::int64_t C;

  __device__ static Value start() { return Fold::start(); }
  __device__ static Value join(const Value& a, const Value& b) { return Fold::join(a, b); }
  template <int V>
  __device__ void rows(std::int64_t column, std::int64_t row, std::int64_t end, int step,
                       Value (&v)[V]) const {
    for (; row < end; row += step)
      for (int e = 0; e < V; ++e) v[e] = Fold::join(v[e], partial[row * C + column + e]);
  }
  __device__ void finish(std::int64_t column, const Value& v) const { fold.finish(column, v); }
};

/// Enough blocks to fill a GPU eight times over leaves none idle for long; a thread with fewer rows does little but start.
inline constexpr std::int64_t kFoldSlices = 1024, kFoldRows = 32;

template <int V, class Fold>
void launch_fold_columns(std::int64_t rows, std::int64_t C, const Fold& fold) {
  using Value = typename Fold::Value;
  const ColumnGrid g = column_grid<V>(rows, C, kFoldRows, kFoldSlices);
  if (g.slices == 1)
    return launch_threads(fold_columns<V, Fold>, g.threads(), kThreads, g, fold,
                          static_cast<Value*>(nullptr));
  const Scratch scratch(std::size_t(g.slices * C) * sizeof(Value));
  launch_threads(fold_columns<V, Fold>, g.threads(), kThreads, g, fold, scratch.as<Value>());
  const ColumnGrid joined = column_grid<1>(g.slices, C, kFoldSlices, 1);
  launch_threads(fold_columns<1, Slices<Fold>>, joined.threads(), kThreads, joined,
                 Slices<Fold>{fold, scratch.as<Value>(), C}, static_cast<Value*>(nullptr));
}

}  // namespace gesso::kernels::GESSO_LEVEL
