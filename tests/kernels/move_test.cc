// Copies, casts, choices and gathers against loops by the definitions in kernels.h.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

template <class T>
std::vector<T> bytes_of_noise(std::int64_t n, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::vector<T> x(n);
  for (T& v : x) v = T(engine());
  return x;
}

/// A copy of x, within room for the strides on both sides, into 0xA5 bytes that must survive wherever nothing is copied to.
template <class T>
void check_copy(const Walk& w) {
  const std::int64_t room = 1 << 18;
  const std::vector<T> x = bytes_of_noise<T>(2 * room, 1);
  const auto y = on_threads([&] {
    std::vector<T> out(2 * room, T(0xA5A5A5A5A5A5A5A5));
    tested_move().copy(w, sizeof(T), x.data() + room, out.data() + room);
    return out;
  });
  std::vector<T> expected(2 * room, T(0xA5A5A5A5A5A5A5A5));
  each(w, [&](std::int64_t, const std::int64_t* at) { expected[room + at[1]] = x[room + at[0]]; });
  CAPTURE(w.dims);
  CAPTURE(w.shape[0]);
  CAPTURE(w.shape[1]);
  CHECK(same_bits(y, expected));
}

/// x of `shape` with its dimensions in the order `order`, written densely; some extents may be halved (a slice).
Walk permuted(std::vector<std::int64_t> shape, const std::vector<int>& order, bool slice = false) {
  Walk source{int(shape.size()), {}, {}};
  for (int d = 0; d < source.dims; ++d) source.shape[d] = shape[d];
  dense_strides(source, 0);
  Walk w{source.dims, {}, {}};
  for (int d = 0; d < w.dims; ++d) {
    w.shape[d] = slice ? (shape[order[d]] + 1) / 2 : shape[order[d]];
    w.strides[0][d] = source.strides[0][order[d]];
  }
  dense_strides(w, 1);
  return w;
}

}  // namespace

