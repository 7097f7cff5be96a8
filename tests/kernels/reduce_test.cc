// Sums, extrema and their places against slow loops in long double.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

const Slab kSlabs[] = {
    {1, 1, 1},      {3, 1, 5},       {1, 7, 1},      {1, 1023, 1},  {1, 1024, 1},  {1, 1025, 1},
    {1, 70001, 1},  {1, 300007, 1},  {2, 140001, 1}, {129, 10, 1},  {3000, 33, 1}, {2000, 32, 1},
    {50, 784, 1},   {1, 1000, 3},    {1, 50000, 3},  {1, 9001, 64}, {1, 300, 784}, {1, 40000, 1},
    {7, 5, 3},      {4, 100, 17},    {1, 40, 5000},  {1, 64, 1024}, {1, 65, 1025}, {300, 50, 32},
    {1, 100003, 2}, {2, 5000, 7},    {1, 300, 2100}, {0, 5, 3},     {3, 5, 0},     {1, 2, 65537},
    {9, 4000, 20},  {1, 70000, 129},
};

/// f(index of the first element, step, index of the result) for each line along the axis
template <class F>
void each_line(const Slab& s, const F& f) {
  for (std::int64_t o = 0; o < s.outer; ++o)
    for (std::int64_t k = 0; k < s.inner; ++k) f(o * s.n * s.inner + k, s.inner, o * s.inner + k);
}

template <class T>
std::vector<T> reduced(Reduction op, const Slab& s, const std::vector<T>& x) {
  return on_threads([&] {
    std::vector<T> y = poisoned<T>(s.outer * s.inner + 1);
    tested<T>().reduce(op, s, x.data(), y.data());
    CHECK(std::isnan(y.back()));
    return y;
  });
}

/// The most roundings a term passes on its way into a sum: in a run of 1024 each of the 4 accumulators of at least 2 lanes adds
/// up to 128, then the lanes and runs are joined in trees (5 + 8 levels of blocks + 22 of runs at most); down columns 8 and 3
/// a block of 64 rows, then trees. An order that just adds one to the next needs n.
constexpr double kDepth = 128 + 5 + 8 + 22;

}  // namespace

TEST_CASE_TEMPLATE("sums over any axis", T, float, double) {
  for (const Slab& s : kSlabs) {
    const std::vector<T> x = numbers<T>(s.outer * s.n * s.inner, 1, -1, 2);
    const std::vector<T> y = reduced(Reduction::sum, s, x);
    double worst = 0;
    each_line(s, [&](std::int64_t first, std::int64_t step, std::int64_t to) {
      long double sum = 0, size = 0;
      for (std::int64_t i = 0; i < s.n; ++i)
        sum += x[first + i * step], size += std::abs(x[first + i * step]);
      const double error = double(std::abs(y[to] - sum) / (kEps<T> * size));
      if (!(error <= worst)) worst = error;
    });
    CAPTURE(s.outer);
    CAPTURE(s.n);
    CAPTURE(s.inner);
    CHECK(worst <= std::min(kDepth, double(s.n)));
  }
}

TEST_CASE("a sum of ten million tenths is a million, not 1,087,937") {
  const std::int64_t n = 10000000;
  const std::vector<float> x(n, 0.1f);
  const double exact = 0.1f * double(n);
  for (const Slab& s : {Slab{1, n, 1}, Slab{1, n / 2, 2}, Slab{1, n / 1000, 1000}}) {
    const std::vector<float> y = reduced(Reduction::sum, s, x);
    for (std::int64_t k = 0; k < s.inner; ++k)
      CHECK(std::abs(y[k] - exact / double(s.inner)) <= kDepth * kEps<float> * exact / double(s.inner));
  }
}

TEST_CASE_TEMPLATE("extrema and their places over any axis", T, float, double) {
  for (const Slab& s : kSlabs) {
    std::vector<T> x = numbers<T>(s.outer * s.n * s.inner, 2, -3, 3);
    for (T& v : x) v = std::round(v * 8) / 8;  // so that there are equals
    const std::vector<T> most = reduced(Reduction::max, s, x), least = reduced(Reduction::min, s, x);
    for (const ArgReduction op : {ArgReduction::argmax, ArgReduction::argmin}) {
      const auto place = on_threads([&] {
        std::vector<std::int64_t> y(s.outer * s.inner + 1, -7);
        tested<T>().arg_reduce(op, s, x.data(), y.data());
        return y;
      });
      CHECK(place.back() == -7);
      bool right = true;
      each_line(s, [&](std::int64_t first, std::int64_t step, std::int64_t to) {
        std::int64_t best = 0;
        const T sign = op == ArgReduction::argmax ? T(1) : T(-1);
        for (std::int64_t i = 1; i < s.n; ++i)
          if (sign * x[first + i * step] > sign * x[first + best * step]) best = i;
        right &= place[to] == best;
        right &= (op == ArgReduction::argmax ? most : least)[to] == x[first + best * step];
      });
      CAPTURE(s.outer);
      CAPTURE(s.n);
      CAPTURE(s.inner);
      CHECK(right);
    }
  }
}

