// Batch normalisation against slow loops in long double.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

struct Size {
  std::int64_t rows, C;
};
// One channel and few, whole vectors and not, more than the columns treated together, and enough rows for several threads.
const Size kSizes[] = {{2, 1},    {7, 3},     {1000, 1},   {5000, 3},  {128, 64},  {4097, 100}, {3, 257},
                       {33, 600}, {9000, 64}, {200, 3000}, {16, 5000}, {70000, 5}, {2, 512}};

template <class T>
struct Case {
  Case(Size s, double centre, bool affine)
      : size(s),
        x(numbers<T>(s.rows * s.C, 1, centre - 1, centre + 1)),
        dy(numbers<T>(s.rows * s.C, 2, -1, 1)),
        gamma(numbers<T>(s.C, 3, -1.5, 1.5)),
        beta(numbers<T>(s.C, 4, -1, 1)),
        mean(poisoned<T>(s.C + 1)),
        var(poisoned<T>(s.C + 1)) {
    tested<T>().moments(s.rows, s.C, x.data(), mean.data(), var.data());
    given = {s.rows, s.C, x.data(), mean.data(), var.data(), nullptr, nullptr, T(1e-3), T(0.2)};
    if (affine) given.gamma = gamma.data(), given.beta = beta.data();
  }
  long double rstd(std::int64_t c) const { return 1 / std::sqrt((long double)var[c] + given.eps); }
  long double xh(std::int64_t i) const { return ((long double)x[i] - mean[i % size.C]) * rstd(i % size.C); }
  long double g(std::int64_t i) const { return given.gamma ? gamma[i % size.C] : 1; }
  long double p(std::int64_t i) const { return xh(i) * g(i) + (given.beta ? beta[i % size.C] : 0); }
  long double dp(std::int64_t i) const {
    return p(i) > 0 ? (long double)dy[i] : given.slope * (long double)dy[i];
  }
  /// Within the rounding of p both sides of the kink are right.
  bool near_kink(std::int64_t i) const { return std::abs(p(i)) < 64 * kEps<T>; }

  Size size;
  std::vector<T> x, dy, gamma, beta, mean, var;
  BatchNorm<T> given;
};

/// f(case) for every size, with gamma and beta and without.
template <class T, class F>
void each_case(const F& f) {
  if (!tested<T>().moments) return;  // not on this device yet
  for (const Size& s : kSizes)
    for (bool affine : {true, false}) {
      CAPTURE(s.rows);
      CAPTURE(s.C);
      f(Case<T>(s, 0.5, affine));
    }
}

template <class T>
void check_moments(const Size& s, double centre) {
  const std::vector<T> x = numbers<T>(s.rows * s.C, 1, centre - 1, centre + 1);
  const auto moments = on_threads([&] {
    std::vector<T> both = poisoned<T>(2 * s.C + 1);
    tested<T>().moments(s.rows, s.C, x.data(), both.data(), both.data() + s.C);
    CHECK(std::isnan(both.back()));
    return both;
  });
  double worst_mean = 0, worst_var = 0;
  for (std::int64_t c = 0; c < s.C; ++c) {
    long double mean = 0, var = 0;
    for (std::int64_t r = 0; r < s.rows; ++r) mean += x[r * s.C + c];
    mean /= s.rows;
    for (std::int64_t r = 0; r < s.rows; ++r) var += (x[r * s.C + c] - mean) * (x[r * s.C + c] - mean);
    var /= s.rows;
    const double m = double(std::abs(moments[c] - mean)), v = double(std::abs(moments[s.C + c] - var));
    worst_mean = m <= worst_mean ? worst_mean : m;
    worst_var = v <= worst_var ? worst_var : v;
  }
  // At most 16 rows in sequence within a leaf, 9 joins in it, then a tree of at most 16 levels, each level three roundings.
  const double depth = 16 + 9 + 3 * 16;
  CHECK(worst_mean <= depth * kEps<T> * (centre + 1));
  // A mean that is wrong by e makes the variance wrong by e^2, and deviations are rounded like the numbers they come from.
  const double deviation = 2 * kEps<T> * (centre + 1);
  CHECK(worst_var <= 2 * depth * kEps<T> + 2 * deviation + std::pow(depth * kEps<T> * (centre + 1), 2));
}

}  // namespace

TEST_CASE_TEMPLATE("moments of columns, far from zero too", T, float, double) {
  if (!tested<T>().moments) return;  // not on this device yet
  for (const Size& s : kSizes)
    for (double centre : {0.0, 3.0, 1000.0}) {
      CAPTURE(s.rows);
      CAPTURE(s.C);
      CAPTURE(centre);
      check_moments<T>(s, centre);
    }
}

TEST_CASE_TEMPLATE("batch_norm normalises, scales, shifts, and bends at zero", T, float, double) {
  each_case<T>([](const Case<T>& c) {
    const std::int64_t n = std::int64_t(c.x.size());
    const auto y = on_threads([&] {
      std::vector<T> out = poisoned<T>(n + 1);
      tested<T>().batch_norm(c.given, out.data());
      CHECK(std::isnan(out.back()));
      return out;
    });
    double worst = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const long double p = c.p(i);
      const double error = double(std::abs(y[i] - (p > 0 ? p : c.given.slope * p)));
      worst = error <= worst ? worst : error;
    }
    CHECK(worst <= 32 * kEps<T>);  // some eight roundings of numbers below 4
  });
}

TEST_CASE_TEMPLATE("the sums of batch_norm's gradient", T, float, double) {
  each_case<T>([](const Case<T>& c) {
    const std::int64_t C = c.size.C;
    const auto sums = on_threads([&] {
      std::vector<T> out = poisoned<T>(2 * C + 1);
      tested<T>().batch_norm_sums(c.given, c.dy.data(), out.data(), out.data() + C);
      CHECK(std::isnan(out.back()));
      return out;
    });
    double worst = 0;
    for (std::int64_t k = 0; k < C; ++k) {
      long double dgamma = 0, dbeta = 0, kinks = 0;
      for (std::int64_t i = k; i < std::int64_t(c.x.size()); i += C) {
        dgamma += c.dp(i) * c.xh(i), dbeta += c.dp(i);
        if (c.near_kink(i)) kinks += 2;
      }
      const double error =
          double(std::max(std::abs(sums[k] - dgamma), std::abs(sums[C + k] - dbeta)) - kinks);
      worst = error <= worst ? worst : error;
    }
    CHECK(worst <= 32 * kEps<T> * double(c.size.rows) * 2);
  });
}

TEST_CASE_TEMPLATE("batch_norm's gradient for its input", T, float, double) {
  each_case<T>([](const Case<T>& c) {
    const std::int64_t n = std::int64_t(c.x.size()), C = c.size.C;
    const std::vector<T> dgamma = numbers<T>(C, 5, -3, 3), dbeta = numbers<T>(C, 6, -3, 3);
    const auto dx = on_threads([&] {
      std::vector<T> out = poisoned<T>(n + 1);
      tested<T>().batch_norm_input(c.given, c.dy.data(), dgamma.data(), dbeta.data(), out.data());
      CHECK(std::isnan(out.back()));
      return out;
    });
    double worst = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      if (c.near_kink(i)) continue;
      const std::int64_t k = i % C;
      const long double rest = (dbeta[k] + c.xh(i) * dgamma[k]) / c.size.rows;
      const double error = double(std::abs(dx[i] - c.g(i) * c.rstd(k) * (c.dp(i) - rest)) / c.rstd(k));
      worst = error <= worst ? worst : error;
    }
    CHECK(worst <= 64 * kEps<T>);
  });
}
