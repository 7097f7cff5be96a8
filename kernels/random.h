// From a block of Philox's random words to uniform and normal numbers, the same text for CPU and CUDA: four floats a
// block, or two doubles. Uniform numbers agree to the bit on all devices, normal ones to rounding.
#pragma once

#include "kernels/math.h"
#include "kernels/philox.h"

namespace gesso::kernels::GESSO_LEVEL {

/// The numbers one Philox block gives.
template <class T>
inline constexpr int kNumbersPerBlock = 16 / int(sizeof(T));

/// 24 bits as a float in [0, 1), 53 bits as a double.
GESSO_HD inline float unit(std::uint32_t word) { return float(std::int32_t(word >> 8)) * 0x1p-24f; }
GESSO_HD inline double unit(std::uint32_t high, std::uint32_t low) {
  return double(std::int32_t(high >> 5)) * 0x1p-27 + double(std::int32_t(low >> 6)) * 0x1p-53;
}

GESSO_HD inline float fused(float a, float b, float c) { return ::fmaf(a, b, c); }
GESSO_HD inline double fused(double a, double b, double c) { return ::fma(a, b, c); }
inline float before(float x, float low) { return __builtin_nextafterf(x, low); }
inline double before(double x, double low) { return __builtin_nextafter(x, low); }

/// low + (high - low) u with a single rounding, the same on every device; never `high` itself
template <class T>
class Uniform {
 public:
  Uniform(T low, T high) : low_(low), high_(high), range_(high - low), last_(before(high, low)) {}

  /// to[0..kNumbersPerBlock) from one block
  GESSO_HD inline void operator()(const PhiloxBlock& b, T* to) const {
    if constexpr (sizeof(T) == 4) {
      to[0] = place(unit(b.word[0]));
      to[1] = place(unit(b.word[1]));
      to[2] = place(unit(b.word[2]));
      to[3] = place(unit(b.word[3]));
    } else {
      to[0] = place(unit(b.word[0], b.word[1]));
      to[1] = place(unit(b.word[2], b.word[3]));
    }
  }

 private:
  GESSO_HD inline T place(T u) const {
    const T v = fused(range_, u, low_);
    return v < high_ ? v : last_;
  }
  T low_, high_, range_, last_;
};

/// Box and Muller: u in (0, 1] and a turn t in [0, 1) give the independent normal numbers r cos(2 pi t) and r sin(2 pi t),
/// r = sqrt(-2 log u).
template <class T>
struct NormalPair {
  T cosine, sine;
};
template <class T>
GESSO_HD inline NormalPair<T> box_muller(T u, T turn) {
  const T r = sqrt(-2 * log_positive(u));
  const T sum = 4 * turn + Ieee<T>::magic, quarters = sum - Ieee<T>::magic;
  const Angle<T> a{bits(sum), (4 * turn - quarters) * T(1.57079632679489661923)};
  return {r * sin_of(Angle<T>{a.quarters + 1, a.r}), r * sin_of(a)};
}

/// mean + std z for independent standard normal z
template <class T>
class Normal {
 public:
  Normal(T mean, T std) : mean_(mean), std_(std) {}

  /// to[0..kNumbersPerBlock) from one block
  GESSO_HD inline void operator()(const PhiloxBlock& b, T* to) const {
    if constexpr (sizeof(T) == 4) {
      place(box_muller(open_unit(b.word[0]), unit(b.word[1])), to);
      place(box_muller(open_unit(b.word[2]), unit(b.word[3])), to + 2);
    } else {
      place(box_muller(1 - unit(b.word[0], b.word[1]), unit(b.word[2], b.word[3])), to);
    }
  }

 private:
  /// u from 31 bits: numbers up to 6.7 occur, where 24 bits would end at 5.8
  GESSO_HD static inline T open_unit(std::uint32_t word) {
    return (T(std::int32_t(word >> 1)) + T(0.5)) * T(0x1p-31);
  }
  GESSO_HD inline void place(NormalPair<T> z, T* to) const {
    to[0] = mean_ + std_ * z.cosine;
    to[1] = mean_ + std_ * z.sine;
  }
  T mean_, std_;
};

}  // namespace gesso::kernels::GESSO_LEVEL
