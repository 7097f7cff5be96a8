// How kernels get their threads and read their memory: one thread for each piece of work, 16 bytes at a time.
#pragma once

#include "kernels/cuda/table.h"
#include "kernels/math.h"

#include <cstdint>

namespace gesso::kernels::GESSO_LEVEL {

/// Threads of a block in kernels whose threads know nothing of each other: eight such blocks fill a multiprocessor.
inline constexpr int kThreads = 256;

GESSO_HD constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The number of this thread among all threads of the launch.
__device__ inline std::int64_t thread_number() { return std::int64_t(blockIdx.x) * blockDim.x + threadIdx.x; }

/// kernel(args...) with at least n threads, in blocks of `block`; nothing where n is 0.
template <class... P, class... A>
void launch_threads(void (*kernel)(P...), std::int64_t n, int block, const A&... args) {
  if (n > 0)
    simt::launch(kernel, dim3(unsigned(ceil_div(n, block))), dim3(unsigned(block)), 0, stream(), args...);
}

/// V elements that are read and written by one instruction.
template <class T, int V>
struct alignas(V * sizeof(T)) Packed {
  T at[V];
};
/// The most elements of a type that one instruction moves.
template <class T>
inline constexpr int kPack = 16 / int(sizeof(T));

template <int V, class T>
__device__ inline Packed<T, V> load(const T* x) {
  return simt::load_whole(reinterpret_cast<const Packed<T, V>*>(x));
}
template <int V, class T>
__device__ inline void store(T* y, const Packed<T, V>& p) {
  simt::store_whole(reinterpret_cast<Packed<T, V>*>(y), p);
}

/// Whether packs of V elements can be read from p on.
template <int V, class T>
GESSO_HD inline bool aligned(const T* p) {
  return reinterpret_cast<std::uintptr_t>(p) % (V * sizeof(T)) == 0;
}

}  // namespace gesso::kernels::GESSO_LEVEL
