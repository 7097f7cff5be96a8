// Threads for kernels: fixed blocks, so that what is summed together never depends on how many threads there are.
#pragma once

#include <cstdint>

#include "kernels/cpu/level.h"

namespace gesso::kernels::GESSO_LEVEL {

/// Calls f(begin, end) for the blocks [0, block), [block, 2 block), .. of [0, n); on several threads when there are several.
/// Blocks should be worth at least a few microseconds: a fork and join costs about one.
template <class F>
void parallel_blocks(std::int64_t n, std::int64_t block, const F& f) {
  const std::int64_t blocks = (n + block - 1) / block;
  if (blocks <= 1) {
    if (n > 0) f(std::int64_t{0}, n);
    return;
  }
#pragma omp parallel for schedule(static)
  for (std::int64_t i = 0; i < blocks; ++i) {
    const std::int64_t begin = i * block;
    f(begin, begin + block < n ? begin + block : n);
  }
}

}  // namespace gesso::kernels::GESSO_LEVEL
