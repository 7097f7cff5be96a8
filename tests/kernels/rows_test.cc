// logsumexp, softmax, log_softmax, cumsum and add_rows against slow loops in long double.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

const Slab kSlabs[] = {{1, 1, 1},    {128, 10, 1}, {3, 17, 1},   {700, 33, 1}, {5, 2047, 1},
                       {1, 9000, 1}, {1, 5, 3},    {4, 10, 257}, {2, 100, 64}, {37, 3, 300},
                       {1, 5000, 2}, {0, 4, 3},    {3, 4, 0},    {2, 1, 7}};

template <class F>
void each_line(const Slab& s, const F& f) {
  for (std::int64_t o = 0; o < s.outer; ++o)
    for (std::int64_t k = 0; k < s.inner; ++k) f(o * s.n * s.inner + k, s.inner, o * s.inner + k);
}

template <class T>
struct Outputs {
  std::vector<T> logsumexp, softmax, log_softmax;
};
template <class T>
Outputs<T> all(const Slab& s, const std::vector<T>& x) {
  const auto run = [&](auto kernel, std::int64_t n) {
    return on_threads([&] {
      std::vector<T> y = poisoned<T>(n + 1);
      kernel(s, x.data(), y.data());
      CHECK(std::isnan(y.back()));
      return y;
    });
  };
  const std::int64_t n = s.outer * s.n * s.inner;
  return {run(tested<T>().logsumexp, s.outer * s.inner), run(tested<T>().softmax, n), run(tested<T>().log_softmax, n)};
}

}  // namespace

TEST_CASE_TEMPLATE("softmax and its logarithms over any axis", T, float, double) {
  for (double shift : {0.0, 1e4, -1e4})
    for (const Slab& s : kSlabs) {
      std::vector<T> x = numbers<T>(s.outer * s.n * s.inner, 1, shift - 8, shift + 8);
      const Outputs<T> y = all(s, x);
      // x - m loses half a unit of a number below 16, so exp (4 units) half of 16 more; sums are of positive terms, over at
      // most 200 roundings (Kahan's down columns); then a product or a logarithm.
      const double relative = (8 + 8 + 200 + 8) * kEps<T>;
      double worst = 0;
      const auto see = [&worst](double error) { worst = error <= worst ? worst : error; };
      each_line(s, [&](std::int64_t first, std::int64_t step, std::int64_t to) {
        long double most = -kInf<T>, sum = 0;
        for (std::int64_t i = 0; i < s.n; ++i) most = std::max<long double>(most, x[first + i * step]);
        for (std::int64_t i = 0; i < s.n; ++i) sum += std::exp(x[first + i * step] - most);
        const long double lse = most + std::log(sum);
        see(double(std::abs(y.logsumexp[to] - lse) / (std::abs(lse) * kEps<T> * 8 + relative)));
        for (std::int64_t i = 0; i < s.n; ++i) {
          const long double log_p = x[first + i * step] - lse, p = std::exp(log_p);
          see(double(std::abs(y.softmax[first + i * step] - p) / (p * relative)));
          see(double(std::abs(y.log_softmax[first + i * step] - log_p) / (32 * kEps<T> + relative)));
        }
      });
      CAPTURE(s.outer);
      CAPTURE(s.n);
      CAPTURE(s.inner);
      CHECK(worst <= 1);
    }
}

