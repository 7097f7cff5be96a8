// exp, log and their kin, through the kernels of the level in use: at most 4 units in the last place from the C library's
// result in a wider type, over the whole range.
#include "kernels/kernels.h"
#include "tests/device.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <random>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

template <class W>
W sigmoid(W x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}
template <class W>
W softplus(W x) {
  return std::isnan(x) ? x : std::fmax(x, W(0)) + std::log1p(std::exp(-std::fabs(x)));
}
template <class W>
struct Exact {  // in double for float (fast enough for all 2^32), in long double for double
  const char* name;
  Unary op;
  Scalars s;
  W (*value)(W);
};
template <class W>
const std::vector<Exact<W>>& functions() {
  static const std::vector<Exact<W>> all = {
      {"exp", Unary::exp, {}, [](W x) { return std::exp(x); }},
      {"log", Unary::log, {}, [](W x) { return std::log(x); }},
      {"log1p", Unary::log1p, {}, [](W x) { return std::log1p(x); }},
      {"sqrt", Unary::sqrt, {}, [](W x) { return std::sqrt(x); }},
      {"sin", Unary::sin, {}, [](W x) { return std::sin(x); }},
      {"cos", Unary::cos, {}, [](W x) { return std::cos(x); }},
      {"erf", Unary::erf, {}, [](W x) { return std::erf(x); }},
      {"tanh", Unary::tanh, {}, [](W x) { return std::tanh(x); }},
      {"sigmoid", Unary::sigmoid, {}, sigmoid<W>},
      {"softplus", Unary::softplus, {1, double(kInf<float>)}, softplus<W>},
  };
  return all;
}

/// The worst of the results for x, which is filled by `fill(first, x)` time and again, `count` numbers in all.
template <class T, class W, class Fill>
void check(const Exact<W>& f, std::int64_t count, const Fill& fill) {
  constexpr std::int64_t block = 4096;
  double worst = 0;
  T where = 0;
#pragma omp parallel
  {
    std::vector<T> x(block);
    double my_worst = 0;
    T my_where = 0;
#pragma omp for schedule(static)
    for (std::int64_t first = 0; first < count; first += block) {
      std::vector<T> y = poisoned<T>(block);
      fill(first, x);
      tested<T>().unary(f.op, f.s, block, x.data(), y.data());
      for (std::int64_t i = 0; i < block; ++i) {
        const double error = ulps(y[i], f.value(W(x[i])));
        if (!(error <= my_worst)) my_worst = error, my_where = x[i];
      }
    }
#pragma omp critical
    if (!(my_worst <= worst)) worst = my_worst, where = my_where;
  }
  INFO(f.name << " at " << double(where) << ": " << worst << " units in the last place");
  CHECK(worst <= 4);
}

void check_floats(std::int64_t step) {
  for (const Exact<double>& f : functions<double>())
    check<float>(f, (std::int64_t{1} << 32) / step, [step](std::int64_t first, std::vector<float>& x) {
      for (std::size_t i = 0; i < x.size(); ++i)
        x[i] = std::bit_cast<float>(std::uint32_t((first + std::int64_t(i)) * step));
    });
}

}  // namespace

TEST_CASE("float functions: every 2003rd number") { check_floats(2003); }

TEST_SUITE("slow") {
  TEST_CASE("float functions: every number") { check_floats(1); }
}

TEST_CASE("double functions: random numbers over the whole range and where the functions live") {
  struct Range {
    double low, high;  // all bit patterns where they are equal
  };
  for (const Exact<long double>& f : functions<long double>())
    for (const Range r : {Range{0, 0}, {-1, 1}, {-1e-5, 1e-5}, {0.5, 2}, {-30, 30}, {-750, 750}, {-1e6, 1e6}})
      check<double>(f, 40960, [&](std::int64_t first, std::vector<double>& x) {
        std::mt19937_64 engine{unsigned(first) + 1};
        std::uniform_real_distribution<double> draw(r.low, r.low == r.high ? r.low + 1 : r.high);
        for (double& v : x) v = r.low == r.high ? std::bit_cast<double>(engine()) : draw(engine);
      });
}