TEST_CASE_TEMPLATE("copies: every order of up to four dimensions", T, std::uint8_t, std::uint32_t,
                   std::uint64_t) {
  for (const std::vector<std::int64_t>& shape : {std::vector<std::int64_t>{37},
                                                 {16, 16},
                                                 {64, 32},
                                                 {33, 50},
                                                 {257, 129},
                                                 {3, 100},
                                                 {100, 3},
                                                 {1, 7},
                                                 {200, 1000},
                                                 {5, 6, 7},
                                                 {3, 64, 48},
                                                 {2, 17, 130},
                                                 {2, 3, 20, 21}}) {
    std::vector<int> order(shape.size());
    std::iota(order.begin(), order.end(), 0);
    do {
      check_copy<T>(permuted(shape, order));
      check_copy<T>(permuted(shape, order, true));
      Walk back = permuted(shape, order);  // scattered on the way out
      std::swap(back.strides[0], back.strides[1]);
      check_copy<T>(back);
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_CASE_TEMPLATE("copies: broadcast, flipped, into a slice, of nothing, of one", T, std::uint8_t,
                   std::uint32_t, std::uint64_t) {
  check_copy<T>({0, {}, {}});
  check_copy<T>({1, {0}, {{1}, {1}}});
  check_copy<T>({2, {5, 0}, {{1, 1}, {1, 1}}});
  check_copy<T>({1, {1}, {{0}, {0}}});
  check_copy<T>({1, {100001}, {{1}, {1}}});
  check_copy<T>({1, {100001}, {{0}, {1}}});
  check_copy<T>({1, {1001}, {{-1}, {1}}});
  check_copy<T>({2, {40, 33}, {{0, 1}, {33, 1}}});
  check_copy<T>({2, {40, 33}, {{1, 0}, {33, 1}}});
  check_copy<T>({2, {40, 33}, {{33, -1}, {33, 1}}});
  check_copy<T>({2, {40, 33}, {{-33, 1}, {33, 1}}});
  check_copy<T>({2, {40, 33}, {{33, 1}, {100, 1}}});
  check_copy<T>({2, {40, 33}, {{1, 40}, {100, 1}}});
  check_copy<T>({2, {40, 33}, {{2, 80}, {33, 1}}});
  check_copy<T>({6, {2, 3, 2, 3, 2, 3}, {{1, 2, 6, 12, 36, 72}, {108, 36, 18, 6, 3, 1}}});
}

namespace {

/// The nearest element of To on the way to 0; NaN is 0.
template <class To>
To expected_cast(long double x, DType to) {
  if (to == DType::b8) return To(x != 0);
  if (std::is_floating_point_v<To>) return To(x);
  if (std::isnan(x)) return 0;
  const long double low = std::numeric_limits<To>::min(), high = std::numeric_limits<To>::max();
  return To(std::trunc(std::clamp(x, low, high)));
}

template <class From, class To>
void check_cast(DType from, DType to, const std::vector<From>& x) {
  const auto y = on_threads([&] {
    std::vector<To> out(x.size() + 1, To(77));
    tested_move().cast(std::int64_t(x.size()), from, x.data(), to, out.data());
    return out;
  });
  CHECK(y.back() == To(77));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const To expected = expected_cast<To>(x[i], to);
    if (y[i] == expected || (y[i] != y[i] && expected != expected)) continue;
    CAPTURE(int(from));
    CAPTURE(int(to));
    CAPTURE((long double)x[i]);
    CHECK((long double)y[i] == (long double)expected);
  }
}
template <class From>
void check_casts(DType from, const std::vector<From>& x) {
  check_cast<From, float>(from, DType::f32, x);
  check_cast<From, double>(from, DType::f64, x);
  check_cast<From, std::int64_t>(from, DType::i64, x);
  check_cast<From, std::uint8_t>(from, DType::u8, x);
  check_cast<From, std::uint8_t>(from, DType::b8, x);
}

template <class T>
std::vector<T> numbers_and_ends() {
  std::vector<T> x = numbers<T>(20011, 1, -300, 600);
  for (double v : {0.0,
                   -0.0,
                   0.99,
                   -0.99,
                   1.0,
                   254.999,
                   255.0,
                   255.5,
                   256.0,
                   -1.0,
                   1e18,
                   -1e18,
                   9.3e18,
                   -9.3e18,
                   1e30,
                   -1e30,
                   9223372036854775808.0,
                   -9223372036854775808.0,
                   9223371487098961920.0,
                   16777217.0,
                   1e-40,
                   1e300})
    x.push_back(T(v));
  for (T v : {kInf<T>, -kInf<T>, kNan<T>, -kNan<T>}) x.push_back(v);
  return x;
}

}  // namespace

TEST_CASE("casts between all types: fractions cut off, ends kept, NaN 0") {
  check_casts(DType::f32, numbers_and_ends<float>());
  check_casts(DType::f64, numbers_and_ends<double>());
  std::vector<std::int64_t> whole = {0,         1,        -1, 254, 255, 256, -256, 16777217, 9007199254740993,
                                     INT64_MAX, INT64_MIN};
  for (std::int64_t i = 0; i < 20011; ++i) whole.push_back(i * i - 40000);
  check_casts(DType::i64, whole);
  std::vector<std::uint8_t> small(20011);
  for (std::size_t i = 0; i < small.size(); ++i) small[i] = std::uint8_t(i);
  check_casts(DType::u8, small);
  for (std::uint8_t& v : small) v &= 1;
  check_casts(DType::b8, small);
  check_casts(DType::f32, std::vector<float>{});
}

TEST_CASE_TEMPLATE("where", T, std::uint8_t, std::uint32_t, std::uint64_t) {
  const std::vector<T> a = bytes_of_noise<T>(200000, 2), b = bytes_of_noise<T>(200000, 3);
  std::vector<std::uint8_t> mask = bytes_of_noise<std::uint8_t>(200000, 4);
  for (std::uint8_t& m : mask) m &= 1;
  const Walk walks[] = {
      {0, {}, {}},
      {1, {0}, {{1}, {1}, {1}}},
      {1, {100003}, {{1}, {1}, {1}}},
      {1, {1003}, {{1}, {0}, {1}}},
      {1, {1003}, {{1}, {1}, {0}}},
      {1, {1003}, {{1}, {0}, {0}}},
      {1, {1003}, {{0}, {1}, {1}}},
      {2, {41, 33}, {{0, 1}, {33, 1}, {1, 41}}},
      {2, {41, 33}, {{1, 0}, {33, 1}, {0, 1}}},
      {3, {5, 6, 7}, {{1, 5, 30}, {42, 7, 1}, {0, 0, 1}}},
  };
  for (const Walk& w : walks) {
    std::int64_t n = 1;
    for (int d = 0; d < w.dims; ++d) n *= w.shape[d];
    const auto y = on_threads([&] {
      std::vector<T> out(n + 1, T(0xA5));
      tested_move().where(w, sizeof(T), mask.data(), a.data(), b.data(), out.data());
      return out;
    });
    std::vector<T> expected(n + 1, T(0xA5));
    each(w, [&](std::int64_t i, const std::int64_t* at) { expected[i] = mask[at[0]] ? a[at[1]] : b[at[2]]; });
    CHECK(y == expected);
  }
}

TEST_CASE("take_rows") {
  for (std::int64_t row : {0, 1, 3, 4, 8, 80, 4096})
    for (std::int64_t n : {0, 1, 1001, 20000}) {
      const std::vector<std::uint8_t> x = bytes_of_noise<std::uint8_t>(50 * row, 5);
      std::vector<std::int64_t> index(n);
      std::mt19937_64 engine(6);
      for (std::int64_t& i : index) i = std::int64_t(engine() % 50);
      const auto y = on_threads([&] {
        std::vector<std::uint8_t> out(n * row + 1, 0xA5);
        tested_move().take_rows(n, row, index.data(), x.data(), out.data());
        return out;
      });
      std::vector<std::uint8_t> expected(n * row + 1, 0xA5);
      for (std::int64_t i = 0; i < n; ++i)
        std::copy_n(x.begin() + index[i] * row, row, expected.begin() + i * row);
      CHECK(y == expected);
    }
}
