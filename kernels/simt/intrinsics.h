// CUDA's scalar intrinsics and atomics, as far as kernels here use them. The fast approximations (__expf and its kin) are the
// exact functions: results on a device differ by what CUDA's documentation allows them.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

// ---- arithmetic -------------------------------------------------------------------------------------------------------------

using std::fma;
using std::isfinite;
using std::isinf;
using std::isnan;

inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline double __fma_rn(double a, double b, double c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __frcp_rn(float a) { return 1 / a; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dsub_rn(double a, double b) { return a - b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __ddiv_rn(double a, double b) { return a / b; }
inline double __dsqrt_rn(double a) { return std::sqrt(a); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __expf(float a) { return std::exp(a); }
inline float __logf(float a) { return std::log(a); }
inline float __log2f(float a) { return std::log2(a); }
inline float __powf(float a, float b) { return std::pow(a, b); }
inline float __sinf(float a) { return std::sin(a); }
inline float __cosf(float a) { return std::cos(a); }
inline float __saturatef(float a) { return a > 0 ? std::fmin(a, 1.0f) : 0; }
inline float rsqrtf(float a) { return 1 / std::sqrt(a); }
inline double rsqrt(double a) { return 1 / std::sqrt(a); }

// ---- min and max: of numbers and NaN, the number -----------------------------------------------------------------------------

inline float min(float a, float b) { return std::fmin(a, b); }
inline float max(float a, float b) { return std::fmax(a, b); }
inline double min(double a, double b) { return std::fmin(a, b); }
inline double max(double a, double b) { return std::fmax(a, b); }
template <class T, class U>
requires(std::is_integral_v<T>&& std::is_integral_v<U>) constexpr std::common_type_t<T, U> min(T a, U b) {
  return std::min<std::common_type_t<T, U>>(a, b);
}
template <class T, class U>
requires(std::is_integral_v<T>&& std::is_integral_v<U>) constexpr std::common_type_t<T, U> max(T a, U b) {
  return std::max<std::common_type_t<T, U>>(a, b);
}

// ---- bits -------------------------------------------------------------------------------------------------------------------

inline int __float_as_int(float a) { return std::bit_cast<int>(a); }
inline unsigned __float_as_uint(float a) { return std::bit_cast<unsigned>(a); }
inline float __int_as_float(int a) { return std::bit_cast<float>(a); }
inline float __uint_as_float(unsigned a) { return std::bit_cast<float>(a); }
inline long long __double_as_longlong(double a) { return std::bit_cast<long long>(a); }
inline double __longlong_as_double(long long a) { return std::bit_cast<double>(a); }
inline int __popc(unsigned a) { return std::popcount(a); }
inline int __popcll(unsigned long long a) { return std::popcount(a); }
inline int __clz(int a) { return std::countl_zero(unsigned(a)); }
inline int __clzll(long long a) { return std::countl_zero(static_cast<unsigned long long>(a)); }
inline int __ffs(int a) { return a ? std::countr_zero(unsigned(a)) + 1 : 0; }
inline int __ffsll(long long a) { return a ? std::countr_zero(static_cast<unsigned long long>(a)) + 1 : 0; }
inline unsigned __brev(unsigned a) {
  unsigned reversed = 0;
  for (int i = 0; i < 32; ++i) reversed |= (a >> i & 1) << (31 - i);
  return reversed;
}
inline unsigned __umulhi(unsigned a, unsigned b) { return unsigned(std::uint64_t{a} * b >> 32); }
inline int __mulhi(int a, int b) { return int(std::int64_t{a} * b >> 32); }
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>(Wide{a} * b >> 64);
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  return unsigned((std::uint64_t{high} << 32 | low) << (shift & 31) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  return unsigned((std::uint64_t{high} << 32 | low) >> (shift & 31));
}

// ---- memory -----------------------------------------------------------------------------------------------------------------

template <class T>
T __ldg(const T* p) {
  return *p;
}
template <class T>
T __ldcs(const T* p) {
  return *p;
}
template <class T>
void __stcs(T* p, T value) {
  *p = value;
}

namespace gesso::simt {
#ifdef GESSO_TRACE
/// What so many bytes are moved as.
template <std::size_t bytes>
struct Word;
template <>
struct Word<1> {
  using Bits [[gnu::may_alias]] = std::uint8_t;
};
template <>
struct Word<2> {
  using Bits [[gnu::may_alias]] = std::uint16_t;
};
template <>
struct Word<4> {
  using Bits [[gnu::may_alias]] = std::uint32_t;
};
template <>
struct Word<8> {
  using Bits [[gnu::may_alias]] = std::uint64_t;
};
template <>
struct Word<16> {
  using Bits [[gnu::vector_size(16), gnu::may_alias]] = std::uint64_t;
};

/// *p in one access, as on the device: compilers tend to copy the members of a struct one by one. Only where accesses are
/// counted: from -O2 on, g++ 12 was seen to make an aligned load also of what may only be read element by element.
template <class P>
__forceinline__ P load_whole(const P* p) {
  return __builtin_bit_cast(P, *reinterpret_cast<const typename Word<sizeof(P)>::Bits*>(p));
}
template <class P>
__forceinline__ void store_whole(P* p, const P& value) {
  using Bits = typename Word<sizeof(P)>::Bits;
  *reinterpret_cast<Bits*>(p) = __builtin_bit_cast(Bits, value);
}
#else
template <class P>
__forceinline__ P load_whole(const P* p) {
  return *p;
}
template <class P>
__forceinline__ void store_whole(P* p, const P& value) {
  *p = value;
}
#endif
}  // namespace gesso::simt

// Blocks run on several threads of the operating system only where no sanitizer watches them.
inline void __threadfence() { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

// Atomics order nothing but themselves, as on the device. Those of float are missing on purpose: sums in the order in which
// threads happen to come are not deterministic.
namespace gesso::simt::emu {
template <class T>
concept AtomicWord =
    std::is_same_v<T, int> || std::is_same_v<T, unsigned> || std::is_same_v<T, unsigned long long>;

/// *p = f(*p); what was there before.
template <AtomicWord T, class F>
T atomic_update(T* p, const F& f) {
  T old = __atomic_load_n(p, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(p, &old, f(old), true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
  }
  return old;
}
}  // namespace gesso::simt::emu

template <gesso::simt::emu::AtomicWord T>
T atomicAdd(T* p, std::type_identity_t<T> value) {
  return __atomic_fetch_add(p, value, __ATOMIC_RELAXED);
}
template <gesso::simt::emu::AtomicWord T>
T atomicOr(T* p, std::type_identity_t<T> value) {
  return __atomic_fetch_or(p, value, __ATOMIC_RELAXED);
}
template <gesso::simt::emu::AtomicWord T>
T atomicExch(T* p, std::type_identity_t<T> value) {
  return __atomic_exchange_n(p, value, __ATOMIC_RELAXED);
}
template <gesso::simt::emu::AtomicWord T>
T atomicMax(T* p, std::type_identity_t<T> value) {
  return gesso::simt::emu::atomic_update(p, [&](T old) { return std::max(old, value); });
}
template <gesso::simt::emu::AtomicWord T>
T atomicMin(T* p, std::type_identity_t<T> value) {
  return gesso::simt::emu::atomic_update(p, [&](T old) { return std::min(old, value); });
}
template <gesso::simt::emu::AtomicWord T>
T atomicCAS(T* p, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  __atomic_compare_exchange_n(p, &expected, value, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
  return expected;
}
