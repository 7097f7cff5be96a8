// Every kernel once at sizes of a few tiles, against the CPU's: little enough for a memory checker that slows a GPU down a
// hundredfold. On the CPU itself this compares instruction levels with nothing, and only shows that the test runs.
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

/// Numbers of the same size come out of both within `units` roundings of the largest.
template <class T>
void check_near(const std::vector<T>& y, const std::vector<T>& expected, double units = 16) {
  REQUIRE(y.size() == expected.size());
  double largest = 1;
  for (T v : expected)
    if (std::isfinite(v)) largest = std::max(largest, std::abs(double(v)));
  bool right = true;
  for (std::size_t i = 0; i < y.size(); ++i)
    right = right && (y[i] == expected[i] ||
                      std::abs(double(y[i]) - double(expected[i])) <= units * kEps<T> * largest);
  CHECK(right);
}

/// f(kernels, y) on both devices, y of n elements.
template <class T, class F>
void compare(std::int64_t n, const F& f, double units = 16) {
  std::vector<T> y = poisoned<T>(n), expected = poisoned<T>(n);
  f(tested<T>(), y.data());
  f(cpu<T>(), expected.data());
  check_near(y, expected, units);
}

constexpr std::int64_t kSizes[] = {1, 31, 33, 1000};

}  // namespace

TEST_SUITE_BEGIN("small");

TEST_CASE_TEMPLATE("element by element", T, float, double) {
  for (std::int64_t n : kSizes) {
    const std::vector<T> a = numbers<T>(n, 1, 0.1, 2), b = numbers<T>(n, 2, 0.1, 0.9);
    for (int op = 0; op <= int(Unary::silu); ++op)
      compare<T>(n, [&](const auto& k, T* y) { k.unary(Unary(op), {0.3, 1.5}, n, a.data(), y); });
    for (int op = 0; op <= int(Binary::bce_with_logits_grad); ++op)
      for (bool whole : {false, true})
        compare<T>(n, [&](const auto& k, T* y) {
          k.binary(Binary(op), {0.2, 1}, {1, {n}, {{1}, {whole}}}, a.data(), b.data(), y);
        });
    compare<T>(n, [&](const auto& k, T* y) { k.fill(n, T(3), y); });
    compare<T>(n, [&](const auto& k, T* y) { k.arange(n, -1, 0.5, y); });
    compare<T>(
        n,
        [&](const auto& k, T* y) {
          k.uniform({5, 3}, T(-1), T(2), n, y);
        },
        0);
    compare<T>(n, [&](const auto& k, T* y) { k.normal({5, 3}, T(0), T(1), n, y); });
    compare<T>(n, [&](const auto& k, T* y) {
      std::copy(b.begin(), b.end(), y);
      k.lerp(T(0.1), n, a.data(), y);
    });
  }
  const std::vector<T> a = numbers<T>(12 * 70, 3, -1, 1), row = numbers<T>(70, 4, -1, 1);
  compare<T>(12 * 70, [&](const auto& k, T* y) {
    k.binary(Binary::add, {}, {2, {12, 70}, {{70, 1}, {0, 1}}}, a.data(), row.data(), y);
  });
  compare<T>(12 * 70, [&](const auto& k, T* y) {
    k.binary(Binary::sub, {}, {3, {70, 3, 4}, {{1, 280, 70}, {1, 0, 0}}}, a.data(), row.data(), y);
  });
}

