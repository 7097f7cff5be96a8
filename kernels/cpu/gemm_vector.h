// Vectors of the level's width, in the vector extensions of GCC and Clang, and the transposition of a square
// of them.
#pragma once

#include "kernels/cpu/level.h"

#include <utility>

namespace gesso::kernels::GESSO_LEVEL {

#if defined(__AVX512F__)
inline constexpr int kVectorBytes = 64;
#elif defined(__AVX2__)
inline constexpr int kVectorBytes = 32;
#else
inline constexpr int kVectorBytes = 16;
#endif

template <class T>
struct VectorOf {
  typedef T aligned __attribute__((vector_size(kVectorBytes)));
  typedef T anywhere __attribute__((vector_size(kVectorBytes), aligned(alignof(T)), may_alias));
};
template <class T>
using Vector = typename VectorOf<T>::aligned;
template <class T>
inline constexpr int kLanes = kVectorBytes / int(sizeof(T));

template <class T>
[[gnu::always_inline]] inline Vector<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T>::anywhere*>(p);
}
template <class T>
[[gnu::always_inline]] inline void store(T* p, Vector<T> v) {
  *reinterpret_cast<typename VectorOf<T>::anywhere*>(p) = v;
}

/// Lane l of the result is lane index(l) + offset of x and y side by side.
template <auto index, int offset, class V, int... l>
[[gnu::always_inline]] inline V shuffle(V x, V y, std::integer_sequence<int, l...>) {
  return __builtin_shufflevector(x, y, (index(l) + offset)...);
}
template <class T, auto index, int offset>
[[gnu::always_inline]] inline void shuffle_both(Vector<T>& x, Vector<T>& y) {
  constexpr auto lanes = std::make_integer_sequence<int, kLanes<T>>{};
  const Vector<T> first = shuffle<index, 0>(x, y, lanes);
  y = shuffle<index, offset>(x, y, lanes);
  x = first;
}

/// x and y become the first and the second halves of their 16-byte blocks, taken alternately in units of
/// `unit` lanes. Every x86 vector unit does this in one instruction.
template <int unit, class T>
[[gnu::always_inline]] inline void interleave(Vector<T>& x, Vector<T>& y) {
  constexpr int block = 16 / int(sizeof(T));
  constexpr auto low = [](int l) {
    return l / block * block + l % block / (2 * unit) * unit + l % unit + l / unit % 2 * kLanes<T>;
  };
  shuffle_both<T, low, block / 2>(x, y);
}

/// x and y become the even and the odd units of `unit` lanes of x and y side by side.
template <int unit, class T>
[[gnu::always_inline]] inline void deal(Vector<T>& x, Vector<T>& y) {
  constexpr auto even = [](int l) { return l / unit * 2 * unit + l % unit; };
  shuffle_both<T, even, unit>(x, y);
}

constexpr int reverse_bits(int x, int size) {
  return size <= 1 ? 0 : x % 2 * (size / 2) + reverse_bits(x / 2, size / 2);
}

/// Transposes x, a square of lanes: afterwards column c is x[column<T>(c)]. First within blocks of 16 bytes,
/// then the blocks; each stage pairs vectors a distance apart, which leaves the columns in bit-reversed
/// order.
template <class T>
[[gnu::always_inline]] inline void transpose(Vector<T> (&x)[kLanes<T>]) {
  constexpr int L = kLanes<T>, block = 16 / int(sizeof(T));
#pragma GCC unroll 16
  for (int i = 0; i < L; i += 2) interleave<1, T>(x[i], x[i + 1]);
  if constexpr (block == 4) {
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i)
      if (i % 4 < 2) interleave<2, T>(x[i], x[i + 2]);
  }
  if constexpr (L > block) {
#pragma GCC unroll 16
    for (int i = 0; i < L; ++i)
      if (i / block % 2 == 0) deal<L / 2, T>(x[i], x[i + block]);
  }
  if constexpr (L == 4 * block) {
#pragma GCC unroll 16
    for (int i = 0; i < L / 2; ++i) deal<L / 4, T>(x[i], x[i + 2 * block]);
  }
}
template <class T>
constexpr int column(int c) {
  constexpr int block = 16 / int(sizeof(T));
  return reverse_bits(c / block, kLanes<T> / block) * block + reverse_bits(c % block, block);
}

}  // namespace gesso::kernels::GESSO_LEVEL
