// Uniform and normal numbers from Philox: element i of a draw depends on (seed, offset + i) alone, however the draw is cut.
#include "kernels/random.h"

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr int kBlocks =
    64;  // Philox blocks made together, in vectors; their counters start at a multiple of it
template <class T>
constexpr int kTile = kBlocks * 16 / int(sizeof(T));  // and the numbers they give

/// y[i] for the elements [offset, offset + n): tile(first, to) writes a tile whose first element is a multiple of kTile.
template <class T, class Tile>
void draw(RandomState r, std::int64_t n, T* y, const Tile& tile) {
  constexpr std::int64_t kGrain = 4096;
  parallel_blocks(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const std::uint64_t at = r.offset + std::uint64_t(begin);
      const std::int64_t skip = std::int64_t(at % kTile<T>);
      const std::int64_t count = end - begin < kTile<T> - skip ? end - begin : kTile<T> - skip;
      if (count == kTile<T>) {
        tile(at, y + begin);
      } else {
        T whole[kTile<T>];
        tile(at - std::uint64_t(skip), whole);
        for (std::int64_t i = 0; i < count; ++i) y[begin + i] = whole[skip + i];
      }
      begin += count;
    }
  });
}

/// f(i, words) for the kBlocks blocks of the tile at element `first`, 4 or 2 elements a block.
template <class T, class F>
[[gnu::always_inline]] inline void for_blocks(std::uint64_t seed, std::uint64_t first, const F& f) {
  const std::uint64_t block = first / kNumbersPerBlock<T>;
  const std::uint32_t low = std::uint32_t(block), high = std::uint32_t(block >> 32);
  const std::uint32_t key0 = std::uint32_t(seed), key1 = std::uint32_t(seed >> 32);
#pragma GCC ivdep  // not omp simd, which would keep the blocks' words in memory
  for (int i = 0; i < kBlocks; ++i) f(i, philox(low + std::uint32_t(i), high, 0, 0, key0, key1));
}

template <class T>
void uniform(RandomState r, T low, T high, std::int64_t n, T* y) {
  const Uniform<T> numbers(low, high);
  draw(r, n, y, [&](std::uint64_t first, T* to) {
    for_blocks<T>(r.seed, first,
                  [&](int i, const PhiloxBlock& b) { numbers(b, to + i * kNumbersPerBlock<T>); });
  });
}

template <class T>
void normal(RandomState r, T mean, T std, std::int64_t n, T* y) {
  const Normal<T> numbers(mean, std);
  draw(r, n, y, [&](std::uint64_t first, T* to) {
    for_blocks<T>(r.seed, first,
                  [&](int i, const PhiloxBlock& b) { numbers(b, to + i * kNumbersPerBlock<T>); });
  });
}

}  // namespace

template <class T>
void install_random(Kernels<T>& k) {
  k.uniform = uniform<T>;
  k.normal = normal<T>;
}
template void install_random(Kernels<float>&);
template void install_random(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
