// Philox against its published answers, draws against a second implementation, and their distributions. The seeds are fixed,
// so a statistical bound can be tight: each is passed by all but one honest generator in ten thousand or more.
#include "kernels/kernels.h"
#include "kernels/philox.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

/// Philox4x32-10 once more, as the paper writes it: a bijection of the counter in ten rounds.
std::array<std::uint32_t, 4> reference_philox(std::uint64_t seed, std::uint64_t counter) {
  std::array<std::uint32_t, 4> c = {std::uint32_t(counter), std::uint32_t(counter >> 32), 0, 0};
  std::uint32_t key[2] = {std::uint32_t(seed), std::uint32_t(seed >> 32)};
  for (int round = 0; round < 10; ++round) {
    const auto high = [](std::uint32_t a, std::uint32_t b) {
      return std::uint32_t((std::uint64_t(a) * b) >> 32);
    };
    c = {high(0xCD9E8D57u, c[2]) ^ c[1] ^ key[0], 0xCD9E8D57u * c[2], high(0xD2511F53u, c[0]) ^ c[3] ^ key[1],
         0xD2511F53u * c[0]};
    key[0] += 0x9E3779B9u, key[1] += 0xBB67AE85u;
  }
  return c;
}

/// The uniform number behind element i.
template <class T>
T reference_unit(std::uint64_t seed, std::uint64_t i) {
  if (sizeof(T) == 4) return T(std::ldexp(double(reference_philox(seed, i / 4)[i % 4] >> 8), -24));
  const auto words = reference_philox(seed, i / 2);
  const std::uint64_t high = words[i % 2 * 2] >> 5, low = words[i % 2 * 2 + 1] >> 6;  // 27 and 26 bits
  return T(std::ldexp(double(high << 26 | low), -53));
}

template <class T>
std::vector<T> uniform(RandomState r, T low, T high, std::int64_t n) {
  return on_threads([&] {
    std::vector<T> y = poisoned<T>(n);
    tested<T>().uniform(r, low, high, n, y.data());
    return y;
  });
}
template <class T>
std::vector<T> normal(RandomState r, T mean, T std, std::int64_t n) {
  return on_threads([&] {
    std::vector<T> y = poisoned<T>(n);
    tested<T>().normal(r, mean, std, n, y.data());
    return y;
  });
}

/// Kolmogorov and Smirnov's distance, times sqrt(n): above 2.2 once in 8000 draws (2 exp(-2 * 2.2^2) = 1.2e-4).
template <class T, class F>
double distance(std::vector<T> x, const F& distribution) {
  std::sort(x.begin(), x.end());
  double most = 0;
  const double n = double(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double p = distribution(double(x[i]));
    most = std::max({most, double(i + 1) / n - p, p - double(i) / n});
  }
  return most * std::sqrt(n);
}

}  // namespace

