// What a kernel under emulation calls: shared memory, barriers, and the plumbing of warp functions (warp.h) and of
// asynchronous copies (async.h). Every function that waits takes the caller's line, for the report when it waits for ever.
#pragma once

#include "kernels/simt/types.h"

#include <cstddef>
#include <cstdint>
#include <source_location>

/// GESSO_SHARED(float, tile, [32][33]): an array in the block's shared memory. The lambda's type tells declarations, and
/// instances of templates, apart.
#define GESSO_SHARED(type, name, ...) auto& name = gesso::simt::emu::shared_array<type __VA_ARGS__>([] {})
/// GESSO_DYN_SHARED(float, buffer): a pointer to the bytes of shared memory that the launch asked for, 128-byte aligned.
#define GESSO_DYN_SHARED(type, name) type* const name = static_cast<type*>(gesso::simt::emu::dynamic_shared())

namespace gesso::simt::emu {

using Where = std::source_location;

// The limits of an H100; static shared memory is bounded everywhere by 48 KiB.
inline constexpr int kMaxThreads = 1024, kMaxStaticShared = 48 * 1024, kMaxShared = 227 * 1024;

/// Ends the launch with an error that says `message` and where each thread of the block stands.
[[noreturn]] void fail(const char* message, Where where);

/// Memory for `size` bytes, the same for all threads of a block that name the same key; NaN when the block starts.
void* find_shared_array(const void* key, std::size_t size, std::size_t alignment);
void* dynamic_shared();

template <class T, class Declaration>
T& shared_array(Declaration) {
  static const char key = 0;
  return *static_cast<T*>(find_shared_array(&key, sizeof(T), alignof(T)));
}

/// Waits for all threads of the block; the number of those that came with a true predicate.
int barrier(bool predicate, const char* what, Where where);

/// The running thread's place in its warp.
int lane();

/// Waits for all lanes of the mask. The last one to arrive calls work(mask, deposits) for all of them; deposits[i] is what lane
/// i brought, null outside the mask.
using WarpWork = void (*)(unsigned mask, void* const* deposits);
void meet(const char* what, unsigned mask, void* deposit, WarpWork work, Where where);

/// meet, and what each lane of the mask did to memory is seen by the others.
void sync_warp(unsigned mask, Where where);

}  // namespace gesso::simt::emu

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  gesso::simt::emu::barrier(false, "__syncthreads", where);
}
inline int __syncthreads_count(int predicate, std::source_location where = std::source_location::current()) {
  return gesso::simt::emu::barrier(predicate, "__syncthreads_count", where);
}
inline int __syncthreads_or(int predicate, std::source_location where = std::source_location::current()) {
  return gesso::simt::emu::barrier(predicate, "__syncthreads_or", where) != 0;
}
inline int __syncthreads_and(int predicate, std::source_location where = std::source_location::current()) {
  return gesso::simt::emu::barrier(!predicate, "__syncthreads_and", where) == 0;
}
inline void __syncwarp(unsigned mask = ~0u, std::source_location where = std::source_location::current()) {
  gesso::simt::emu::sync_warp(mask, where);
}