TEST_CASE_TEMPLATE("along an axis", T, float, double) {
  for (const Slab s : {Slab{1, 1000, 1}, Slab{5, 33, 1}, Slab{1, 300, 70}, Slab{3, 40, 5}, Slab{70, 7, 1}}) {
    const std::int64_t n = s.outer * s.n * s.inner, rest = s.outer * s.inner;
    const std::vector<T> x = numbers<T>(n, 6, -2, 2);
    for (Reduction op : {Reduction::sum, Reduction::max, Reduction::min})
      compare<T>(
          rest, [&](const auto& k, T* y) { k.reduce(op, s, x.data(), y); }, 64);
    compare<T>(
        rest, [&](const auto& k, T* y) { k.logsumexp(s, x.data(), y); }, 64);
    compare<T>(
        n, [&](const auto& k, T* y) { k.softmax(s, x.data(), y); }, 64);
    compare<T>(
        n, [&](const auto& k, T* y) { k.log_softmax(s, x.data(), y); }, 64);
    for (bool reverse : {false, true})
      compare<T>(
          n, [&](const auto& k, T* y) { k.cumsum(s, reverse, x.data(), y); }, 64);
    compare<T>(
        1, [&](const auto& k, T* y) { k.sum_binary(Binary::mul, {}, n, x.data(), x.data(), y); }, 64);
    std::vector<std::int64_t> at(rest, -1), expected(rest, -1);
    tested<T>().arg_reduce(ArgReduction::argmax, s, x.data(), at.data());
    cpu<T>().arg_reduce(ArgReduction::argmax, s, x.data(), expected.data());
    CHECK(at == expected);
  }
  std::vector<std::int64_t> index;
  for (int i = 0; i < 100; ++i) index.push_back(i * 37 % 11);
  const std::vector<T> x = numbers<T>(100 * 35, 7, -2, 2);
  compare<T>(
      11 * 35, [&](const auto& k, T* y) { k.add_rows(100, 11, 35, index.data(), x.data(), y); }, 64);
}

TEST_CASE_TEMPLATE("matrix products", T, float, double) {
  for (const auto& [M, N, K] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {17, 33, 9}, {64, 64, 64}, {130, 70, 45}, {5, 3, 900}})
    for (int transposes = 0; transposes < 4; ++transposes) {
      const std::vector<T> a = numbers<T>(M * K, 8, -1, 1), b = numbers<T>(K * N, 9, -1, 1),
                           bias = numbers<T>(N, 10, -1, 1);
      MatMul<T> p;
      p.M = M, p.N = N, p.K = K, p.a = a.data(), p.b = b.data(), p.bias = bias.data();
      p.a_row = transposes & 1 ? 1 : K, p.a_col = transposes & 1 ? M : 1;
      p.b_row = transposes & 2 ? 1 : N, p.b_col = transposes & 2 ? K : 1;
      p.act = Activation::leaky_relu, p.slope = T(0.2), p.c_row = N;
      compare<T>(
          M * N,
          [&](const auto& k, T* y) {
            p.c = y;
            k.matmul(p);
          },
          4.0 * double(K));
    }
}

TEST_CASE_TEMPLATE("convolutions", T, float, double) {
  // odd and whole packs of channels, a stride with phases of different sizes, groups, depthwise, one pixel, a whole image
  for (const Conv2dGeometry& g : {Conv2dGeometry{2, 9, 7, 3, 5, 3, 2, 5, 3, 2, {1, 0}, 1, 1},
                                  Conv2dGeometry{3, 6, 6, 8, 36, 4, 4, 3, 3, 2, 1, 1, 1},
                                  Conv2dGeometry{1, 11, 10, 12, 8, 3, 3, 4, 3, {3, 2}, {1, 0}, {1, 2}, 2},
                                  Conv2dGeometry{2, 7, 8, 6, 6, 3, 3, 4, 4, 2, 1, 1, 6},
                                  Conv2dGeometry{2, 3, 3, 4, 6, 1, 1, 3, 3, 1, 0, 1, 1},
                                  Conv2dGeometry{5, 4, 4, 3, 6, 4, 4, 1, 1, 1, 0, 1, 1}}) {
    const std::int64_t n_x = g.N * g.H * g.W * g.C, n_w = g.K * g.R * g.S * g.C / g.groups,
                       n_y = g.N * g.P * g.Q * g.K;
    const std::vector<T> x = numbers<T>(n_x, 21, -1, 1), w = numbers<T>(n_w, 22, -1, 1),
                         y = numbers<T>(n_y, 23, -1, 1), bias = numbers<T>(36, 24, -1, 1);
    const Epilogue<T> e{bias.data(), Activation::leaky_relu, T(0.2)};
    compare<T>(
        n_y, [&](const auto& k, T* to) { k.conv2d(g, x.data(), w.data(), e, to); }, 600);
    compare<T>(
        n_x, [&](const auto& k, T* to) { k.conv2d_input(g, y.data(), w.data(), e, to); }, 1200);
    compare<T>(
        n_w, [&](const auto& k, T* to) { k.conv2d_filter(g, x.data(), y.data(), to); }, 400);
  }
}

