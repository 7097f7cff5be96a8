// Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"): a random block is a
// function of a counter and a key, so that any element of any draw can be computed by itself, on any device.
#pragma once

#include "kernels/math.h"

#include <cstdint>

namespace gesso::kernels::GESSO_LEVEL {

struct PhiloxBlock {
  std::uint32_t word[4];
};

/// Ten rounds of Philox on counter (c0, c1, c2, c3) under key (k0, k1).
GESSO_HD inline PhiloxBlock philox(std::uint32_t c0, std::uint32_t c1, std::uint32_t c2, std::uint32_t c3,
                                   std::uint32_t k0, std::uint32_t k1) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c2;
    c0 = std::uint32_t(p1 >> 32) ^ c1 ^ k0;
    c1 = std::uint32_t(p1);
    c2 = std::uint32_t(p0 >> 32) ^ c3 ^ k1;
    c3 = std::uint32_t(p0);
    k0 += 0x9E3779B9;  // the golden ratio
    k1 += 0xBB67AE85;  // sqrt 3 - 1
  }
  return {{c0, c1, c2, c3}};
}

/// Block number `block` of the stream `seed`: the words behind elements 4 block to 4 block + 3.
GESSO_HD inline PhiloxBlock philox(std::uint64_t seed, std::uint64_t block) {
  return philox(std::uint32_t(block), std::uint32_t(block >> 32), 0, 0, std::uint32_t(seed),
                std::uint32_t(seed >> 32));
}

}  // namespace gesso::kernels::GESSO_LEVEL
