// The caching allocator of the CPU: a training step after the first takes no memory from the system.
//
// Why: the first touch of a fresh 4 KiB page costs over ten times a reused one. Freed blocks are therefore kept in free
// lists by size class and handed out again, and fresh memory comes in huge pages where the system has them.
#pragma once

#include <cstddef>

namespace gesso {

/// At least `bytes` bytes aligned to 64 (a cache line, a 512-bit vector). Contents are undefined: NaN in debug builds.
/// Throws std::bad_alloc. Any thread may allocate, and release what another allocated.
void* allocate(std::size_t bytes);
/// Gives back what allocate(bytes) returned.
void release(void* block, std::size_t bytes) noexcept;

/// Bytes in blocks now in use, the most there ever were, and the bytes of fresh memory that all blocks together needed.
struct AllocatorUse {
  std::size_t in_use = 0, peak = 0, from_system = 0;
};
AllocatorUse allocator_use();

}  // namespace gesso
