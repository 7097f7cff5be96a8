// C (M,N) = finish(bias + A (M,K) * B (K,N)) for any views A, B and any sink C: blocked, packed and shared
// among threads.
//
// C is cut into tiles: panels of up to MR rows by slivers of NR columns. Threads share the tiles, never K,
// and neither tiles nor blocks of K depend on the number of threads; so each element is the same sum in the
// same order always.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif
#include "kernels/cpu/gemm_pack.h"

#include <cstdlib>
#include <sys/mman.h>

namespace gesso::kernels::GESSO_LEVEL {

/// Memory for packed operands, one per thread, kept from call to call.
struct Scratch {
  void* p = nullptr;
  std::size_t size = 0;

  ~Scratch() { ::free(p); }
  void* at_least(std::size_t wanted) {
    if (wanted <= size) return p;
    constexpr std::size_t page = std::size_t{1} << 21;
    ::free(p);
    size = (wanted + page - 1) / page * page;
    p = ::aligned_alloc(page, size);
    if (!p) __builtin_trap();
    ::madvise(p, size, MADV_HUGEPAGE);
    return p;
  }
};
inline thread_local Scratch scratch;

/// An operand counts as small, and stays in L2 while the other passes by, up to this many bytes: half of 1 MiB.
inline constexpr std::int64_t kSmall = std::int64_t{1} << 19;
/// When neither operand is small, panels of A are taken in blocks of that size, and this many slivers of B are kept
/// packed for all of them: 3 to 5 MB, in L3.
inline constexpr std::int64_t kKeptSlivers = 64;

template <class T>
inline constexpr T kZeros[NR<T>] = {};

/// The part of a product that one thread computes: of the tiles of panels [p0, p1), counted down the slivers one after
/// another, those numbered [t0, t1).
struct TileRange {
  std::int64_t p0, p1, t0, t1;
};

template <class T, class A, class B, class Sink>
struct Product {
  std::int64_t M, N, K;
  A a;
  B b;
  Sink c;
  Parts panels{M, MR}, slivers{(N + kLanes<T> - 1) / kLanes<T>, NV}, blocks{K > 0 ? K : 1, KC<T>};

  /// One block of K, and the tiles that are asked for.
  struct Step {
    TileRange tiles;
    std::int64_t k0, K;
    bool first, last;
  };
  struct Sliver {
    std::int64_t n0, n, width;
  };
  Sliver sliver(std::int64_t j) const {
    const std::int64_t n0 = slivers.begin(j) * kLanes<T>, width = slivers.size(j) * kLanes<T>;
    return {n0, N - n0 < width ? N - n0 : width, width};
  }

  void compute(const TileRange& r) const {
    const std::int64_t P = r.p1 - r.p0, j0 = r.t0 / P, j1 = (r.t1 + P - 1) / P;
    const std::int64_t kc = blocks.size(0), row_bytes = kc * std::int64_t(sizeof(T));
    const std::int64_t a_bytes = P * MR * row_bytes, b_bytes = (j1 - j0) * NR<T> * row_bytes;
    const bool b_small = b_bytes <= kSmall && b_bytes < a_bytes;
    const std::int64_t kept_panels = b_small ? 1 : a_bytes <= kSmall ? P : kSmall / (MR * row_bytes);
    const std::int64_t kept_slivers = b_small ? j1 - j0 : a_bytes <= kSmall ? 1 : kKeptSlivers;
    T* packed_a = static_cast<T*>(
        scratch.at_least(std::size_t(kept_panels * kPanelSize<T> + kept_slivers * NR<T> * kc) * sizeof(T)));
    T* packed_b = packed_a + kept_panels * kPanelSize<T>;
    const std::int64_t j_step = a_bytes <= kSmall ? j1 - j0 : kept_slivers;
    for (std::int64_t j = j0; j < j1; j += j_step)
      for (std::int64_t block = 0; block < blocks.count; ++block) {
        const Step step{r, blocks.begin(block), K > 0 ? blocks.size(block) : 0, block == 0,
                        block + 1 == blocks.count};
        const std::int64_t j_end = j + j_step < j1 ? j + j_step : j1;
        if (b_small)
          pass_a_by(step, j, j_end, packed_a, packed_b);
        else
          pass_b_by(step, j, j_end, kept_panels, kept_slivers > 1, packed_a, packed_b);
      }
  }

  /// Slivers [j0, j1) stay, panels come one by one.
  void pass_a_by(const Step& s, std::int64_t j0, std::int64_t j1, T* packed_a, T* packed_b) const {
    for (std::int64_t j = j0; j < j1; ++j) {
      const Sliver v = sliver(j);
      pack_b(b, s.k0, s.K, v.n0, v.n, v.width, packed_b + (j - j0) * NR<T> * s.K);
    }
    for (std::int64_t p = s.tiles.p0; p < s.tiles.p1; ++p) {
      pack_a(a, panels.begin(p), panels.size(p), s.k0, s.K, packed_a);
      for (std::int64_t j = j0; j < j1; ++j) {
        if (p + 1 < s.tiles.p1) {
          const std::int64_t from = s.K * (j - j0) / (j1 - j0), to = s.K * (j + 1 - j0) / (j1 - j0);
          prefetch(a, panels.begin(p + 1), panels.size(p + 1), s.k0 + from, to - from);
        }
        tile(s, p, j, packed_a, packed_b + (j - j0) * NR<T> * s.K);
      }
    }
  }

