// The matrix product on tensor cores: factors are rounded to TF32 (8 bits of exponent, 10 of
// mantissa), products and sums are in float. Panels travel as in the SIMT kernel; what a warp multiplies at once is 16 x 8
// elements of A with 8 x 8 of B, spread over its lanes as mma.sync wants them.
#pragma once

#include "kernels/cuda/gemm_launch.cuh"

namespace gesso::kernels::GESSO_LEVEL {

/// A block computes BM x BN elements of C, a warp WM x WN of them; panels are BK deep.
template <int bm, int bn, int bk, int wm, int wn, int s>
struct TensorTile {
  static constexpr int BM = bm, BN = bn, BK = bk, WM = wm, WN = wn, stages = s;
  static constexpr int warps_n = BN / WN, threads = BM / WM * warps_n * 32;
  static constexpr int row = BN + 8;  // of the finished tile: half a warp writes four rows at once
};
// Within the 99 KiB of shared memory that a block can have on consumers' GPUs, and two or three blocks at once on an H100.
struct TensorTiles {
  using Large = TensorTile<128, 128, 16, 64, 32, 4>;
  using Medium = TensorTile<64, 64, 32, 32, 32, 3>;
};

/// A panel in shared memory. Lines are a little further apart than they are long, so that what a warp reads at the same
/// time lies in different banks: packs of 8 lines along K, 4 or 20 banks apart, or 8 elements of 4 lines
/// across it, 8 banks apart.
template <int extent, int BK, bool lines_along_k>
struct TensorPanel {
  static constexpr bool along_k = lines_along_k;
  static constexpr int lines = along_k ? extent : BK, length = along_k ? BK : extent;
  static constexpr int line_stride = length + (along_k ? 4 : 8), size = lines * line_stride;
  static __device__ int offset(int line, int j) { return line * line_stride + j; }