TEST_CASE_TEMPLATE("infinities and NaN in a line, as PyTorch has them", T, float, double) {
  for (std::int64_t inner : {1, 2})
    for (std::int64_t n : {3, 40}) {
      const auto lines = [&](T a, T b) {  // a, b, then ones, in line 0; ones in the other
        std::vector<T> x(n * inner, T(1));
        x[0] = a, x[inner] = b;
        return all(Slab{1, n, inner}, x);
      };
      const auto masked = lines(-kInf<T>, T(1));  // one impossible class
      CHECK(masked.softmax[0] == 0);
      CHECK(masked.log_softmax[0] == -kInf<T>);
      CHECK(std::abs(masked.softmax[inner] * T(n - 1) - 1) <= T(1e-5));
      const auto certain = lines(kInf<T>, T(0));
      CHECK(certain.logsumexp[0] == kInf<T>);
      CHECK(std::isnan(certain.softmax[0]));
      const auto lost = lines(kNan<T>, T(0));
      CHECK(std::isnan(lost.logsumexp[0]));
      CHECK(std::isnan(lost.softmax[inner]));
      CHECK(std::isnan(lost.log_softmax[inner]));
      std::vector<T> nothing(n * inner, -kInf<T>);
      const auto none = all(Slab{1, n, inner}, nothing);
      CHECK(none.logsumexp[0] == -kInf<T>);
      CHECK(std::isnan(none.softmax[0]));
      CHECK(std::isnan(none.log_softmax[0]));
      if (inner == 2)
        for (const Outputs<T>& y : {masked, certain, lost})
          CHECK(std::abs(y.softmax[1] * T(n) - 1) <= T(1e-5));
    }
}

TEST_CASE_TEMPLATE("logsumexp of nothing is -inf", T, float, double) {
  std::vector<T> y = poisoned<T>(6);
  tested<T>().logsumexp({2, 0, 3}, nullptr, y.data());
  for (T v : y) CHECK(v == -kInf<T>);
}

TEST_CASE_TEMPLATE("running sums in both directions", T, float, double) {
  for (const Slab& s : kSlabs)
    for (bool reverse : {false, true}) {
      const std::vector<T> x = numbers<T>(s.outer * s.n * s.inner, 2, -1, 2);
      const auto y = on_threads([&] {
        std::vector<T> out = poisoned<T>(std::int64_t(x.size()) + 1);
        tested<T>().cumsum(s, reverse, x.data(), out.data());
        CHECK(std::isnan(out.back()));
        return out;
      });
      double worst = 0;
      each_line(s, [&](std::int64_t first, std::int64_t step, std::int64_t) {
        long double sum = 0, size = 0;
        for (std::int64_t j = 0; j < s.n; ++j) {
          const std::int64_t at = first + (reverse ? s.n - 1 - j : j) * step;
          sum += x[at], size += std::abs(x[at]);
          // kept in double, and rounded once to T
          const double bound = double(size) * double(j + 1) * kEps<double> + double(std::abs(sum)) * kEps<T>;
          const double error = double(std::abs(y[at] - sum)) / bound;
          worst = error <= worst ? worst : error;
        }
      });
      CHECK(worst <= 1);
    }
}

TEST_CASE_TEMPLATE("add_rows adds in the order of the index, repeated rows too", T, float, double) {
  struct Shape {
    std::int64_t n, rows, width;
  };
  for (const Shape s : {Shape{0, 3, 4},
                        {1, 1, 1},
                        {100, 7, 1},
                        {50000, 10, 3},
                        {999, 40, 20},
                        {128, 500, 512},
                        {3000, 30, 129},
                        {5, 0, 0},
                        {4, 3, 0}}) {
    const std::vector<T> x = numbers<T>(s.n * s.width, 3, -1, 1);
    std::vector<std::int64_t> index(s.n);
    std::mt19937_64 engine(4);
    for (std::int64_t& i : index) i = s.rows ? std::int64_t(engine() % std::uint64_t(s.rows)) / 2 : 0;
    const std::int64_t n = s.rows ? s.n : 0;
    const auto y = on_threads([&] {
      std::vector<T> out = poisoned<T>(s.rows * s.width + 1);
      tested<T>().add_rows(n, s.rows, s.width, index.data(), x.data(), out.data());
      CHECK(std::isnan(out.back()));
      return out;
    });
    std::vector<T> expected(s.rows * s.width + 1, T(0));
    expected.back() = y.back();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t k = 0; k < s.width; ++k) expected[index[i] * s.width + k] += x[i * s.width + k];
    CHECK(same_bits(y, expected));
  }
}