TEST_CASE_TEMPLATE("normalisation", T, float, double) {
  for (const auto& [rows, C] :
       {std::array<std::int64_t, 2>{5, 1}, {700, 3}, {3000, 4}, {70, 64}, {9, 257}, {40, 300}}) {
    const std::int64_t n = rows * C, columns = C;
    const std::vector<T> x = numbers<T>(n, 13, -1, 2), dy = numbers<T>(n, 14, -1, 1),
                         mean = numbers<T>(C, 15, 0, 1), var = numbers<T>(C, 16, 0.5, 1),
                         gamma = numbers<T>(C, 17, -1, 1), beta = numbers<T>(C, 18, -1, 1);
    const BatchNorm<T> b{rows,         C,           x.data(), mean.data(), var.data(),
                         gamma.data(), beta.data(), T(1e-5),  T(0.2)};
    compare<T>(
        2 * C, [&](const auto& k, T* y) { k.moments(b.rows, columns, b.x, y, y + columns); }, 64);
    compare<T>(n, [&](const auto& k, T* y) { k.batch_norm(b, y); });
    compare<T>(
        2 * C, [&](const auto& k, T* y) { k.batch_norm_sums(b, dy.data(), y, y + columns); },
        4.0 * double(rows));
    compare<T>(n,
               [&](const auto& k, T* y) { k.batch_norm_input(b, dy.data(), beta.data(), gamma.data(), y); });
  }
}

TEST_CASE_TEMPLATE("images", T, float, double) {
  const std::int64_t begin[] = {0, 2, 2, 3, 6}, column[] = {0, 3, 1, 4, 2, 0};
  for (const std::int64_t C : {1, 3, 8}) {
    const std::int64_t N = 3, H = 5, W = 6, n = N * H * W * C;
    const std::vector<T> x = numbers<T>(n, 19, -1, 1), weight = numbers<T>(6, 20, -1, 1);
    const SparseRows<T> matrix{4, begin, column, weight.data()};
    compare<T>(N * 16 * C, [&](const auto& k, T* y) { k.resample(N, H, W, C, matrix, matrix, x.data(), y); });
    const Windows g{
        .N = N, .H = H, .W = W, .C = C, .P = 3, .Q = 3, .size = 3, .stride = {2, 2}, .padding = 1};
    std::vector<std::int64_t> index(N * 9 * C, -1), expected(N * 9 * C, -1);
    tested<T>().arg_max_pool(g, x.data(), index.data());
    cpu<T>().arg_max_pool(g, x.data(), expected.data());
    CHECK(index == expected);
    compare<T>(N * 9 * C,
               [&](const auto& k, T* y) { k.take_pixels(N, H * W, 9, C, expected.data(), x.data(), y); });
    compare<T>(
        n, [&](const auto& k, T* y) { k.add_pixels(N, 9, H * W, C, expected.data(), x.data(), y); }, 0);
  }
}

TEST_CASE_TEMPLATE("optimizers", T, float, double) {
  const std::int64_t sizes[] = {1, 500, 0, 33};
  const std::vector<T> dw = numbers<T>(1000, 11, -1, 1);
  const auto optimize = [&](const auto& step) {
    compare<T>(3000, [&](const auto& k, T* y) {
      const std::vector<T> start = numbers<T>(3000, 12, 0.1, 1);
      std::copy(start.begin(), start.end(), y);
      std::vector<ParameterSlice<T>> slices;
      std::int64_t at = 0;
      for (std::int64_t n : sizes) {
        slices.push_back({n, y + at, dw.data() + at, y + 1000 + at, y + 2000 + at});
        at += n;
      }
      step(k, int(slices.size()), slices.data());
    });
  };
  optimize([](const auto& k, int n, auto* p) {
    k.adam({1e-2, 0.9, 0.99, 1e-8, 0.1, false, 0.1, 0.01, 1}, n, p);
  });
  optimize([](const auto& k, int n, auto* p) { k.sgd({1e-2, 0.9, 0, 0.1, true, false, 1}, n, p); });
  optimize([](const auto& k, int n, auto* p) { k.rmsprop({1e-2, 0.9, 1e-8, 0, 1}, n, p); });
}

