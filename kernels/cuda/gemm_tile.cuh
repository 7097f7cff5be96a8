// What the kernels of the matrix product share: how C is cut into tiles and K into slices, the pipeline of asynchronous
// copies that brings panels of A and B into shared memory, and the way of a finished tile out.
#pragma once

#include "kernels/cuda/gemm_view.cuh"
#include "kernels/simt/ptx.h"

namespace gesso::kernels::GESSO_LEVEL {

/// How products are cut into tiles, and K into slices: `slice` elements each, the last one what is left.
struct Cut {
  int M, N, tiles_m, tiles_n, slices, slice;
};

/// C = sink(A B), as a kernel is given it. Blocks are numbered product by product, slice by slice of K, tile by tile.
template <class A, class B, class Sink>
struct Product : Cut {
  A a;
  B b;
  Sink c;

  Product(const Cut& cut, const A& left, const B& right, const Sink& sink)
      : Cut(cut), a(left), b(right), c(sink) {}

  /// Where a block works: the first row and column of its tile, and the first element of its slice.
  struct Place {
    int m0, n0, k0, product, slice;
  };

  /// Blocks that run at the same time should share rows of A and columns of B while these are in L2: tiles are numbered
  /// through bands of kBand rows of tiles, column by column.
  template <class Tile>
  __device__ Place place() const {
    constexpr int kBand = 8;
    const unsigned tiles = unsigned(tiles_m) * unsigned(tiles_n), tile = blockIdx.x % tiles,
                   rest = blockIdx.x / tiles;
    const int band = int(tile / unsigned(kBand * tiles_n)), in_band = int(tile % unsigned(kBand * tiles_n));
    const int height = min(kBand, tiles_m - band * kBand), k_slice = int(rest % unsigned(slices));
    return {(band * kBand + in_band % height) * Tile::BM, in_band / height * Tile::BN, k_slice * slice,
            int(rest / unsigned(slices)), k_slice};
  }
  /// Steps of BK from k0 on to the end of the slice, where the product's K ends at `depth`.
  template <class Tile>
  __device__ int steps(int k0, int depth) const {
    return (min(slice, depth - k0) + Tile::BK - 1) / Tile::BK;
  }
};

/// Starts the copies of a panel, `unit` elements at a time: the elements of a view from k0 on along K and from x0 on
/// across it; zeros beyond the view's bounds. Neighbouring threads copy neighbouring units. line_of(i) is the view's line i.
template <int unit, int threads, class Panel, class T, class View, class LineOf>
__device__ inline void copy_units(const View& view, const LineOf& line_of, int x0, int k0, T* panel) {
  constexpr int units_a_line = Panel::length / unit, units = Panel::lines * units_a_line;
  const int line0 = Panel::along_k ? x0 : k0, j0 = Panel::along_k ? k0 : x0;
#pragma unroll(unit > 1 ? units / threads \
                        : 1)  // single elements are the exception, and not worth the registers
  for (int u = int(threadIdx.x); u < units; u += threads) {
    const int line = u / units_a_line, j = u % units_a_line * unit;
    const int n = line0 + line < view.lines ? min(max(view.length - (j0 + j), 0), unit) : 0;
    const T* from = view.at(line_of(line0 + line), j0 + j);
    simt::cp_async<unit* int(sizeof(T))>(panel + Panel::offset(line, j), from, from ? n * int(sizeof(T)) : 0);
  }
}
template <int threads, class Panel, class T, class View, class LineOf>
__device__ inline void copy_panel(const View& view, const LineOf& line_of, int x0, int k0, T* panel) {
  if (view.wide)
    copy_units<kPack<T>, threads, Panel>(view, line_of, x0, k0, panel);
  else
    copy_units<1, threads, Panel>(view, line_of, x0, k0, panel);
}

/// Elements of shared memory in the stages of the pipeline, or in the finished tile that takes their place. The table of A's
/// rows lies behind them.
template <class Tile, class PanelA, class PanelB>
constexpr int panel_elements() {
  constexpr int panels = Tile::stages * (PanelA::size + PanelB::size), tile = Tile::BM * Tile::row;
  return panels > tile ? panels : tile;
}
template <class PanelA, class A>
constexpr bool tabulated() {
  return PanelA::along_k && A::tabulated;
}

/// Runs compute(panel of A, panel of B) for each step of BK along a block's slice of K, while the copies for the next
/// steps are under way: stages - 1 of them. One barrier a step: behind it all see the panels of this step, and nobody
/// reads those of the step before any more, whose place the next copies take.
template <class Tile, class PanelA, class PanelB, class T, class A, class B, class F>
__device__ inline void for_panels(const A& a, const B& b, int m0, int n0, int k0, int steps, T* shared,
                                  const F& compute) {
  using LineA = typename A::Line;
  [[maybe_unused]] auto* const table =
      reinterpret_cast<LineA*>(shared + panel_elements<Tile, PanelA, PanelB>());
  if constexpr (tabulated<PanelA, A>()) {
    for (int i = int(threadIdx.x); i < PanelA::lines; i += Tile::threads) table[i] = a.line(m0 + i);
    __syncthreads();  // the table stands
  }
  const auto line_of_a = [&](int i) {
    if constexpr (tabulated<PanelA, A>())
      return table[i - m0];
    else
      return a.line(i);
  };
  const auto line_of_b = [&](int i) { return b.line(i); };
  const auto copy = [&](int step) {
    if (step < steps) {
      T* to = shared + step % Tile::stages * (PanelA::size + PanelB::size);
      copy_panel<Tile::threads, PanelA>(a, line_of_a, m0, k0 + step * Tile::BK, to);
      copy_panel<Tile::threads, PanelB>(b, line_of_b, n0, k0 + step * Tile::BK, to + PanelA::size);
    }
    simt::cp_async_commit();  // a group each time, empty or not, so that the count of those under way stays
  };
  for (int step = 0; step < Tile::stages - 1; ++step) copy(step);
  for (int step = 0; step < steps; ++step) {
    simt::cp_async_wait<Tile::stages - 2>();
    __syncthreads();
    copy(step + Tile::stages - 1);
    const T* panels = shared + step % Tile::stages * (PanelA::size + PanelB::size);
    compute(panels, panels + PanelA::size);
  }
  simt::cp_async_wait<0>();
  __syncthreads();  // shared memory is free
}

/// Gives a finished tile, in shared memory with rows Tile::row apart, to the sink in whole packs, row by row.
template <class Tile, class T, class Sink>
__device__ inline void put_tile(const T* tile, const Sink& sink, int m0, int n0, int M, int N) {
  constexpr int packs_a_row = Tile::BN / kPack<T>;
  for (int pack = int(threadIdx.x); pack < Tile::BM * packs_a_row; pack += Tile::threads) {
    const int i = pack / packs_a_row, j = pack % packs_a_row * kPack<T>;
    if (m0 + i < M && n0 + j < N)
      sink.put(m0 + i, n0 + j, load<kPack<T>>(tile + i * Tile::row + j), min(kPack<T>, N - n0 - j));
  }
}

/// Bytes of shared memory that a block asks for, A being as it is within the kernel.
template <class Tile, class PanelA, class PanelB, class T, class A>
constexpr std::size_t shared_bytes() {
  constexpr std::size_t panels = panel_elements<Tile, PanelA, PanelB>() * sizeof(T);
  static_assert(panels % alignof(typename A::Line) == 0);
  return panels + (tabulated<PanelA, A>() ? PanelA::lines * sizeof(typename A::Line) : 0);
}

}  // namespace gesso::kernels::GESSO_LEVEL