TEST_CASE_TEMPLATE("functions at their corners", T, float, double) {
  using W = std::conditional_t<sizeof(T) == 4, double, long double>;
  using Limits = std::numeric_limits<T>;
  std::vector<T> x = {T(0),
                      T(-0.0),
                      kInf<T>,
                      -kInf<T>,
                      kNan<T>,
                      -kNan<T>,
                      Limits::denorm_min(),
                      -Limits::denorm_min(),
                      Limits::min(),
                      -Limits::min(),
                      Limits::max(),
                      Limits::lowest(),
                      T(1),
                      T(-1)};
  const double tips[] = {
      88.722839,          -87.336544,        -103.278929, -103.972077, 709.782712893384,  -708.396418532264,
      -744.440071921381,  -745.133219101941, 16.635532,   18.714973,   36.736800569677,   17.328679513998,
      0.41421356,         0.70710678,        1.41421356,  3.919206,    5.921587195794508, 1e6,
      1.5707963267948966, 3.141592653589793, 411774.83,   1e22};
  for (double tip : tips)  // where results overflow, vanish or reach their limits, with their neighbours
    for (double v : {tip, -tip}) {
      T at = T(v);
      for (int i = 0; i < 4; ++i) at = std::nextafter(at, -kInf<T>);
      for (int i = 0; i < 9; ++i, at = std::nextafter(at, kInf<T>)) x.push_back(at);
    }
  for (const Exact<W>& f : functions<W>())
    for (std::size_t n : {x.size(), std::size_t{1}}) {  // as vectors, and one by one
      std::vector<T> y = poisoned<T>(x.size());
      for (std::size_t i = 0; i < x.size(); i += n) tested<T>().unary(f.op, f.s, n, x.data() + i, y.data() + i);
      for (std::size_t i = 0; i < x.size(); ++i) {
        INFO(f.name << " at " << double(x[i]) << " gives " << double(y[i]));
        CHECK(ulps(y[i], f.value(W(x[i]))) <= 4);
      }
    }
}

TEST_CASE("sine and cosine next to multiples of pi/2, where most of the argument cancels") {
  for (const char* name : {"sin", "cos"}) {
    std::vector<double> x;
    for (int k = 1; k < 600000; k += 37) x.push_back(double(k * 1.5707963267948966192313216916398L));
    x.resize((x.size() / 4096) * 4096);
    for (const Exact<long double>& f : functions<long double>())
      if (!std::strcmp(f.name, name)) {
        std::vector<double> y = poisoned<double>(x.size());
        tested<double>().unary(f.op, f.s, x.size(), x.data(), y.data());
        double worst = 0;
        for (std::size_t i = 0; i < x.size(); ++i) worst = std::fmax(worst, ulps(y[i], f.value(x[i])));
        CHECK(worst <= 4);
      }
  }
}

TEST_CASE_TEMPLATE("powers", T, float, double) {
  // float: computed in double, so correct to a unit; double: the C library's own
  const std::vector<T> base = numbers<T>(1001, 3, -5, 5);
  std::vector<T> x = base;
  for (T v : {T(0), T(-0.0), T(1), T(-1), kInf<T>, -kInf<T>, kNan<T>, T(1e-30), T(1e30), T(-1e30)})
    x.push_back(v);
  for (double a : {0.0, -0.0, 1.0, 2.0, 3.0, -1.0, -2.0, -3.0, 0.5, -0.5, 2.5, 1e-3, 101.0, -101.0,
                   4.0 * (1 << 24), double(kInf<T>), -double(kInf<T>), double(kNan<T>)}) {
    std::vector<T> y = poisoned<T>(x.size()), z = y;
    tested<T>().unary(Unary::pow_scalar, {.a = a}, x.size(), x.data(), y.data());
    const std::vector<T> exponents(x.size(), T(a));
    tested<T>().binary(Binary::pow, {}, {1, {std::int64_t(x.size())}, {{1}, {1}}}, x.data(), exponents.data(),
                    z.data());
    // A double's is the C library's; CUDA's promises 2 (CUDA C++ Programming Guide, mathematical functions).
    const double most = sizeof(T) == 8 && gesso::tests::tested_device() == Device::cuda ? 2 : 1;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const long double exact = std::pow((long double)x[i], (long double)a);
      INFO(double(x[i]) << " to the power of " << a << " gives " << double(y[i]) << " and " << double(z[i]));
      CHECK(ulps(z[i], exact) <= most);
      if (a == 0.5 && (x[i] == 0 || x[i] == -kInf<T>)) continue;  // the square root, which differs there
      CHECK(ulps(y[i], exact) <= most);
    }
  }
}