TEST_CASE_TEMPLATE("nearest codes", T, float, double) {
  for (const auto& [M, K, D] :
       {std::array<std::int64_t, 3>{1, 1, 1}, {70, 33, 5}, {64, 64, 16}, {130, 70, 37}}) {
    std::vector<T> z = numbers<T>(M * D, 11, -2.5, 2.5), codes = numbers<T>(K * D, 12, -2.5, 2.5);
    for (std::vector<T>* x : {&z, &codes})  // whole numbers, of which sums are exact
      for (T& v : *x) v = std::round(v);
    std::vector<std::int64_t> index(M, -1), counts(K, -1), index_expected(M, -1), counts_expected(K, -1);
    tested<T>().quantize(M, K, D, z.data(), codes.data(), index.data(), counts.data());
    cpu<T>().quantize(M, K, D, z.data(), codes.data(), index_expected.data(), counts_expected.data());
    CHECK(index == index_expected);
    CHECK(counts == counts_expected);
  }
}

TEST_CASE_TEMPLATE("steps of an LSTM", T, float, double) {
  for (const auto& [M, H, P] :
       {std::array<std::int64_t, 3>{1, 1, 0}, {70, 33, 0}, {70, 9, 1}, {90, 16, 30}}) {
    const std::int64_t n = M * H, weights = 3 * P * H;
    const std::vector<T> a = numbers<T>(4 * n, 1, -3, 3), c = numbers<T>(n, 2, -2, 2),
                         w = numbers<T>(weights, 3, -1, 1), d = numbers<T>(n, 4, -1, 1);
    const LstmCell<T> p{M, H, P ? P : 1, a.data(), c.data(), P ? w.data() : nullptr};
    compare<T>(2 * n, [&, n_ = n](const auto& k, T* y) { k.lstm_cell(p, y, y + n_); });
    compare<T>(
        5 * n + weights,
        [&, n_ = n, P_ = P](const auto& k, T* y) {
          k.lstm_cell_grad(p, d.data(), c.data(), y, y + 4 * n_, P_ ? y + 5 * n_ : nullptr);
        },
        64);
  }
}

TEST_CASE("moves") {
  std::vector<float> x(90 * 70), y(90 * 70), expected(90 * 70);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = float(i);
  const auto same = [&] {
    CHECK(y == expected);
    std::fill(y.begin(), y.end(), -1.f);
  };
  for (const Walk& w : {Walk{2, {70, 90}, {{1, 70}, {90, 1}}}, Walk{1, {6300}, {{1}, {1}}},
                        Walk{2, {90, 70}, {{0, 1}, {70, 1}}}}) {
    tested_move().copy(w, 4, x.data(), y.data());
    cpu_move().copy(w, 4, x.data(), expected.data());
    same();
  }
  std::vector<std::uint8_t> mask(6300), bytes(6300), bytes_expected(6300);
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 3 == 0;
  const std::vector<float> zeros(6300, 0.f);
  tested_move().where({1, {6300}, {{1}, {1}, {1}}}, 4, mask.data(), x.data(), zeros.data(), y.data());
  cpu_move().where({1, {6300}, {{1}, {1}, {1}}}, 4, mask.data(), x.data(), zeros.data(), expected.data());
  same();
  std::vector<std::int64_t> index;
  for (int i = 0; i < 90; ++i) index.push_back((i * 31) % 90);
  tested_move().take_rows(90, 280, index.data(), x.data(), y.data());
  cpu_move().take_rows(90, 280, index.data(), x.data(), expected.data());
  same();
  tested_move().cast(6300, DType::f32, x.data(), DType::u8, bytes.data());
  cpu_move().cast(6300, DType::f32, x.data(), DType::u8, bytes_expected.data());
  CHECK(bytes == bytes_expected);
}

TEST_SUITE_END();
