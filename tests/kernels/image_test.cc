// resample, arg_max_pool, take_pixels and add_pixels where the work is divided among threads, and where channels are many.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

/// Windows of 3, two apart, over n inputs: dense, with one row (the second) empty.
template <class T>
struct Triples {
  explicit Triples(std::int64_t n) {
    for (std::int64_t i = 0; 2 * i + 3 <= n; ++i) {
      for (std::int64_t j = 0; j < 3 && i != 1; ++j) column.push_back(2 * i + j), weight.push_back(T(j + 1));
      begin.push_back(std::int64_t(column.size()));
    }
  }
  SparseRows<T> rows() const {
    return {std::int64_t(begin.size()) - 1, begin.data(), column.data(), weight.data()};
  }
  std::vector<std::int64_t> begin{0}, column;
  std::vector<T> weight;
};

}  // namespace

TEST_CASE_TEMPLATE("resample is a sum over rows and columns", T, float, double) {
  if (!tested<T>().resample) return;  // not on this device yet
  for (const std::int64_t C : {1, 3, 64, 100}) {
    const std::int64_t N = 5, H = 21, W = 33;
    const Triples<T> rows(H), columns(W);
    const std::int64_t P = rows.rows().m, Q = columns.rows().m;
    std::vector<T> x = numbers<T>(N * H * W * C, 1, -8, 8);
    for (T& v : x) v = T(int(v));  // integers: all sums are exact
    const auto y = on_threads([&] {
      std::vector<T> out = poisoned<T>(N * P * Q * C + 1);
      tested<T>().resample(N, H, W, C, rows.rows(), columns.rows(), x.data(), out.data());
      CHECK(std::isnan(out.back()));
      return out;
    });
    bool right = true;
    for (std::int64_t i = 0; i < N * P * Q * C; ++i) {
      const std::int64_t c = i % C, q = i / C % Q, p = i / C / Q % P, n = i / C / Q / P;
      T sum = 0;
      for (std::int64_t r = 0; r < 3 && p != 1; ++r)
        for (std::int64_t s = 0; s < 3 && q != 1; ++s)
          sum += T((r + 1) * (s + 1)) * x[((n * H + 2 * p + r) * W + 2 * q + s) * C + c];
      right = right && y[i] == sum;
    }
    CHECK(right);
  }
}

TEST_CASE_TEMPLATE("the place of a window's maximum: the first of equals, NaN before all", T, float, double) {
  if (!tested<T>().arg_max_pool) return;  // not on this device yet
  for (const std::int64_t C : {1, 5, 300}) {
    const Windows g{.N = 4, .H = 19, .W = 23, .C = C, .P = 10, .Q = 12, .size = 3, .stride = 2, .padding = 1};
    std::vector<T> x = numbers<T>(g.N * g.H * g.W * C, 1, 0, 4);
    for (T& v : x) v = T(int(v));  // many are equal
    for (std::size_t i = 0; i < x.size(); i += 37) x[i] = kNan<T>;
    const auto index = on_threads([&] {
      std::vector<std::int64_t> out(g.N * g.P * g.Q * C, -1);
      tested<T>().arg_max_pool(g, x.data(), out.data());
      return out;
    });
    bool right = true;
    for (std::int64_t i = 0; i < std::int64_t(index.size()); ++i) {
      const std::int64_t c = i % C, q = i / C % g.Q, p = i / C / g.Q % g.P, n = i / C / g.Q / g.P;
      std::int64_t best = -1;
      const auto at = [&](std::int64_t pixel) { return x[(n * g.H * g.W + pixel) * C + c]; };
      for (std::int64_t h = std::max<std::int64_t>(2 * p - 1, 0); h < std::min(2 * p + 2, g.H); ++h)
        for (std::int64_t w = std::max<std::int64_t>(2 * q - 1, 0); w < std::min(2 * q + 2, g.W); ++w) {
          const std::int64_t pixel = h * g.W + w;
          if (best < 0 || (!std::isnan(at(best)) && (at(pixel) > at(best) || std::isnan(at(pixel)))))
            best = pixel;
        }
      right = right && index[i] == best;
    }
    CHECK(right);
  }
}

TEST_CASE_TEMPLATE("take_pixels and add_pixels, several to one place", T, float, double) {
  if (!tested<T>().take_pixels) return;  // not on this device yet
  const std::int64_t N = 6, n_x = 50, n_y = 700, C = 9;
  const std::vector<T> x = numbers<T>(N * n_x * C, 1, -1, 1), dy = numbers<T>(N * n_y * C, 2, -1, 1);
  std::vector<std::int64_t> index(N * n_y * C);
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = std::int64_t(i * 7919 % 31);
  const auto y = on_threads([&] {
    std::vector<T> out = poisoned<T>(N * n_y * C + 1);
    tested<T>().take_pixels(N, n_x, n_y, C, index.data(), x.data(), out.data());
    CHECK(std::isnan(out.back()));
    return out;
  });
  const auto dx = on_threads([&] {
    std::vector<T> out = poisoned<T>(N * n_x * C + 1);
    tested<T>().add_pixels(N, n_y, n_x, C, index.data(), dy.data(), out.data());
    CHECK(std::isnan(out.back()));
    return out;
  });
  std::vector<T> sums(N * n_x * C, T(0));
  bool taken = true;
  for (std::int64_t i = 0; i < N * n_y * C; ++i) {
    const std::int64_t place = (i / (n_y * C) * n_x + index[i]) * C + i % C;
    taken = taken && y[i] == x[place];
    sums[place] += dy[i];
  }
  CHECK(taken);
  CHECK(same_bits(sums, std::vector<T>(dx.begin(), dx.end() - 1)));
}
