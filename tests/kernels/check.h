// What the tests of kernels share: data, poison, units in the last place, and runs on 1, 2 and 3 threads.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

#include "kernels/kernels.h"
#include "tests/kernels/on_device.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace gesso::test {

template <class T>
constexpr T kNan = std::numeric_limits<T>::quiet_NaN();
template <class T>
constexpr T kInf = std::numeric_limits<T>::infinity();
template <class T>
constexpr double kEps = std::numeric_limits<T>::epsilon() / 2;  // of one rounding

template <class T>
std::vector<T> numbers(std::int64_t n, unsigned seed, double low, double high) {
  std::mt19937_64 engine(seed);
  std::uniform_real_distribution<double> draw(low, high);
  std::vector<T> x(n);
  for (T& v : x) v = T(draw(engine));
  return x;
}

/// Memory as it comes to a kernel that must write all of it.
template <class T>
std::vector<T> poisoned(std::int64_t n) {
  return std::vector<T>(n, kNan<T>);
}

/// Whether all bits agree, those of NaN and of zeros included.
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || !std::memcmp(a.data(), b.data(), a.size() * sizeof(T)));
}

/// How many units in the last place y is from r. Infinite where one is NaN or infinite and the other is something else, or
/// where a zero has the wrong sign.
template <class T>
double ulps(T y, long double r) {
  const T rounded = T(r);
  if (std::isnan(y) || std::isnan(r)) return std::isnan(y) && std::isnan(r) ? 0 : kInf<double>;
  if (std::isinf(y) || std::isinf(rounded)) return y == rounded ? 0 : kInf<double>;
  if (y == 0 && r == 0) return std::signbit(y) == std::signbit(r) ? 0 : kInf<double>;
  using Limits = std::numeric_limits<T>;
  int exponent = Limits::min_exponent;
  if (r != 0) std::frexp(r, &exponent);
  exponent = std::max(exponent, Limits::min_exponent) - Limits::digits;
  return double(std::abs((long double)y - r) / std::ldexp(1.0L, exponent));
}

/// Calls f(), which returns the bits of a result, on 1, 2 and 3 threads, checks that they agree, and returns them.
template <class F>
auto on_threads(const F& f) {
#ifdef _OPENMP
  const int before = omp_get_max_threads();
  omp_set_num_threads(1);
  const auto one = f();
  for (int threads = 2; threads <= 3; ++threads) {
    omp_set_num_threads(threads);
    CHECK(same_bits(f(), one));
  }
  omp_set_num_threads(before);
  return one;
#else
  return f();
#endif
}

/// Strides of an operand of a dense array of this shape; 0 wherever `mask` has no bit for the dimension.
inline void dense_strides(gesso::kernels::Walk& w, int operand, unsigned mask = ~0u) {
  std::int64_t step = 1;
  for (int d = w.dims - 1; d >= 0; --d) {
    w.strides[operand][d] = mask >> d & 1 ? step : 0;
    if (mask >> d & 1) step *= w.shape[d];
  }
}

/// f(number, offsets of the three operands) for every element of the walk, by the definition in kernels.h.
template <class F>
void each(const gesso::kernels::Walk& w, const F& f) {
  std::int64_t n = 1;
  for (int d = 0; d < w.dims; ++d) n *= w.shape[d];
  for (std::int64_t i = 0; i < n; ++i) {
    std::int64_t rest = i, at[3] = {};
    for (int d = w.dims - 1; d >= 0; --d) {
      for (int j = 0; j < 3; ++j) at[j] += rest % w.shape[d] * w.strides[j][d];
      rest /= w.shape[d];
    }
    f(i, at);
  }
}

}  // namespace gesso::test
