// Random numbers for data that are made rather than loaded: those of element i are a function of (seed, i) alone.
#pragma once

#include "kernels/philox.h"

#include <array>

namespace gesso::nn {

/// Four numbers in [0,1): number `block` of the element's. `mark` tells the sets apart, and all of them from the draws of a
/// Generator, which have 0 in its place.
inline std::array<double, 4> element_uniforms(std::uint32_t mark, std::uint64_t seed, std::int64_t i,
                                              std::uint32_t block) {
  const kernels::portable::PhiloxBlock b = kernels::portable::philox(
      static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), block, mark,
      static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
  return {b.word[0] * 0x1p-32, b.word[1] * 0x1p-32, b.word[2] * 0x1p-32, b.word[3] * 0x1p-32};
}

/// Where the elements of the test set begin, so that no seed's splits have one in common.
inline constexpr std::int64_t kFirstOfTest = std::int64_t{1} << 40;

}  // namespace gesso::nn