  /// The fragment of 16 elements across K from x on and 8 along K from k on: with g = lane / 4, t = lane % 4, a lane gets
  /// (x + g, k + t), (x + g + 8, k + t), (x + g, k + t + 4), (x + g + 8, k + t + 4). To ldmatrix a float is two elements
  /// of 16 bits, so 4 floats of 8 lines along K are one matrix.
  static __device__ void read_fragment(const float* panel, int x, int k, unsigned (&r)[4]) {
    const int lane = int(threadIdx.x) % 32;
    if constexpr (along_k) {
      simt::ldmatrix(r, panel + offset(x + lane % 16, k + lane / 16 * 4));
#pragma unroll
      for (unsigned& element : r) element = simt::to_tf32(from_bits<float>(element));
    } else {
#pragma unroll
      for (int i = 0; i < 4; ++i)
        r[i] = simt::to_tf32(panel[offset(k + lane % 4 + i / 2 * 4, x + lane / 4 + i % 2 * 8)]);
    }
  }
};

/// sums += the warp's rows of A's panel, from m on, times its columns of B's, from n on.
template <class Tile, class PanelA, class PanelB>
__device__ inline void multiply_fragments(const float* a, const float* b, int m, int n,
                                          float (&sums)[Tile::WM / 16][Tile::WN / 8][4]) {
#pragma unroll
  for (int k = 0; k < Tile::BK; k += 8) {
    unsigned rows[Tile::WM / 16][4], columns[Tile::WN / 16][4];
#pragma unroll
    for (int i = 0; i < Tile::WM / 16; ++i) PanelA::read_fragment(a, m + i * 16, k, rows[i]);
#pragma unroll
    for (int j = 0; j < Tile::WN / 16; ++j) PanelB::read_fragment(b, n + j * 16, k, columns[j]);
#pragma unroll
    for (int i = 0; i < Tile::WM / 16; ++i)
#pragma unroll
      for (int j = 0; j < Tile::WN / 8; ++j) {
        const unsigned eight_columns[2] = {columns[j / 2][j % 2], columns[j / 2][j % 2 + 2]};
        simt::mma_tf32_m16n8k8(sums[i][j], rows[i], eight_columns, sums[i][j]);
      }
  }
}

/// Puts the warp's sums where they belong in the tile.
template <class Tile>
__device__ inline void store_sums(const float (&sums)[Tile::WM / 16][Tile::WN / 8][4], int m, int n,
                                  float* tile) {
  const int lane = int(threadIdx.x) % 32;
#pragma unroll
  for (int i = 0; i < Tile::WM / 16; ++i)
#pragma unroll
    for (int j = 0; j < Tile::WN / 8; ++j) {
      float* to = tile + (m + i * 16 + lane / 4) * Tile::row + n + j * 8 + lane % 4 * 2;
      store(to, Packed<float, 2>{sums[i][j][0], sums[i][j][1]});
      store(to + 8 * Tile::row, Packed<float, 2>{sums[i][j][2], sums[i][j][3]});
    }
}

/// C (M,N) = sink(A (M,K) * B (K,N)), one tile of C and one slice of K a block.
template <class Tile, bool a_along_k, bool b_along_k, class A, class B, class Sink>
__global__ void __launch_bounds__(Tile::threads, 512 / Tile::threads)
    gemm_tf32(const __grid_constant__ Product<A, B, Sink> product) {
  using PanelA = TensorPanel<Tile::BM, Tile::BK, a_along_k>;
  using PanelB = TensorPanel<Tile::BN, Tile::BK, b_along_k>;
  GESSO_DYN_SHARED(float, shared);
  const auto place = product.template place<Tile>();
  const auto a = product.a.batch(place.product);
  const int steps = product.template steps<Tile>(place.k0, a_along_k ? a.length : a.lines);
  const int warp = int(threadIdx.x) / 32, m = warp / Tile::warps_n * Tile::WM,
            n = warp % Tile::warps_n * Tile::WN;
  float sums[Tile::WM / 16][Tile::WN / 8][4] = {};
  for_panels<Tile, PanelA, PanelB>(a, product.b.batch(place.product), place.m0, place.n0, place.k0, steps,
                                   shared, [&](const float* panel_a, const float* panel_b) {
                                     multiply_fragments<Tile, PanelA, PanelB>(panel_a, panel_b, m, n, sums);
                                   });
  store_sums<Tile>(sums, m, n, shared);
  __syncthreads();
  put_tile<Tile>(shared, product.c.batch(place.product * product.slices + place.slice), place.m0, place.n0,
                 product.M, product.N);
}

/// One launch: the product with this tile, in the planned slices.
template <class Tile, bool a_along_k, bool b_along_k, class A, class B, class Sink>
void run_tf32(const Extents& extents, const Plan& plan, const TileShape& tile, const A& a, const B& b,
              const Sink& c) {
  constexpr std::size_t bytes = shared_bytes<Tile, TensorPanel<Tile::BM, Tile::BK, a_along_k>,
                                             TensorPanel<Tile::BN, Tile::BK, b_along_k>, float, BatchOf<A>>();
  in_slices<float>(extents, plan, tile, c, [&](const Cut& cut, dim3 grid, const auto& sink) {
    using S = std::decay_t<decltype(sink)>;
    simt::launch(gemm_tf32<Tile, a_along_k, b_along_k, A, B, S>, grid, dim3(Tile::threads), bytes, stream(),
                 Product<A, B, S>(cut, a, b, sink));
  });
}

/// mma.sync reaches about 1024 multiply-adds a cycle on an H100's multiprocessor; `share` of them in these tiles.
template <class Tile>
constexpr TileShape tf32_shape(double share) {
  return {Tile::BM, Tile::BN, Tile::BK, double(Tile::BM * Tile::BN) * Tile::BK / (1024 * share)};
}

/// C = sink(A B) for views of which it is said whether their lines lie along K.
template <bool a_along_k, bool b_along_k, class A, class B, class Sink>
void multiply_tf32(const Extents& e, const A& a, const B& b, const Sink& c) {
  using Large = TensorTiles::Large;
  using Medium = TensorTiles::Medium;
  static constexpr TileShape tiles[] = {tf32_shape<Large>(0.8), tf32_shape<Medium>(0.5)};
  const Plan best = plan(tiles, e.batch, e.M, e.N, e.K, int(sizeof(float)));
  if (best.tile == 0) return run_tf32<Large, a_along_k, b_along_k>(e, best, tiles[0], a, b, c);
  run_tf32<Medium, a_along_k, b_along_k>(e, best, tiles[1], a, b, c);
}

}  // namespace gesso::kernels::GESSO_LEVEL
