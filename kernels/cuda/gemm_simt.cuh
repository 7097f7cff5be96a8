// The matrix product on the ordinary cores. Each thread keeps a small tile of C in registers and reads, for each step
// along K, its rows of A and columns of B from shared memory: TM + TN elements for TM * TN multiply-adds.
#pragma once

#include "kernels/cuda/gemm_launch.cuh"

namespace gesso::kernels::GESSO_LEVEL {

/// How many threads a multiprocessor should hold at once, so that some compute while others wait; what is left to each is
/// 128 registers, or 170 where the compiler would spill some of 128.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
inline constexpr int kThreadsAtOnce = 384;
#else
inline constexpr int kThreadsAtOnce = 512;
#endif

/// A block computes BM x BN elements of C, a thread TM x TN of them; panels are BK deep.
template <int bm, int bn, int bk, int tm, int tn, int s>
struct SimtTile {
  static constexpr int BM = bm, BN = bn, BK = bk, TM = tm, TN = tn, stages = s, row = BN;
  static constexpr int threads_m = BM / TM, threads_n = BN / TN, threads = threads_m * threads_n;
  static constexpr int blocks = kThreadsAtOnce / threads;
};

/// A panel in shared memory, its lines as they come. Where they lie along K, a thread reads the same pack of E = kPack
/// neighbouring lines, and its neighbour that of the next E: a pack left free after every E lines keeps the packs that the
/// threads of a warp read at the same time in different banks.
template <class T, int extent, int BK, bool lines_along_k>
struct SimtPanel {
  static constexpr bool along_k = lines_along_k;
  static constexpr int lines = along_k ? extent : BK, length = along_k ? BK : extent;
  static constexpr int size = lines * length + (along_k ? lines : 0);
  static __device__ int offset(int line, int j) {
    return line * length + (along_k ? line / kPack<T> * kPack<T> : 0) + j;
  }

