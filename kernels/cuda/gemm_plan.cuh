// Which tile a matrix product takes, and in how many slices its K is cut.
//
// Few tiles leave most of a GPU idle; smaller tiles and slices of K make more blocks, but smaller tiles read shared memory
// more often, and slices cost a second kernel that adds them up. The choice depends on the shape alone and never on the GPU
// at hand, because slices decide the order of sums: the same product has the same bits everywhere.
#pragma once

#include "kernels/cuda/launch.cuh"

namespace gesso::kernels::GESSO_LEVEL {

/// What the choice needs to know of a tile.
struct TileShape {
  int BM, BN, BK;
  double cycles;  // of one step of BK, were the block alone on its multiprocessor and K endless
};

struct Plan {
  int tile = 0, slices = 1, slice = 0;  // number of the tile; slices of K, and elements of K in each
};

inline constexpr int kMultiprocessors = 132;  // of an H100; others are near enough, or fill up all the sooner
/// Cycles, as estimates: a step of a block cannot be shorter (a barrier and the latency of shared memory); a kernel fills its
/// pipeline and writes its tile; the kernel that joins slices starts, and moves this many bytes a cycle through L2.
inline constexpr double kShortestStep = 250, kStartAndEnd = 2500, kJoinStart = 3500, kJoinBytes = 2000;
inline constexpr int kMostSlices = 32;

/// Estimated cycles of a product with these tiles and slices.
inline double estimate(const TileShape& tile, std::int64_t batch, std::int64_t M, std::int64_t N,
                       std::int64_t K, int slices, int element_bytes) {
  const double blocks = double(batch * ceil_div(M, tile.BM) * ceil_div(N, tile.BN) * slices);
  const double steps = double(ceil_div(ceil_div(K, tile.BK), slices));
  const double waves = double(std::int64_t(blocks + kMultiprocessors - 1) / kMultiprocessors);
  const double step = waves * tile.cycles > kShortestStep ? waves * tile.cycles : kShortestStep;
  const double moved = slices > 1 ? 2.0 * double(batch) * double(M) * double(N) * slices * element_bytes : 0;
  return steps * step + kStartAndEnd + (slices > 1 ? kJoinStart : 0) + moved / kJoinBytes;
}

template <int count>
Plan plan(const TileShape (&tiles)[count], std::int64_t batch, std::int64_t M, std::int64_t N, std::int64_t K,
          int element_bytes) {
  Plan best;
  double least = 0;
  for (int t = 0; t < count; ++t)
    for (int slices = 1; slices <= kMostSlices && (slices == 1 || ceil_div(K, tiles[t].BK) >= 2 * slices);
         slices *= 2) {
      const double cycles = estimate(tiles[t], batch, M, N, K, slices, element_bytes);
      if (best.slice > 0 && cycles >= least) continue;
      const std::int64_t slice = (K > 0 ? ceil_div(ceil_div(K, tiles[t].BK), slices) : 1) * tiles[t].BK;
      least = cycles;
      best = {t, K > 0 ? int(ceil_div(K, slice)) : 1, int(slice)};
    }
  return best;
}

}  // namespace gesso::kernels::GESSO_LEVEL