TEST_CASE("Philox4x32-10: the published answers") {
  using gesso::kernels::portable::philox;
  const auto check = [](const gesso::kernels::portable::PhiloxBlock& b, std::array<std::uint32_t, 4> answer) {
    for (int i = 0; i < 4; ++i) CHECK(b.word[i] == answer[i]);
  };
  check(philox(0, 0, 0, 0, 0, 0), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  check(philox(ones, ones, ones, ones, ones, ones), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  check(philox(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0),
        {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE_TEMPLATE("element i of a uniform draw is a function of seed and offset + i", T, float, double) {
  for (std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{0x123456789abcdef0}})
    for (std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{255}, std::uint64_t{258},
                                 (std::uint64_t{1} << 34) - 300, (std::uint64_t{1} << 33) - 77})
      for (std::int64_t n : {0, 1, 3, 256, 1000}) {
        const std::vector<T> y = uniform<T>({seed, offset}, 0, 1, n);
        std::vector<T> expected(n);
        for (std::int64_t i = 0; i < n; ++i) expected[i] = reference_unit<T>(seed, offset + std::uint64_t(i));
        CHECK(same_bits(y, expected));
      }
}

TEST_CASE_TEMPLATE("normal numbers are Box and Muller's, and do not depend on how a draw is cut", T, float,
                   double) {
  const std::uint64_t seed = 99;
  const std::int64_t n = 10007;
  const std::vector<T> whole = normal<T>({seed, 0}, 1, 2, n);
  double worst = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint64_t pair = std::uint64_t(i) / 2 * 2;
    long double u;
    if (sizeof(T) == 4)
      u = (double(reference_philox(seed, pair / 4)[pair % 4] >> 1) + 0.5) * 0x1p-31;
    else
      u = 1 - reference_unit<double>(seed, pair);
    const long double angle = 2 * 3.14159265358979323846264338L * reference_unit<T>(seed, pair + 1);
    const long double r = std::sqrt(-2 * std::log(u));
    const long double z = r * (i % 2 ? std::sin(angle) : std::cos(angle));
    // 4 units of log (halved by the root), of sine and of three products, and of the sum; u itself is rounded, which near 1
    // is an error of one rounding in log u
    const double bound =
        (20 * double(std::abs(z)) + 4) * kEps<T> + 2 * (sizeof(T) == 4 ? kEps<T> / double(r + 1e-4L) : 0);
    worst = std::max(worst, double(std::abs(whole[i] - (1 + 2 * z))) / bound);
  }
  CHECK(worst <= 1);
  for (std::int64_t cut : {1, 2, 255, 256, 257, 5001}) {
    std::vector<T> parts = normal<T>({seed, 0}, 1, 2, cut),
                   rest = normal<T>({seed, std::uint64_t(cut)}, 1, 2, n - cut);
    parts.insert(parts.end(), rest.begin(), rest.end());
    CHECK(same_bits(parts, whole));
  }
}

TEST_CASE_TEMPLATE("uniform numbers stay below the upper end", T, float, double) {
  const T low = T(1), high = std::nextafter(std::nextafter(low, T(2)), T(2));  // two numbers only
  std::int64_t lower = 0;
  const std::vector<T> y = uniform<T>({5, 0}, low, high, 10000);
  bool inside = true;
  for (T v : y) inside &= v >= low && v < high, lower += v == low;
  CHECK(inside);
  CHECK(lower > 0);
  CHECK(lower < 10000);
  for (T v : uniform<T>({5, 0}, -3, 3, 100000)) inside &= v >= -3 && v < 3;
  CHECK(inside);
}

TEST_CASE_TEMPLATE("uniform numbers are uniform and independent", T, float, double) {
  const std::int64_t n = 1000000;
  const std::vector<T> y = uniform<T>({2024, 12345}, 0, 1, n);
  CHECK(distance(y, [](double x) { return x; }) <= 2.2);
  double sum = 0, products[5] = {};
  for (std::int64_t i = 0; i < n; ++i) {
    sum += y[i] - 0.5;
    for (int lag = 0; lag < 5 && i + lag < n; ++lag) products[lag] += (y[i] - 0.5) * (y[i + lag] - 0.5);
  }
  const double root = std::sqrt(double(n));
  CHECK(std::abs(sum) <= 4 * root * std::sqrt(1.0 / 12));  // 4 standard deviations
  CHECK(std::abs(products[0] - double(n) / 12) <=
        4 * root * std::sqrt(1.0 / 180));  // the variance of (u - 1/2)^2
  for (int lag = 1; lag < 5; ++lag) CHECK(std::abs(products[lag]) <= 4 * root / 12);
}

TEST_CASE_TEMPLATE("normal numbers are normal and independent", T, float, double) {
  const std::int64_t n = 1000000;
  const std::vector<T> y = normal<T>({77, 1}, 0, 1, n);
  CHECK(distance(y, [](double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; }) <= 2.2);
  double moment[5] = {}, products[5] = {};
  std::int64_t beyond[3] = {};
  for (std::int64_t i = 0; i < n; ++i) {
    for (int k = 1; k < 5; ++k) moment[k] += std::pow(double(y[i]), k);
    for (int lag = 1; lag < 5 && i + lag < n; ++lag) products[lag] += double(y[i]) * double(y[i + lag]);
    for (int k = 0; k < 3; ++k) beyond[k] += std::abs(y[i]) > T(2 + k);
  }
  const double root = std::sqrt(double(n));
  CHECK(std::abs(moment[1]) <= 4 * root);
  CHECK(std::abs(moment[2] - double(n)) <= 4 * root * std::sqrt(2.0));
  CHECK(std::abs(moment[3]) <= 4 * root * std::sqrt(15.0));
  CHECK(std::abs(moment[4] - 3 * double(n)) <= 4 * root * std::sqrt(96.0));
  for (int lag = 1; lag < 5; ++lag) CHECK(std::abs(products[lag]) <= 4 * root);
  for (int k = 0; k < 3; ++k) {
    const double expected = double(n) * std::erfc((2 + k) / std::sqrt(2.0));
    CHECK(std::abs(double(beyond[k]) - expected) <= 4 * std::sqrt(expected));
  }
}

TEST_CASE(
    "normal numbers of a float reach far into the tail") {  // 20 million: 1.2 beyond 5.8 are expected... see the body
  std::int64_t beyond = 0;
  std::vector<float> y(1 << 20);
  for (std::uint64_t part = 0; part < 20; ++part) {
    tested<float>().normal({3, part << 20}, 0, 1, 1 << 20, y.data());
    for (float v : y) beyond += std::abs(v) > 4.5f;
  }
  const double expected = 20 * double(1 << 20) * std::erfc(4.5 / std::sqrt(2.0));  // 142
  CHECK(std::abs(double(beyond) - expected) <= 4 * std::sqrt(expected));
}
