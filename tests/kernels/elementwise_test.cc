// y = f(x) and y = f(a, b) against the formulas of kernels.h in long double.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

using Wide = long double;

Wide sigmoid(Wide x) { return 1 / (1 + std::exp(-x)); }

/// What the formula gives, and the sum of the sizes of its terms: errors are counted in roundings of that sum.
struct Value {
  Wide value, size;
};
Value of(Wide v) { return {v, std::abs(v)}; }

Value exact(Unary op, Wide x, Wide a, Wide b) {
  switch (op) {
    case Unary::add_scalar:
      return of(x + a);
    case Unary::mul_scalar:
      return of(x * a);
    case Unary::rsub_scalar:
      return of(a - x);
    case Unary::rdiv_scalar:
      return of(a / x);
    case Unary::pow_scalar:
      return of(std::pow(x, a));
    case Unary::clamp:
      return of(std::isnan(x) ? x : std::fmin(std::fmax(x, a), b));
    case Unary::abs:
      return of(std::abs(x));
    case Unary::sign:
      return of(std::isnan(x) ? x : Wide((x > 0) - (x < 0)));
    case Unary::exp:
      return of(std::exp(x));
    case Unary::log:
      return of(std::log(x));
    case Unary::log1p:
      return of(std::log1p(x));
    case Unary::sqrt:
      return of(std::sqrt(x));
    case Unary::square:
      return of(x * x);
    case Unary::sin:
      return of(std::sin(x));
    case Unary::cos:
      return of(std::cos(x));
    case Unary::erf:
      return of(std::erf(x));
    case Unary::tanh:
      return of(std::tanh(x));
    case Unary::sigmoid:
      return of(sigmoid(x));
    // a x is rounded before exp, which turns its unit error into an error of |a x| units
    case Unary::softplus:
      return {a * x > b ? x : std::log1p(std::exp(a * x)) / a,
              std::abs(x) + std::log1p(std::exp(a * x)) * (1 + std::abs(a * x)) / a};
    case Unary::leaky_relu:
      return of(x > 0 ? x : a * x);
    case Unary::elu:
      return of(x > 0 ? x : a * std::expm1(x));
    case Unary::gelu:
      return {x * (1 + std::erf(x / std::sqrt(Wide(2)))) / 2, std::abs(x)};
    case Unary::silu:
      return of(x * sigmoid(x));
  }
  return of(x);
}

Value exact(Binary op, Wide p, Wide q, Wide a, Wide b) {
  switch (op) {
    case Binary::add:
      return of(p + q);
    case Binary::sub:
      return of(p - q);
    case Binary::mul:
      return of(p * q);
    case Binary::div:
      return of(p / q);
    case Binary::pow:
      return of(std::pow(p, q));
    case Binary::max:
      return of(std::isnan(p) || std::isnan(q) ? kNan<Wide> : std::fmax(p, q));
    case Binary::min:
      return of(std::isnan(p) || std::isnan(q) ? kNan<Wide> : std::fmin(p, q));
    case Binary::leaky_relu_grad:
      return of(q > 0 ? p : a * p);
    case Binary::clamp_grad:
      return of(a <= q && q <= b ? p : 0);
    case Binary::sigmoid_grad:
      return {p * q * (1 - q), std::abs(p * q) * (1 + std::abs(q))};
    case Binary::tanh_grad:
      return {p * (1 - q * q), std::abs(p) * (1 + q * q)};
    case Binary::elu_grad:
      return {q > 0 ? p : p * (q + a), std::abs(p) * (1 + std::abs(q) + std::abs(a))};
    case Binary::squared_difference:
      return of((p - q) * (p - q));
    case Binary::absolute_difference:
      return of(std::abs(p - q));
    case Binary::bce_with_logits: {
      const Wide l = std::log1p(std::exp(-std::abs(p)));
      return {std::fmax(p, Wide(0)) - p * q + l, std::abs(p) + std::abs(p * q) + l};
    }
    case Binary::bce_with_logits_grad:
      return {sigmoid(p) - q, sigmoid(p) + std::abs(q)};
  }
  return of(p);
}

/// At most 8 roundings of the terms' size: two of arithmetic, and up to 4 units (of which each is up to two roundings) where
/// a function is involved; and one denormal unit for what underflows.
template <class T>
bool near(T y, Value r) {
  if (std::isnan(r.value)) return std::isnan(y);
  if (std::isinf(T(r.value))) return y == T(r.value);
  const Wide size = r.size >= 0 ? r.size : std::abs(r.value);  // not NaN, where a term is infinite
  return std::abs(Wide(y) - r.value) <= 10 * kEps<T> * size + std::numeric_limits<T>::denorm_min();
}

constexpr auto kFirstUnary = Unary::add_scalar, kLastUnary = Unary::silu;
constexpr auto kFirstBinary = Binary::add, kLastBinary = Binary::bce_with_logits_grad;

