// Stores that go past the caches. An ordinary store first reads the line it writes to, a third of the traffic
// of y = f(x), wasted where y is too large to be found in a cache again. Measured worth 1.2 to 1.3 times for
// sums and copies, where memory is the limit; a loss for exp, which computes, and for fill, which reads nothing.
#pragma once

#include "kernels/cpu/gemm_vector.h"
#include "kernels/cpu/level.h"

namespace gesso::kernels::GESSO_LEVEL {

/// Asks the memory for n elements from p on, which will be read or written soon in an order that no prefetcher foresees.
template <bool to_write = false, class T>
[[gnu::always_inline]] inline void ask_for(const T* p, std::int64_t n = 1) {
  constexpr int kIntoL2 = 2;
  for (std::int64_t i = 0; i < n; i += 64 / std::int64_t(sizeof(T)))
    __builtin_prefetch(p + i, to_write, kIntoL2);
}

/// Outputs from this size on go past the caches: they fill an ordinary L3 cache by themselves.
constexpr std::int64_t kStreamBytes = std::int64_t{32} << 20;

/// y = x, n a whole number of vectors and both aligned to them.
template <class T>
void stream(T* y, const T* x, std::int64_t n) {
  constexpr int L = kLanes<T>;
  for (std::int64_t i = 0; i < n; i += L) {
    const Vector<T> v = load(x + i);
#if defined(__AVX512F__)
    asm volatile("vmovntps %1, %0" : "=m"(*reinterpret_cast<Vector<T>*>(y + i)) : "v"(v));
#elif defined(__AVX2__)
    asm volatile("vmovntps %1, %0" : "=m"(*reinterpret_cast<Vector<T>*>(y + i)) : "x"(v));
#elif defined(__SSE2__)
    asm volatile("movntps %1, %0" : "=m"(*reinterpret_cast<Vector<T>*>(y + i)) : "x"(v));
#else
    store(y + i, v);
#endif
  }
}

/// y[0..n) by f(first, n, to), which writes the elements [first, first + n) to `to`: all at once to where they belong,
/// or, past the caches, tile by tile by way of a buffer that stays in L1.
template <class T, class F>
void write(std::int64_t n, T* y, bool past_caches, const F& f) {
  constexpr std::int64_t kTile = 4096 / sizeof(T);
  if (!past_caches || n < 2 * kTile) return f(std::int64_t{0}, n, y);
  alignas(64) T buffer[kTile];
  const std::int64_t off = std::int64_t(reinterpret_cast<std::uintptr_t>(y) % kVectorBytes / sizeof(T));
  std::int64_t i = off ? kLanes<T> - off : 0;
  if (i) f(std::int64_t{0}, i, y);
  for (; i + kTile <= n; i += kTile) {
    f(i, kTile, buffer);
    stream(y + i, buffer, kTile);
  }
  if (i < n) f(i, n - i, y + i);
#if defined(__SSE2__)
  asm volatile("sfence"
               :
               :
               : "memory");  // such stores are not ordered with others, a thread's end of work included
#endif
}

}  // namespace gesso::kernels::GESSO_LEVEL
