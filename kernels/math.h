// exp, log and their kin as branch-free scalar functions of float and double: a loop over one of them becomes vector code on
// the CPU, and a CUDA kernel calls the very same text, so both devices compute the same function.
//
// Each takes the argument apart by its bits (range reduction), evaluates a polynomial on the small rest, and puts the
// result together. The polynomials are minimax fits (Remez, coefficients rounded one after the other with a refit of those
// left); beside each stands the largest error of the fit, relative to the function. Every function stays within 4 units in
// the last place over its whole range, zeros, infinities, NaN and denormal numbers included.
#pragma once

#include "kernels/cpu/level.h"

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define GESSO_HD __host__ __device__
#else
#define GESSO_HD
#endif

namespace gesso::kernels::GESSO_LEVEL {

/// The layout of an IEEE number. Adding `magic` = 1.5 * 2^mantissa to a small number rounds it to an integer, and leaves
/// that integer in the low bits of the sum.
template <class T>
struct Ieee;
template <>
struct Ieee<float> {
  using Word = std::uint32_t;
  static constexpr int mantissa = 23, bias = 127;
  static constexpr float magic = 0x1.8p23f, two_mantissa = 0x1p23f, smallest_normal = 0x1p-126f;
  static constexpr Word sign = 0x80000000, sqrt_half = 0x3f3504f3, one = 0x3f800000;
};
template <>
struct Ieee<double> {
  using Word = std::uint64_t;
  static constexpr int mantissa = 52, bias = 1023;
  static constexpr double magic = 0x1.8p52, two_mantissa = 0x1p52, smallest_normal = 0x1p-1022;
  static constexpr Word sign = 0x8000000000000000, sqrt_half = 0x3fe6a09e667f3bcd, one = 0x3ff0000000000000;
};
template <class T>
using Word = typename Ieee<T>::Word;

template <class T>
GESSO_HD inline Word<T> bits(T x) {
  return __builtin_bit_cast(Word<T>, x);
}
template <class T>
GESSO_HD inline T from_bits(Word<T> w) {
  return __builtin_bit_cast(T, w);
}
template <class T>
GESSO_HD inline T abs(T x) {
  return from_bits<T>(bits(x) & ~Ieee<T>::sign);
}
/// |magnitude| with the sign of x; the magnitude is not negative.
template <class T>
GESSO_HD inline T with_sign(T magnitude, T x) {
  return from_bits<T>(bits(magnitude) | (bits(x) & Ieee<T>::sign));
}
GESSO_HD inline float sqrt(float x) { return ::sqrtf(x); }
GESSO_HD inline double sqrt(double x) { return ::sqrt(x); }

/// c0 + c1 x + c2 x^2 + ..
template <class T>
GESSO_HD inline T poly(T, T c0) {
  return c0;
}
template <class T, class... C>
GESSO_HD inline T poly(T x, T c0, C... rest) {
  return c0 + x * poly(x, rest...);
}

// ---- exponentials -----------------------------------------------------------------------------------------------------

/// exp(r) - 1 for |r| <= ln 2, to 2^-24.3 and 2^-59.2.
template <class T>
GESSO_HD inline T expm1_small(T r) {
  T q;
  if constexpr (sizeof(T) == 4) {
    q = poly(r, 0.5f, 0x1.555536p-3f, 0x1.554f2ap-5f, 0x1.111c90p-7f, 0x1.70c052p-10f, 0x1.9eb546p-13f);
  } else {
    q = poly(r, 0.5, 0x1.5555555555552p-3, 0x1.5555555555551p-5, 0x1.11111111118dep-7, 0x1.6c16c16c17684p-10,
             0x1.a01a019e8b013p-13, 0x1.a01a019f436a6p-16, 0x1.71de3cafc624bp-19, 0x1.27e4fc014cf80p-22,
             0x1.ae60b163a5410p-26, 0x1.1eecd5eaa66b7p-29, 0x1.63f0961408fdfp-33, 0x1.955733e2acdb0p-37);
  }
  return r + (r * r) * q;
}

/// x = n ln 2 + r with n even, and s = 2^(n/2): s * s * y reaches both ends of the range, overflow and denormal results
/// included, where 2^n alone would not be a number. The price is |r| <= ln 2 instead of half of it: one more coefficient.
template <class T>
struct ExpParts {
  T r, s;
};
template <class T>
GESSO_HD inline ExpParts<T> exp_parts(T x) {
  const T half_log2e = T(0.72134752044448170368);
  // 2 ln 2 in two parts; the first has so few bits that its product with n/2 is exact
  const T ln4_high = sizeof(T) == 4 ? T(0x1.63p0) : T(0x1.62e42feep0);
  const T ln4_low = sizeof(T) == 4 ? T(-0x1.bd0105c610ca8p-12) : T(0x1.a39ef35793c76p-32);
  const T sum = x * half_log2e + Ieee<T>::magic;
  const T half = sum - Ieee<T>::magic;  // n/2
  return {(x - half * ln4_high) - half * ln4_low,
          from_bits<T>((bits(sum) + Word<T>(Ieee<T>::bias)) << Ieee<T>::mantissa)};
}

/// exp(x)
template <class T>
GESSO_HD inline T exp(T x) {
  // beyond these the result is 0 and infinity whatever x is; NaN passes
  const T low = sizeof(T) == 4 ? T(-104) : T(-746), high = sizeof(T) == 4 ? T(89) : T(710);
  x = low > x ? low : x;
  x = high < x ? high : x;
  const ExpParts<T> p = exp_parts(x);
  return ((1 + expm1_small(p.r)) * p.s) * p.s;
}

/// exp(x) - 1 for x <= 0 (all that tanh and elu need; s * s cannot overflow)
template <class T>
GESSO_HD inline T expm1_negative(T x) {
  const T low = sizeof(T) == 4 ? T(-104) : T(-746);
  const ExpParts<T> p = exp_parts(low > x ? low : x);
  const T power = p.s * p.s;
  return power * expm1_small(p.r) + (power - 1);
}

/// 1 / (1 + exp(-x)), from exp(-|x|) so that neither side loses digits
template <class T>
GESSO_HD inline T sigmoid(T x) {
  const T e = exp(-abs(x));
  return (x < 0 ? e : T(1)) / (1 + e);
}

/// tanh |x| = (1 - exp(-2|x|)) / (1 + exp(-2|x|))
template <class T>
GESSO_HD inline T tanh(T x) {
  const T e = expm1_negative(-2 * abs(x));
  return with_sign(abs(e) / (2 + e), x);
}

// ---- logarithms -------------------------------------------------------------------------------------------------------

/// e ln 2 + log(1 + f) for sqrt(1/2) <= 1 + f <= sqrt(2), to 2^-27.2 and 2^-59.4.
template <class T>
GESSO_HD inline T log_of(T e, T f) {
  const T ln2_high = sizeof(T) == 4 ? T(0x1.63p-1) : T(0x1.62e42feep-1);
  const T ln2_low = sizeof(T) == 4 ? T(-0x1.bd0105c610ca8p-13) : T(0x1.a39ef35793c76p-33);
  const T half_square = T(0.5) * f * f;
  if constexpr (sizeof(T) == 4) {  // f - f^2/2 + f^3 p(f)
    const T p = poly(f, 0x1.555554p-2f, -0x1.00022ap-2f, 0x1.99a03cp-3f, -0x1.547180p-3f, 0x1.22d46cp-3f,
                     -0x1.0d8520p-3f, 0x1.0589f4p-3f, -0x1.394280p-4f);
    return ((f * f) * (f * p) + e * ln2_low - half_square) + f + e * ln2_high;
  } else {  // 2 s + s^3 R(s^2) with s = f / (2 + f), written as f - (f^2/2 - s (f^2/2 + s^2 R)): a division, but half the terms
    const T s = f / (2 + f), z = s * s;
    const T zr =
        z * poly(z, 0x1.5555555555593p-1, 0x1.999999997f970p-2, 0x1.24924942368f0p-2, 0x1.c71c51caf4ba7p-3,
                 0x1.74664ccc80b19p-3, 0x1.39a03ab9ff35ap-3, 0x1.2f15700368186p-3);
    return e * ln2_high - ((half_square - (s * (half_square + zr) + e * ln2_low)) - f);
  }
}

/// For a normal x > 0 the exponent e of x = 2^e m, sqrt(1/2) <= m < sqrt(2): its biased form in the upper bits, the rest of
/// the mantissa (counted from sqrt(1/2)) in the lower.
template <class T>
GESSO_HD inline Word<T> log_bits(T x) {
  return bits(x) + (Ieee<T>::one - Ieee<T>::sqrt_half);
}
template <class T>
GESSO_HD inline T log_mantissa(Word<T> w) {
  return from_bits<T>((w & ((Word<T>(1) << Ieee<T>::mantissa) - 1)) + Ieee<T>::sqrt_half);
}
/// The exponent of log_bits as a number, plus 2^mantissa + bias (to be subtracted by the caller).
template <class T>
GESSO_HD inline T log_exponent(Word<T> w) {
  return from_bits<T>((w >> Ieee<T>::mantissa) | bits(Ieee<T>::two_mantissa));
}

/// log(x) for a normal x > 0
template <class T>
GESSO_HD inline T log_positive(T x) {
  const Word<T> w = log_bits(x);
  return log_of(log_exponent<T>(w) - (Ieee<T>::two_mantissa + Ieee<T>::bias), log_mantissa<T>(w) - 1);
}
/// log(x); -inf at 0, NaN below
template <class T>
GESSO_HD inline T log(T x) {
  const bool denormal = x < Ieee<T>::smallest_normal;
  const Word<T> w = log_bits(denormal ? x * (2 * Ieee<T>::two_mantissa) : x);
  const T bias = Ieee<T>::two_mantissa + Ieee<T>::bias;
  const T e = log_exponent<T>(w) - (denormal ? bias + (Ieee<T>::mantissa + 1) : bias);
  const T y = log_of(e, log_mantissa<T>(w) - 1);
  const T special = x == 0 ? -T(INFINITY) : x < 0 ? T(NAN) : x;  // x itself: +inf and NaN
  return (x > 0) & (x < T(INFINITY)) ? y : special;
}

/// log(1 + x) = e ln 2 + log(1 + f), 1 + x = 2^e (1 + f), with f = x 2^-e + (2^-e - 1) from x itself, not from the rounded 1 + x
template <class T>
GESSO_HD inline T log1p(T x) {
  const T u = 1 + x;
  const Word<T> w = log_bits(u);
  const T e = log_exponent<T>(w) - (Ieee<T>::two_mantissa + Ieee<T>::bias);
  const T inverse =
      from_bits<T>((2 * Word<T>(Ieee<T>::bias) - (w >> Ieee<T>::mantissa)) << Ieee<T>::mantissa);  // 2^-e
  // for a large x the 1 is lost in rounding anyway, and 2^-e might be denormal
  const T f = x > Ieee<T>::two_mantissa ? log_mantissa<T>(w) - 1 : x * inverse + (inverse - 1);
  const T y = log_of(e, f);
  const T special = u == 0  ? -T(INFINITY)
                    : u < 0 ? T(NAN)
                            : x;  // x itself: zeros with their sign, +inf and NaN
  return (u > 0) & (x < T(INFINITY)) & (x != 0) ? y : special;
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + t), t = exp(-|x|) in [0, 1], where 1 + t needs at most one halving
template <class T>
GESSO_HD inline T softplus(T x) {
  const T t = exp(-abs(x));
  const bool halve = t > T(0.41421356237309504880);
  return (x < 0 ? T(0) : x) + log_of(halve ? T(1) : T(0), halve ? T(0.5) * (t - 1) : t);
}

/// log2(x) for a normal x > 0, to 2^-33 of itself; 2^x, to 2^-29, for an x that is no further from 0 than 200 or becomes so.
GESSO_HD inline double log2_short(double x) {
  const Word<double> w = log_bits(x);
  const double f = log_mantissa<double>(w) - 1;
  const double z = f * f;  // two chains side by side: each multiply-add waits for the one before
  const double even = poly(z, 0x1.71547652ef95cp+0, 0x1.ec709c00eeb73p-2, 0x1.277732ced197cp-2,
                           0x1.a615cb36ffb05p-3, 0x1.45a294aa0999dp-3, 0x1.3d25eb56228a0p-3);
  const double odd = poly(z, -0x1.7154767baed3cp-1, -0x1.715435eb9d707p-2, -0x1.ec8d73d031313p-3,
                          -0x1.6eb02b6e4c9a8p-3, -0x1.417fe92bf1a0ep-3, -0x1.61ac4c11ab0c7p-4);
  const double p = even + f * odd;
  return (log_exponent<double>(w) - (Ieee<double>::two_mantissa + Ieee<double>::bias)) + f * p;
}
GESSO_HD inline double exp2_short(double x) {
  x = -200 > x ? -200 : x;
  x = 200 < x ? 200 : x;
  const double sum = x + Ieee<double>::magic, r = x - (sum - Ieee<double>::magic);
  const double power =
      from_bits<double>((bits(sum) + Word<double>(Ieee<double>::bias)) << Ieee<double>::mantissa);
  return power * poly(r, 0x1.00000002614dfp+0, 0x1.62e430c7e93b8p-1, 0x1.ebfbdadcb2637p-3,
                      0x1.c6aed4b93f273p-5, 0x1.3b2dbbbffdedcp-7, 0x1.5f456a8c8ecd6p-10,
                      0x1.41d33404d6559p-13);
}

/// x^a = 2^(a log2|x|). float: in double, where a logarithm to 2^-33 still leaves 2^-25 of the largest results. double: the C
/// library's.
GESSO_HD inline float pow(float x, float a) {
  const auto integer = [](float v) {  // whether v is one
    const float m = abs(v);
    return m >= 0x1p23f ? m == m : (m + 0x1p23f) - 0x1p23f == m;
  };
  const float size = abs(x);
  const bool whole = integer(a), odd = whole & !integer(0.5f * a);
  const double log = size == 0         ? -INFINITY
                     : size < INFINITY ? log2_short(size)
                                       : size;  // size itself: inf and NaN
  float y = float(exp2_short(double(a) * log));
  y = (a == 0) | ((size == 1) & (a == a)) | (x == 1) ? 1.0f : y;
  y = (x < 0) & !whole & (size < INFINITY) & (x == x) ? NAN : y;
  return odd & (bits(x) != bits(size)) ? -y : y;
}
GESSO_HD inline double pow(double x, double a) { return ::pow(x, a); }

// ---- erf --------------------------------------------------------------------------------------------------------------

/// erf(x) = 2 / sqrt(pi) * int_0^x exp(-t^2) dt: x (1 + p(x^2)) to 2^-24.5 and 2^-56 for |x| < 1, else 1 - exp(q(|x|))
/// with q = log erfc, to 2^-29.8 and 2^-54.6 of the result. Beyond 4 and 6 it rounds to 1.
template <class T>
GESSO_HD inline T erf(T x) {
  const T m = abs(x), z = x * x;
  T p, q;
  if constexpr (sizeof(T) == 4) {
    const T t = m > 4 ? T(4) : m;
    p = poly(z, 0x1.06eba2p-3f, -0x1.812670p-2f, 0x1.ce0890p-4f, -0x1.b59a94p-6f, 0x1.421a7ap-8f,
             -0x1.26a486p-11f);
    q = poly(t, -0x1.6626acp-12f, -0x1.2088e8p+0f, -0x1.46baf6p-1f, -0x1.a652f0p-4f, 0x1.65cac0p-6f,
             -0x1.825950p-9f, 0x1.86da52p-13f);
  } else {
    const T t = m > 6 ? T(6) : m;
    p = poly(z, 0x1.06eba8214db68p-3, -0x1.812746b0379a9p-2, 0x1.ce2f21a040748p-4, -0x1.b82ce311f8df5p-6,
             0x1.565bccfaeb221p-8, -0x1.c02db0b4e3c8dp-11, 0x1.f9a2c91130cbap-14, -0x1.f4cb4c722f6bap-17,
             0x1.b98a81e6c115ep-20, -0x1.5c4bdf1b28acfp-23, 0x1.d9043737c48d9p-27, -0x1.b1788942054f1p-31);
    q = poly(t, -0x1.1d7099eac435bp-20, -0x1.20dcc5a650324p+0, -0x1.45f94aaa2733ap-1, -0x1.a46766c4c0543p-4,
             0x1.35175526071d3p-6, 0x1.3230c477d4c92p-11, -0x1.1315a4f8e8a63p-9, 0x1.e24caf8bd80c1p-11,
             -0x1.e3ace8ae46f1ep-13, 0x1.d5a884c36e738p-16, 0x1.e4c8d439cb901p-19, -0x1.66c98b7b95012p-19,
             0x1.71404120971acp-21, -0x1.d0d2dce69942fp-24, 0x1.76a682b308e49p-27, -0x1.665a670d447ecp-31,
             0x1.37781d0bae062p-36);
  }
  const T large = with_sign(1 - exp(q), x);
  return m < 1 ? x + x * p : large;
}

/// Phi(x) = (1 + erf(x / sqrt 2)) / 2
template <class T>
GESSO_HD inline T normal_cdf(T x) {
  return T(0.5) + T(0.5) * erf(x * T(0.70710678118654752440));
}

// ---- sine and cosine --------------------------------------------------------------------------------------------------

/// An angle as a quarter turns (a mod 4 in the low bits) and a rest r, |r| <= pi/4.
template <class T>
struct Angle {
  Word<T> quarters;
  T r;
};

/// sin or cos of the angle's rest, whichever the quarter asks for: quarters = 0 is sin, 1 is cos, 2 is -sin, 3 is -cos.
template <class T>
GESSO_HD inline T sin_of(Angle<T> a) {
  const T z = a.r * a.r;
  T s, c;  // to 2^-28 and 2^-32.7, 2^-58 and 2^-63.7
  if constexpr (sizeof(T) == 4) {
    s = poly(z, -0x1.555546p-3f, 0x1.110776p-7f, -0x1.995282p-13f);
    c = poly(z, 0x1.55554ap-5f, -0x1.6c0c1ap-10f, 0x1.99e0eep-16f);
  } else {
    s = poly(z, -0x1.5555555555549p-3, 0x1.111111110f87dp-7, -0x1.a01a019c0df0cp-13, 0x1.71de357234bcep-19,
             -0x1.ae5e608fa6ed1p-26, 0x1.5d910ce83842dp-33);
    c = poly(z, 0x1.555555555554bp-5, -0x1.6c16c16c15003p-10, 0x1.a01a019c8b2c7p-16, -0x1.27e4f7ed03d3cp-22,
             0x1.1ee9d794f2195p-29, -0x1.8fa3c393b6d06p-37);
  }
  s = a.r + a.r * (z * s);
  c = 1 - (T(0.5) * z - (z * z) * c);
  const T y = a.quarters & 1 ? c : s;
  return from_bits<T>(bits(y) ^ ((a.quarters & 2) << (8 * sizeof(T) - 2)));
}

/// x = quarters * pi/2 + r for |x| <= kLargestAngle, where quarters has at most 20 bits and its products with 33 bits of
/// pi/2 at a time are exact. A double can come as near as 2^-60 to a multiple of pi/2, hence four parts.
inline constexpr double kLargestAngle = 1e6;
GESSO_HD inline Angle<double> angle(double x) {
  const double sum = x * 0.63661977236758134308 + Ieee<double>::magic;
  const double n = sum - Ieee<double>::magic;
  const double a = x - n * 0x1.921fb544p+0, b = n * 0x1.0b4611a6p-34;  // exact
  const double c = a - b, c_lost = (a - c) - b;
  const double d = n * 0x1.3198a2ep-69, r = c - d, r_lost = (c - r) - d;
  return {bits(sum), r + ((c_lost + r_lost) - n * 0x1.b839a252049c1p-104)};
}
GESSO_HD inline Angle<float> angle(float x) {
  const double sum = double(x) * 0.63661977236758134308 + Ieee<double>::magic;
  const double n = sum - Ieee<double>::magic;
  return {std::uint32_t(bits(sum)), float((double(x) - n * 0x1.921fb544p+0) - n * 0x1.0b4611a626331p-34)};
}

/// sin(x) and cos(x) for |x| <= kLargestAngle, in vector code
template <class T>
GESSO_HD inline T sin_moderate(T x) {
  return x == 0 ? x : sin_of(angle(x));
}
template <class T>
GESSO_HD inline T cos_moderate(T x) {
  const Angle<T> a = angle(x);
  return sin_of(Angle<T>{a.quarters + 1, a.r});
}

/// sin(x) and cos(x): beyond kLargestAngle the C library's, which knows pi to a thousand bits (glibc's cos of a double is 8
/// units off at the hardest argument known, 6381956970095103 * 2^797)
GESSO_HD inline float sin(float x) { return abs(x) <= float(kLargestAngle) ? sin_moderate(x) : ::sinf(x); }
GESSO_HD inline double sin(double x) { return abs(x) <= kLargestAngle ? sin_moderate(x) : ::sin(x); }
GESSO_HD inline float cos(float x) { return abs(x) <= float(kLargestAngle) ? cos_moderate(x) : ::cosf(x); }
GESSO_HD inline double cos(double x) { return abs(x) <= kLargestAngle ? cos_moderate(x) : ::cos(x); }

}  // namespace gesso::kernels::GESSO_LEVEL