Scalars scalars(Unary op) {
  if (op == Unary::clamp) return {-0.75, 1.5};
  if (op == Unary::softplus) return {2, 8};
  return {0.3, 0};
}
template <class T>
std::vector<T> samples(std::int64_t n,
                       unsigned seed) {  // 7 special numbers first, as many as there is room for
  std::vector<T> x = numbers<T>(n, seed, -6, 6);
  const T special[] = {kNan<T>, T(0), T(-0.0), kInf<T>, -kInf<T>, T(-0.75), T(1.5)};
  for (std::int64_t i = 0; i < 7 && n > 20; ++i) x[i] = special[(i + seed) % 7];
  return x;
}

}  // namespace

TEST_CASE_TEMPLATE("every unary operation, at sizes that fill no vector too, and in place", T, float,
                   double) {
  for (auto op = kFirstUnary; op <= kLastUnary; op = Unary(int(op) + 1))
    for (std::int64_t n : {0, 1, 2, 7, 16, 31, 257, 5003, 40009}) {
      const std::vector<T> x = samples<T>(n, 1);
      const Scalars s = scalars(op);
      const auto y = on_threads([&] {
        std::vector<T> out = poisoned<T>(n + 1);
        tested<T>().unary(op, s, n, x.data(), out.data());
        return out;
      });
      CHECK(std::isnan(y[n]));  // not written
      for (std::int64_t i = 0; i < n; ++i)
        if (!near(y[i], exact(op, x[i], T(s.a), T(s.b)))) {
          CAPTURE(int(op));
          CAPTURE(double(x[i]));
          CHECK(double(y[i]) == double(exact(op, x[i], T(s.a), T(s.b)).value));
        }
      std::vector<T> in_place = x;
      in_place.push_back(y[n]);
      tested<T>().unary(op, s, n, in_place.data(), in_place.data());
      CHECK(same_bits(in_place, y));
    }
}

TEST_CASE_TEMPLATE("every binary operation, dense and with a number on either side", T, float, double) {
  for (auto op = kFirstBinary; op <= kLastBinary; op = Binary(int(op) + 1))
    for (std::int64_t n : {0, 1, 5, 33, 1009, 40009})
      for (int broadcast = 0; broadcast < 4; ++broadcast) {
        const std::vector<T> a = samples<T>(broadcast & 1 ? 1 : n, 2),
                             b = samples<T>(broadcast & 2 ? 1 : n, 3);
        const Walk walk{1, {n}, {{!(broadcast & 1)}, {!(broadcast & 2)}}};
        const auto y = on_threads([&] {
          std::vector<T> out = poisoned<T>(n);
          tested<T>().binary(op, {-0.75, 1.5}, walk, a.data(), b.data(), out.data());
          return out;
        });
        for (std::int64_t i = 0; i < n; ++i) {
          const T p = a[broadcast & 1 ? 0 : i], q = b[broadcast & 2 ? 0 : i];
          if (op == Binary::bce_with_logits && !std::isfinite(p * q))
            continue;  // inf - inf, whichever comes first
          const Value expected = exact(op, p, q, T(-0.75), T(1.5));
          if (near(y[i], expected)) continue;
          CAPTURE(int(op));
          CAPTURE(double(p));
          CAPTURE(double(q));
          CHECK(double(y[i]) == double(expected.value));
        }
      }
}

TEST_CASE_TEMPLATE("walks: rows, columns, flips, gaps, no dimension, no element, long and short rows", T,
                   float, double) {
  const std::vector<T> a = numbers<T>(300000, 4, -2, 2), b = numbers<T>(300000, 5, -2, 2);
  std::vector<Walk> walks = {
      {0, {}, {}},                                                            // one element
      {2, {13, 37}, {{37, 1}, {0, 1}}},                                       // + row vector
      {2, {13, 37}, {{37, 1}, {1, 0}}},                                       // + column
      {2, {37, 13}, {{0, 1}, {13, 1}}},                                       // the same on the left
      {2, {3, 70001}, {{70001, 1}, {1, 0}}},                                  // rows long enough to be cut
      {2, {3, 70001}, {{70001, 1}, {0, -1}}},                                 // against a flipped row
      {2, {20001, 3}, {{3, 1}, {0, 1}}},                                      // rows of three
      {2, {9, 1500}, {{0, 1}, {1500, 1}}},                                    // rows of which few repeat
      {2, {11, 19}, {{1, 11}, {19, 1}}},                                      // transposed
      {3, {5, 7, 9}, {{63, 9, 1}, {9, 0, 1}}},                                // a middle axis repeated
      {6, {2, 3, 2, 3, 2, 3}, {{108, 36, 18, 6, 3, 1}, {0, 1, 0, 3, 0, 9}}},  // all six
      {3, {4, 0, 5}, {{0, 0, 0}, {0, 0, 0}}},                                 // nothing
      {2, {0, 5}, {{5, 1}, {5, 1}}},
      {2, {9, 9}, {{200, 2}, {-100, 3}}},  // gaps
  };
  for (const Walk& w : walks) {
    std::int64_t n = 1;
    for (int d = 0; d < w.dims; ++d) n *= w.shape[d];
    const T *pa = a.data() + 1000, *pb = b.data() + 150000;  // strides may be negative
    const auto y = on_threads([&] {
      std::vector<T> out = poisoned<T>(n + 1);
      tested<T>().binary(Binary::sub, {}, w, pa, pb, out.data());
      return out;
    });
    std::vector<T> expected = poisoned<T>(n + 1);
    each(w, [&](std::int64_t i, const std::int64_t* at) { expected[i] = pa[at[0]] - pb[at[1]]; });
    CAPTURE(w.dims);
    CHECK(same_bits(y, expected));
    std::vector<std::uint8_t> less(n + 1, 77), expected_less(n + 1, 77);
    tested<T>().compare(Compare::lt, w, pa, pb, less.data());
    each(w, [&](std::int64_t i, const std::int64_t* at) { expected_less[i] = pa[at[0]] < pb[at[1]]; });
    CHECK(less == expected_less);
  }
}