  /// Pack u of the square of E x E elements (x .. x + E across K, k .. k + E along it): along K that of x + u, across K
  /// that of k + u.
  static __device__ Pack<T> read(const T* panel, int x, int k, int u) {
    return load<kPack<T>>(panel + (along_k ? offset(x + u, k) : offset(k + u, x)));
  }
};

/// Which of the block's rows and columns belong to a thread: squares of E x E, spread over the tile so that neighbouring
/// threads have neighbouring squares. A warp is 4 threads high and 8 wide.
template <class Tile, class T>
struct ThreadPlace {
  int row, column;
  __device__ ThreadPlace() {
    static_assert(Tile::threads_n % 8 == 0 && Tile::threads_m % 4 == 0);
    const int warp = int(threadIdx.x) / 32, lane = int(threadIdx.x) % 32, warps_n = Tile::threads_n / 8;
    row = (warp / warps_n * 4 + lane / 8) * kPack<T>;
    column = (warp % warps_n * 8 + lane % 8) * kPack<T>;
  }
  __device__ int m(int square) const { return row + square * Tile::threads_m * kPack<T>; }
  __device__ int n(int square) const { return column + square * Tile::threads_n * kPack<T>; }
};

/// sums += the thread's rows of A's panel times its columns of B's: E steps of K at a time, for which the rows are kept in
/// registers while packs of columns come one by one.
template <class Tile, class PanelA, class PanelB, class T>
__device__ inline void multiply_panels(const T* a, const T* b, const ThreadPlace<Tile, T>& at,
                                       T (&sums)[Tile::TM][Tile::TN]) {
  constexpr int E = kPack<T>;
  [[maybe_unused]] constexpr int unroll =                     // unused where the pragma below means nothing
      PanelA::along_k && PanelB::along_k ? 1 : Tile::BK / E;  // unrolled, all packs along K spill
#pragma unroll(unroll)
  for (int k0 = 0; k0 < Tile::BK; k0 += E) {
    Pack<T> rows[Tile::TM];
#pragma unroll
    for (int i = 0; i < Tile::TM; ++i) rows[i] = PanelA::read(a, at.m(i / E), k0, i % E);
#pragma unroll
    for (int j0 = 0; j0 < Tile::TN; ++j0) {
      const Pack<T> columns = PanelB::read(b, at.n(j0 / E), k0, j0 % E);
#pragma unroll
      for (int e = 0; e < E; ++e) {
        const int k = PanelB::along_k ? e : j0 % E, j = PanelB::along_k ? j0 : j0 / E * E + e;
#pragma unroll
        for (int i = 0; i < Tile::TM; ++i)
          sums[i][j] += (PanelA::along_k ? rows[i].at[k] : rows[i / E * E + k].at[i % E]) * columns.at[e];
      }
    }
  }
}

/// C (M,N) = sink(A (M,K) * B (K,N)), one tile of C and one slice of K a block.
template <class T, class Tile, bool a_along_k, bool b_along_k, class A, class B, class Sink>
__global__ void __launch_bounds__(Tile::threads, Tile::blocks)
    gemm_simt(const __grid_constant__ Product<A, B, Sink> product) {
  using PanelA = SimtPanel<T, Tile::BM, Tile::BK, a_along_k>;
  using PanelB = SimtPanel<T, Tile::BN, Tile::BK, b_along_k>;
  GESSO_DYN_SHARED(T, shared);
  const auto place = product.template place<Tile>();
  const auto a = product.a.batch(place.product);
  const int steps = product.template steps<Tile>(place.k0, a_along_k ? a.length : a.lines);
  const ThreadPlace<Tile, T> at;
  T sums[Tile::TM][Tile::TN] = {};
  for_panels<Tile, PanelA, PanelB>(a, product.b.batch(place.product), place.m0, place.n0, place.k0, steps,
                                   shared, [&](const T* panel_a, const T* panel_b) {
                                     multiply_panels<Tile, PanelA, PanelB>(panel_a, panel_b, at, sums);
                                   });
#pragma unroll
  for (int i = 0; i < Tile::TM; ++i)
#pragma unroll
    for (int q = 0; q < Tile::TN / kPack<T>; ++q) {
      Pack<T> pack;
#pragma unroll
      for (int j = 0; j < kPack<T>; ++j) pack.at[j] = sums[i][q * kPack<T> + j];
      store(shared + (at.m(i / kPack<T>) + i % kPack<T>)*Tile::row + at.n(q), pack);
    }
  __syncthreads();
  put_tile<Tile>(shared, product.c.batch(place.product * product.slices + place.slice), place.m0, place.n0,
                 product.M, product.N);
}

/// From large to small. A double is two words: half the tile in the same registers. Lines of a panel along K are 64 bytes,
/// two sectors of L2.
template <class T>
struct SimtTiles;
template <>
struct SimtTiles<float> {
  using Large = SimtTile<128, 128, 16, 8, 8, 4>;
  using Medium = SimtTile<64, 64, 16, 8, 4, 4>;
  using Small = SimtTile<32, 32, 16, 4, 4, 4>;
};
template <>
struct SimtTiles<double> {
  using Large = SimtTile<64, 64, 8, 4, 4, 4>;
  using Medium = SimtTile<32, 64, 8, 4, 4, 4>;
  using Small = SimtTile<32, 32, 8, 4, 4, 4>;
};

/// A multiprocessor does 128 multiply-adds in float a cycle and 64 in double; `share` of them is what a tile reaches,
/// estimated from how often it waits for shared memory.
template <class T, class Tile>
constexpr TileShape simt_shape(double share) {
  return {Tile::BM, Tile::BN, Tile::BK,
          double(Tile::BM * Tile::BN) * Tile::BK / ((sizeof(T) == 4 ? 128 : 64) * share)};
}

/// One launch: the product with this tile, in the planned slices.
template <class T, class Tile, bool a_along_k, bool b_along_k, class A, class B, class Sink>
void run_simt(const Extents& extents, const Plan& plan, const TileShape& tile, const A& a, const B& b,
              const Sink& c) {
  constexpr std::size_t bytes = shared_bytes<Tile, SimtPanel<T, Tile::BM, Tile::BK, a_along_k>,
                                             SimtPanel<T, Tile::BN, Tile::BK, b_along_k>, T, BatchOf<A>>();
  in_slices<T>(extents, plan, tile, c, [&](const Cut& cut, dim3 grid, const auto& sink) {
    using S = std::decay_t<decltype(sink)>;
    simt::launch(gemm_simt<T, Tile, a_along_k, b_along_k, A, B, S>, grid, dim3(Tile::threads), bytes,
                 stream(), Product<A, B, S>(cut, a, b, sink));
  });
}

/// C = sink(A B) for views of which it is said whether their lines lie along K.
template <class T, bool a_along_k, bool b_along_k, class A, class B, class Sink>
void multiply_simt(const Extents& e, const A& a, const B& b, const Sink& c) {
  using Large = typename SimtTiles<T>::Large;
  using Medium = typename SimtTiles<T>::Medium;
  using Small = typename SimtTiles<T>::Small;
  static constexpr TileShape tiles[] = {simt_shape<T, Large>(0.9), simt_shape<T, Medium>(0.75),
                                        simt_shape<T, Small>(0.5)};
  const Plan best = plan(tiles, e.batch, e.M, e.N, e.K, int(sizeof(T)));
  if (best.tile == 0) return run_simt<T, Large, a_along_k, b_along_k>(e, best, tiles[0], a, b, c);
  if (best.tile == 1) return run_simt<T, Medium, a_along_k, b_along_k>(e, best, tiles[1], a, b, c);
  run_simt<T, Small, a_along_k, b_along_k>(e, best, tiles[2], a, b, c);
}

}  // namespace gesso::kernels::GESSO_LEVEL
