// From products to launches: the views of a MatMul's operands, tiles and slices, and the kernel that joins the slices.
#pragma once

#include "kernels/cuda/gemm_plan.cuh"
#include "kernels/cuda/gemm_tile.cuh"

#include <stdexcept>
#include <utility>

namespace gesso::kernels::GESSO_LEVEL {

/// An operand: element (x, k) at p[x * across + k * along], x counting A's rows or B's columns.
template <class T>
struct Strided {
  const T* p;
  std::int64_t X, K, across, along, batch;

  /// f(view, whether its lines lie along K). Where the strides leave the choice, lines are as long as can be.
  template <class F>
  void with_view(const F& f) const {
    const bool can_lie_along = along == 1 || K <= 1, can_lie_across = across == 1 || X <= 1;
    if (can_lie_along && (!can_lie_across || K >= X))
      f(Lines<T>(p, X > 1 ? across : 0, batch, X, K), std::true_type{});
    else
      f(Lines<T>(p, K > 1 ? along : 0, batch, K, X), std::false_type{});
  }
};

/// Where this thread's pack lies among those of `products` matrices of M rows of N, row by row.
template <class T>
struct PackPlace {
  int product, i, j, n;  // n elements from (i, j) on; none beyond the last pack
  __device__ PackPlace(int products, int M, int N) {
    const std::int64_t packs_a_row = (N + kPack<T> - 1) / kPack<T>, row = thread_number() / packs_a_row;
    product = int(row / M), i = int(row % M), j = int(thread_number() % packs_a_row) * kPack<T>;
    n = product < products ? min(kPack<T>, N - j) : 0;
  }
};

/// Sums of slices of K: (products, slices, M, row), rows of whole packs.
template <class T>
struct Partial {
  const T* p;
  int products, slices, M, N;
  std::int64_t row;
};

/// C = sink(sum of the slices in their order); a thread adds up a pack.
template <class T, class Sink>
__global__ void join_slices(Partial<T> partial, const __grid_constant__ Sink sink) {
  const PackPlace<T> at(partial.products, partial.M, partial.N);
  if (at.n == 0) return;
  const std::int64_t size = partial.M * partial.row;
  const T* from = partial.p + std::int64_t(at.product) * partial.slices * size + at.i * partial.row + at.j;
  Pack<T> sum = load<kPack<T>>(from);
  for (int s = 1; s < partial.slices; ++s) {
    const Pack<T> next = load<kPack<T>>(from + s * size);
    for (int e = 0; e < kPack<T>; ++e) sum.at[e] += next.at[e];
  }
  sink.batch(at.product).put(at.i, at.j, sum, at.n);
}

/// A number of blocks as a grid. All dimensions of a product but the batch are int in the kernels, too.
inline dim3 grid_of(std::int64_t blocks) {
  if (blocks > INT32_MAX)
    throw std::length_error("cuda: a matrix this large needs more blocks than a grid can have");
  return dim3(unsigned(blocks));
}
inline int extent(std::int64_t n) {
  if (n > INT32_MAX / 2)
    throw std::length_error("cuda: a side of a matrix or of an image is longer than 2^30");
  return int(n);
}

/// The strides of a single matrix mean nothing, and are 0 here.
template <class T>
Strided<T> a_operand(const MatMul<T>& p) {
  return {p.a, p.M, p.K, p.a_row, p.a_col, p.batch > 1 ? p.a_batch : 0};
}
template <class T>
Strided<T> b_operand(const MatMul<T>& p) {
  return {p.b, p.N, p.K, p.b_col, p.b_row, p.batch > 1 ? p.b_batch : 0};
}
template <class T>
RowsOut<T> rows_out(const MatMul<T>& p) {
  return {p.c, p.M > 1 ? p.c_row : 0, p.batch > 1 ? p.c_batch : 0, {p.bias, p.act, p.slope}};
}
/// f(view of A, whether its lines lie along K, view of B, whether ..)
template <class T, class F>
void with_views(const MatMul<T>& p, const F& f) {
  a_operand(p).with_view([&](const Lines<T>& a, auto a_along_k) {
    b_operand(p).with_view([&](const Lines<T>& b, auto b_along_k) { f(a, a_along_k, b, b_along_k); });
  });
}

/// A view of one product of a batch.
template <class View>
using BatchOf = decltype(std::declval<const View&>().batch(0));

/// `batch` products C (M,N) = A (M,K) B (K,N); where they differ, the largest M and K.
struct Extents {
  std::int64_t batch, M, N, K;
};
template <class T>
Extents extents_of(const MatMul<T>& p) {
  return {p.batch, p.M, p.N, p.K};
}

/// launch(cut, grid, sink) with the planned slices: into C, or into scratch memory and from there joined into C.
template <class T, class Sink, class Launch>
void in_slices(const Extents& e, const Plan& plan, const TileShape& tile, const Sink& c,
               const Launch& launch) {
  if (e.batch < 1 || e.M < 1 || e.N < 1) return;
  extent(e.K);
  const std::int64_t tiles_m = ceil_div(e.M, tile.BM), tiles_n = ceil_div(e.N, tile.BN);
  const Cut cut{extent(e.M), extent(e.N), int(tiles_m), int(tiles_n), plan.slices, plan.slice};
  const dim3 grid = grid_of(e.batch * plan.slices * tiles_m * tiles_n);
  if (plan.slices == 1) return launch(cut, grid, c);
  const std::int64_t row = ceil_div(e.N, kPack<T>) * kPack<T>;
  const Scratch scratch(std::size_t(e.batch * plan.slices * e.M * row) * sizeof(T));
  launch(cut, grid, RowsOut<T>(scratch.template as<T>(), row, e.M * row, {}));
  const Partial<T> partial{scratch.template as<T>(), extent(e.batch), plan.slices, cut.M, cut.N, row};
  launch_threads(join_slices<T, Sink>, e.batch * e.M * ceil_div(e.N, kPack<T>), kThreads, partial, c);
}

}  // namespace gesso::kernels::GESSO_LEVEL
