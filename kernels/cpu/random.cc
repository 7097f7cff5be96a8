// Uniform and normal numbers from Philox: element i of a draw depends on (seed, offset + i) alone, however the draw is cut.
// A Philox block has four words: four floats, or two doubles.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/math.h"
#include "kernels/philox.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr int kBlocks =
    64;  // Philox blocks made together, in vectors; their counters start at a multiple of it
template <class T>
constexpr int kTile = kBlocks * 16 / int(sizeof(T));  // and the numbers they give

/// 24 bits as a float in [0, 1), 53 bits as a double.
inline float unit(std::uint32_t word) { return float(std::int32_t(word >> 8)) * 0x1p-24f; }
inline double unit(std::uint32_t high, std::uint32_t low) {
  return double(std::int32_t(high >> 5)) * 0x1p-27 + double(std::int32_t(low >> 6)) * 0x1p-53;
}

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
  const std::uint64_t block = first / (16 / sizeof(T));
  const std::uint32_t low = std::uint32_t(block), high = std::uint32_t(block >> 32);
  const std::uint32_t key0 = std::uint32_t(seed), key1 = std::uint32_t(seed >> 32);
#pragma GCC ivdep  // not omp simd, which would keep the blocks' words in memory
  for (int i = 0; i < kBlocks; ++i) f(i, philox(low + std::uint32_t(i), high, 0, 0, key0, key1));
}

inline float fused(float a, float b, float c) { return __builtin_fmaf(a, b, c); }
inline double fused(double a, double b, double c) { return __builtin_fma(a, b, c); }
inline float before(float x, float low) { return __builtin_nextafterf(x, low); }
inline double before(double x, double low) { return __builtin_nextafter(x, low); }

/// low + (high - low) u with a single rounding, the same on every device; never `high` itself
template <class T>
void uniform(RandomState r, T low, T high, std::int64_t n, T* y) {
  const T range = high - low, last = before(high, low);
  const auto place = [=](T u) {
    const T v = fused(range, u, low);
    return v < high ? v : last;
  };
  draw(r, n, y, [&](std::uint64_t first, T* to) {
    for_blocks<T>(r.seed, first, [&](int i, const PhiloxBlock& b) {
      if constexpr (sizeof(T) == 4) {
        to[4 * i] = place(unit(b.word[0]));
        to[4 * i + 1] = place(unit(b.word[1]));
        to[4 * i + 2] = place(unit(b.word[2]));
        to[4 * i + 3] = place(unit(b.word[3]));
      } else {
        to[2 * i] = place(unit(b.word[0], b.word[1]));
        to[2 * i + 1] = place(unit(b.word[2], b.word[3]));
      }
    });
  });
}

/// Box and Muller: u in (0, 1] and a turn t in [0, 1) give the independent normal numbers r cos(2 pi t) and r sin(2 pi t),
/// r = sqrt(-2 log u).
template <class T>
struct NormalPair {
  T cosine, sine;
};
template <class T>
[[gnu::always_inline]] inline NormalPair<T> box_muller(T u, T turn) {
  const T r = sqrt(-2 * log_positive(u));
  const T sum = 4 * turn + Ieee<T>::magic, quarters = sum - Ieee<T>::magic;
  const Angle<T> a{bits(sum), (4 * turn - quarters) * T(1.57079632679489661923)};
  return {r * sin_of(Angle<T>{a.quarters + 1, a.r}), r * sin_of(a)};
}

template <class T>
void normal(RandomState r, T mean, T std, std::int64_t n, T* y) {
  draw(r, n, y, [&](std::uint64_t first, T* to) {
    for_blocks<T>(r.seed, first, [&](int i, const PhiloxBlock& b) {
      if constexpr (sizeof(T) ==
                    4) {  // u from 31 bits: numbers up to 6.7 occur, where 24 bits would end at 5.8
        const auto u = [](std::uint32_t word) { return (T(std::int32_t(word >> 1)) + T(0.5)) * T(0x1p-31); };
        const NormalPair<T> z = box_muller(u(b.word[0]), unit(b.word[1])),
                            z2 = box_muller(u(b.word[2]), unit(b.word[3]));
        to[4 * i] = mean + std * z.cosine;
        to[4 * i + 1] = mean + std * z.sine;
        to[4 * i + 2] = mean + std * z2.cosine;
        to[4 * i + 3] = mean + std * z2.sine;
      } else {
        const NormalPair<T> z = box_muller(1 - unit(b.word[0], b.word[1]), unit(b.word[2], b.word[3]));
        to[2 * i] = mean + std * z.cosine;
        to[2 * i + 1] = mean + std * z.sine;
      }
    });
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