  /// Panels stay, as many as are kept at a time; slivers come one by one, and stay too if they are kept.
  void pass_b_by(const Step& s, std::int64_t j0, std::int64_t j1, std::int64_t kept_panels, bool keep,
                 T* packed_a, T* packed_b) const {
    for (std::int64_t p0 = s.tiles.p0; p0 < s.tiles.p1; p0 += kept_panels) {
      const std::int64_t p1 = p0 + kept_panels < s.tiles.p1 ? p0 + kept_panels : s.tiles.p1;
      for (std::int64_t p = p0; p < p1; ++p)
        pack_a(a, panels.begin(p), panels.size(p), s.k0, s.K, packed_a + (p - p0) * kPanelSize<T>);
      for (std::int64_t j = j0; j < j1; ++j) {
        const Sliver v = sliver(j);
        T* packed = packed_b + (keep ? (j - j0) * NR<T> * s.K : 0);
        if (p0 == s.tiles.p0) pack_b(b, s.k0, s.K, v.n0, v.n, v.width, packed);
        const Sliver next = sliver(j + 1 < j1 ? j + 1 : j);
        for (std::int64_t p = p0; p < p1; ++p) {
          if (p0 == s.tiles.p0 && j + 1 < j1) {
            const std::int64_t from = s.K * (p - p0) / (p1 - p0), to = s.K * (p + 1 - p0) / (p1 - p0);
            prefetch(b, s.k0 + from, to - from, next.n0, next.n);
          }
          tile(s, p, j, packed_a + (p - p0) * kPanelSize<T>, packed);
        }
      }
    }
  }

  /// Panel p times sliver j, if that tile is asked for.
  void tile(const Step& step, std::int64_t p, std::int64_t j, const T* pa, const T* pb) const {
    const std::int64_t number = j * (step.tiles.p1 - step.tiles.p0) + p - step.tiles.p0;
    if (number < step.tiles.t0 || number >= step.tiles.t1) return;
    const std::int64_t m0 = panels.begin(p), rows = panels.size(p);
    const auto [n0, n, width] = sliver(j);
    const auto kernel = kMicroKernels<T>.at[int(kPanelOf<A>)][width / kLanes<T> - 1][rows - 1];
    const bool whole = n == width;
    alignas(64) T buffer[MR * NR<T>], start[NR<T>];
    Tile<T> tile;
    if (step.first) {
      const T* init = kZeros<T>;
      if (c.bias && whole) init = c.bias + n0;
      if (c.bias && !whole) {
        copy(c.bias + n0, n, start);
        init = start;
      }
      for (int i = 0; i < rows; ++i) tile.init[i] = init;
    }
    for (int i = 0; i < rows; ++i) {
      T* row = c.row(m0 + i) + n0;
      tile.out[i] = whole ? row : buffer + i * NR<T>;
      for (std::int64_t l = 0; l < width; l += 64 / std::int64_t(sizeof(T))) __builtin_prefetch(row + l, 1);
      if (step.first) continue;
      tile.init[i] = tile.out[i];
      if (!whole) copy(row, n, tile.out[i]);
    }
    kernel(step.K, pa, rows, pb, width, tile);
    if (step.last && c.act != Activation::none)
      for (int i = 0; i < rows; ++i) c.finish(tile.out[i], n);
    if (!whole)
      for (int i = 0; i < rows; ++i) copy(tile.out[i], n, c.row(m0 + i) + n0);
  }
};

/// C_b (M,N) = sink(A_b (M,K) * B_b (K,N)) for b < batch.
template <class T, class A, class B, class Sink>
void gemm(std::int64_t batch, std::int64_t M, std::int64_t N, std::int64_t K, const A& a, const B& b,
          const Sink& c) {
  if (batch <= 0 || M <= 0 || N <= 0) return;
  const Product<T, A, B, Sink> whole{M, N, K, a, b, c};
  const std::int64_t P = whole.panels.count, tiles = P * whole.slivers.count;
  const auto share = [&](std::int64_t thread, std::int64_t threads) {
    const std::int64_t t0 = batch * tiles * thread / threads, t1 = batch * tiles * (thread + 1) / threads;
    for (std::int64_t i = t0 / tiles; i * tiles < t1; ++i) {
      const std::int64_t from = t0 - i * tiles, to = t1 - i * tiles;
      const Product<T, A, B, Sink> product{M, N, K, a.at(i), b.at(i), c.at(i)};
      if (from < to) product.compute({0, P, from > 0 ? from : 0, to < tiles ? to : tiles});
    }
  };
#ifdef _OPENMP
  // A fork and join costs about a microsecond, or 10^5 multiply-adds.
  if (double(batch) * double(M) * double(N) * double(K) > 2e5) {
#pragma omp parallel
    share(omp_get_thread_num(), omp_get_num_threads());
    return;
  }
#endif
  share(0, 1);
}

}  // namespace gesso::kernels::GESSO_LEVEL