TEST_CASE_TEMPLATE("an extremum is NaN where there is one, and its place is the first NaN", T, float,
                   double) {
  for (std::int64_t inner : {1, 3})
    for (std::int64_t n : {1, 5, 32, 33, 100, 1500, 5000})
      for (std::int64_t at = 0; at < n; at += 1 + n / 23)
        for (T nan : {kNan<T>, -kNan<T>}) {
          std::vector<T> x = numbers<T>(n * inner, 3, -1, 1);
          x[at * inner] = nan;
          x[(n - 1) * inner] = nan;
          if (n > 40) x[7 * inner] = kInf<T>, x[8 * inner] = -kInf<T>;
          const bool hidden = n > 40 && (at == 7 || at == 8);  // an infinity took the NaN's place
          const std::int64_t first = hidden ? n - 1 : at;
          const Slab s{1, n, inner};
          std::vector<T> y = poisoned<T>(inner);
          std::vector<std::int64_t> place(inner, -7);
          for (const auto& [op, arg] :
               {std::pair{Reduction::max, ArgReduction::argmax}, {Reduction::min, ArgReduction::argmin}}) {
            tested<T>().reduce(op, s, x.data(), y.data());
            tested<T>().arg_reduce(arg, s, x.data(), place.data());
            CHECK(std::isnan(y[0]));
            CHECK(place[0] == first);
            if (inner > 1) CHECK(std::isfinite(y[1]));
          }
        }
}

TEST_CASE_TEMPLATE("extrema of infinities", T, float, double) {
  for (std::int64_t n : {1, 40, 3000}) {
    const std::vector<T> low(n, -kInf<T>), high(n, kInf<T>);
    for (const std::vector<T>& x : {low, high})
      for (int arg = 0; arg < 2; ++arg) {
        T y = kNan<T>;
        std::int64_t place = -7;
        tested<T>().reduce(arg ? Reduction::min : Reduction::max, {1, n, 1}, x.data(), &y);
        tested<T>().arg_reduce(ArgReduction(arg), {1, n, 1}, x.data(), &place);
        CHECK(y == x[0]);
        CHECK(place == 0);
      }
  }
}

TEST_CASE_TEMPLATE("a sum of nothing is zero", T, float, double) {
  for (const Slab& s : {Slab{3, 0, 4}, Slab{5, 0, 1}, Slab{1, 0, 1}}) {
    std::vector<T> y = poisoned<T>(s.outer * s.inner);
    tested<T>().reduce(Reduction::sum, s, nullptr, y.data());
    for (T v : y) CHECK(v == 0);
  }
  T y = kNan<T>;
  tested<T>().sum_binary(Binary::mul, {}, 0, nullptr, nullptr, &y);
  CHECK(y == 0);
}

TEST_CASE_TEMPLATE("sums of f(a, b)", T, float, double) {
  for (std::int64_t n : {1, 3, 100, 1023, 1025, 100003, 1000003}) {
    const std::vector<T> a = numbers<T>(n, 4, -3, 3), b = numbers<T>(n, 5, 0, 1);
    for (const Binary op :
         {Binary::mul, Binary::squared_difference, Binary::absolute_difference, Binary::bce_with_logits}) {
      const T y = on_threads([&] {
        std::vector<T> out = poisoned<T>(1);
        tested<T>().sum_binary(op, {}, n, a.data(), b.data(), out.data());
        return out;
      })[0];
      long double sum = 0, size = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        const long double p = a[i], q = b[i];
        long double term = p * q, terms = std::abs(p * q);
        if (op == Binary::squared_difference) terms = term = (p - q) * (p - q);
        if (op == Binary::absolute_difference) terms = term = std::abs(p - q);
        if (op == Binary::bce_with_logits) {
          term = std::fmax(p, 0.0L) - p * q + std::log1p(std::exp(-std::abs(p)));
          terms = std::abs(p) + std::abs(p * q) + 1;
        }
        sum += term, size += terms;
      }
      CAPTURE(n);
      CAPTURE(int(op));
      CHECK(double(std::abs(y - sum)) <= (kDepth + 10) * kEps<T> * double(size));  // + 10 for f itself
    }
  }
}
