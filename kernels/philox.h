// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a random block is a
// function of a counter and a key, so that any element of any draw can be computed by itself, on any device.
#pragma once

#include "kernels/math.h"

#include <cstdint>

namespace gesso::kernels::GESSO_LEVEL {

struct PhiloxBlock {
  std::uint32_t word[4];
};

/// The rounds from `round` to the tenth on counter (c0, c1, c2, c3) under key (k0, k1). A recursion at
/// compile time, because a loop in here would keep the compiler from making vector code of the loop
/// outside. The words stand in the lower halves of 64 bits, where the products need them; what the upper
/// halves hold is masked away before each product.
template <int round = 0>
GESSO_HD inline PhiloxBlock philox_rounds(std::uint64_t c0, std::uint64_t c1, std::uint64_t c2,
                                          std::uint64_t c3, std::uint32_t k0, std::uint32_t k1) {
  if constexpr (round == 10) {
    return {{std::uint32_t(c0), std::uint32_t(c1), std::uint32_t(c2), std::uint32_t(c3)}};
  } else {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * (c0 & 0xFFFFFFFF);
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * (c2 & 0xFFFFFFFF);
    return philox_rounds<round + 1>((p1 >> 32) ^ c1 ^ k0, p1, (p0 >> 32) ^ c3 ^ k1, p0,
                                    k0 + 0x9E3779B9,   // the golden ratio
                                    k1 + 0xBB67AE85);  // sqrt 3 - 1
  }
}
GESSO_HD inline PhiloxBlock philox(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                                   std::uint32_t k0, std::uint32_t k1) {
  return philox_rounds(c0, c1, c2, c3, k0, k1);
}

/// Block number `block` of the stream `seed`: the words behind elements 4 block to 4 block + 3.
GESSO_HD inline PhiloxBlock philox(std::uint64_t seed, std::uint64_t block) {
  return philox(std::uint32_t(block), std::uint32_t(block >> 32), 0, 0, std::uint32_t(seed),
                std::uint32_t(seed >> 32));
}

}  // namespace gesso::kernels::GESSO_LEVEL