TEST_CASE_TEMPLATE("comparisons give 0 and 1, as IEEE wants it for NaN and zeros", T, float, double) {
  std::vector<T> special = {T(0), T(-0.0), T(1), T(-1), kInf<T>, -kInf<T>, kNan<T>}, a, b;
  for (T p : special)
    for (T q : special) a.push_back(p), b.push_back(q);
  const std::int64_t n = std::int64_t(a.size());
  bool (*const meaning[])(T, T) = {[](T p, T q) { return p == q; }, [](T p, T q) { return p != q; },
                                   [](T p, T q) { return p < q; },  [](T p, T q) { return p <= q; },
                                   [](T p, T q) { return p > q; },  [](T p, T q) { return p >= q; }};
  for (int op = 0; op < 6; ++op) {
    std::vector<std::uint8_t> y(n, 77);
    tested<T>().compare(Compare(op), {1, {n}, {{1}, {1}}}, a.data(), b.data(), y.data());
    for (std::int64_t i = 0; i < n; ++i) CHECK(y[i] == std::uint8_t(meaning[op](a[i], b[i])));
  }
}

TEST_CASE_TEMPLATE("fill and arange", T, float, double) {
  for (std::int64_t n : {0, 1, 13, 50021}) {
    const auto filled = on_threads([&] {
      std::vector<T> y = poisoned<T>(n + 1);
      tested<T>().fill(n, T(2.5), y.data());
      return y;
    });
    const auto steps = on_threads([&] {
      std::vector<T> y = poisoned<T>(n + 1);
      tested<T>().arange(n, -3, 0.25, y.data());
      return y;
    });
    CHECK(std::isnan(filled[n]));
    CHECK(std::isnan(steps[n]));
    bool right = true;
    for (std::int64_t i = 0; i < n; ++i) right &= filled[i] == T(2.5) && steps[i] == T(-3 + 0.25 * double(i));
    CHECK(right);
  }
}

TEST_CASE_TEMPLATE("outputs too large for the caches, at any alignment, equal small ones", T, float, double) {
  const std::int64_t n = (std::int64_t{33} << 20) / std::int64_t(sizeof(T)) + 5, part = 10007;
  const std::vector<T> a = numbers<T>(n, 6, -2, 2);
  for (std::int64_t shift : {0, 1, 3}) {  // elements off the alignment of a vector
    const auto whole = [&](const auto& kernel) {
      return on_threads([&] {
        std::vector<T> y = poisoned<T>(n + 9);
        kernel(n, a.data(), y.data() + shift);
        return y;
      });
    };
    const auto parts = [&](const auto& kernel) {
      std::vector<T> y = poisoned<T>(n + 9);
      for (std::int64_t i = 0; i < n; i += part)
        kernel(std::min(part, n - i), a.data() + i, y.data() + shift + i);
      return y;
    };
    const auto leaky = [](std::int64_t m, const T* x, T* y) {
      tested<T>().unary(Unary::leaky_relu, {.a = 0.2}, m, x, y);
    };
    const auto gradient = [](std::int64_t m, const T* x, T* y) {
      tested<T>().binary(Binary::tanh_grad, {}, {1, {m}, {{1}, {1}}}, x, x, y);
    };
    const auto copy = [](std::int64_t m, const T* x, T* y) {
      tested_move().copy({1, {m}, {{1}, {1}}}, sizeof(T), x, y);
    };
    CHECK(same_bits(whole(leaky), parts(leaky)));
    CHECK(same_bits(whole(gradient), parts(gradient)));
    CHECK(same_bits(whole(copy), parts(copy)));
  }
}
