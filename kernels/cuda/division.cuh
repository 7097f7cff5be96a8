// Divisions of indices, which a GPU has no instruction for.
#pragma once

#include "kernels/math.h"
#include "kernels/simt/simt.h"

#include <cstdint>

namespace gesso::kernels::GESSO_LEVEL {

/// n / d for n < 2^31, 1 <= d <= 2^31 by a multiplication: with 2^s the power of two not below d, the quotient is
/// (n + floor(n m / 2^32)) >> s, m = floor(2^32 (2^s - d) / d) + 1 (Granlund and Montgomery 1994).
class FastDivision {
 public:
  FastDivision() = default;
  explicit FastDivision(std::uint32_t d) : divisor(d) {
    while ((std::uint64_t{1} << shift_) < d) ++shift_;
    multiplier_ = std::uint32_t((((std::uint64_t{1} << shift_) - d) << 32) / d + 1);
  }
  GESSO_HD std::uint32_t operator()(std::uint32_t n) const {
    return (std::uint32_t(std::uint64_t(n) * multiplier_ >> 32) + n) >> shift_;
  }
  std::uint32_t divisor = 1;

 private:
  std::uint32_t multiplier_ = 1;
  int shift_ = 0;
};

/// a / b and the rest, for non-negative numbers; in 32 bits where these suffice, which is five times as fast.
struct Quotient {
  std::int64_t quotient, rest;
};
__device__ inline Quotient divide(std::int64_t a, std::int64_t b) {
  if ((a | b) >> 32 == 0) {
    const std::uint32_t q = std::uint32_t(a) / std::uint32_t(b);
    return {q, std::uint32_t(a) - q * std::uint32_t(b)};
  }
  return {a / b, a % b};
}

/// Which element of (N, P, Q, C), counted in units of channels, number i is.
struct PixelPlace {
  std::int64_t n, p, q, c;
  __device__ PixelPlace(std::int64_t i, std::int64_t P, std::int64_t Q, std::int64_t C) {
    const Quotient pixel = divide(i, C), row = divide(pixel.quotient, Q), image = divide(row.quotient, P);
    n = image.quotient, p = image.rest, q = row.rest, c = pixel.rest;
  }
};

}  // namespace gesso::kernels::GESSO_LEVEL
