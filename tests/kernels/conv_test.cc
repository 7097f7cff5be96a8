// The convolutions of the CPU where their blocking shows: many panels, slivers and blocks of K, channels that are and are not
// whole vectors. On small integers, exactly; with any number of threads, to the bit.
#include "tests/device.h"
#include "tests/kernels/check.h"

#include <algorithm>

using namespace gesso::kernels;
using namespace gesso::test;
namespace tests = gesso::tests;

namespace {

struct Case {
  std::int64_t N, H, W, C, K, R, S;
  HW stride, padding, dilation;
  std::int64_t groups;
};

// DCGAN's layers with fewer images, sides of 1, 3 and 17 channels, groups, one image alone, depthwise, 1x1, whole images; then
// narrow images: many of them, one of many rows, steps and dilations that differ, pixels no tap reaches, wide padding.
const Case kCases[] = {{9, 16, 16, 3, 64, 4, 4, 2, 1, 1, 1},
                       {5, 28, 28, 1, 64, 5, 5, 2, 2, 1, 1},
                       {17, 7, 7, 99, 48, 5, 5, 1, 2, 1, 1},
                       {3, 12, 13, 17, 64, 3, 3, 1, 1, 1, 1},
                       {1, 33, 29, 20, 40, 3, 5, 1, {1, 2}, 1, 1},
                       {2, 20, 20, 32, 34, 3, 3, 1, 2, 2, 1},
                       {4, 15, 15, 24, 36, 3, 3, {2, 3}, 1, {2, 3}, 2},
                       {33, 9, 8, 37, 37, 3, 3, 2, 1, 1, 37},
                       {6, 11, 11, 70, 33, 1, 1, 1, 0, 1, 1},
                       {40, 4, 4, 50, 3, 4, 4, 1, 0, 1, 1},
                       {130, 4, 4, 16, 21, 3, 3, 1, 1, 1, 1},
                       {2, 6, 6, 600, 5, 3, 3, 1, 1, 1, 1},
                       {70, 2, 2, 48, 64, 5, 5, 3, 4, 1, 1},
                       {20, 32, 32, 3, 64, 4, 4, 2, 1, 1, 1},
                       {1, 70, 9, 2, 48, 4, 4, 2, 1, 1, 1},
                       {2, 40, 37, 2, 32, 5, 3, {3, 2}, {1, 3}, {2, 1}, 1},
                       {3, 10, 9, 3, 16, 1, 1, 2, 0, 1, 1},
                       {2, 5, 6, 1, 16, 3, 3, 1, 4, 1, 1}};

// What the CPU multiplies in another domain (kernels/cpu/conv_domain.h). Tiles of 2x2 are still exact.
const Case kSmallTileCases[] = {{15, 2, 40, 64, 64, 3, 3, 1, 1, 1, 1}, {9, 3, 41, 64, 48, 2, 2, 1, 0, 1, 1}};
// Tiles of 4x4 that do and do not fill the image, strides that differ, a zero tap, parts of a batch; then small images of many
// channels under large filters: circles of 9 and 12 points, phases of 5 and 4 taps, outputs that see one corner of the image only.
const Case kRoundedCases[] = {{9, 8, 8, 64, 48, 3, 3, 1, 1, 1, 1},
                              {10, 8, 8, 64, 128, 4, 4, 2, 1, 1, 1},
                              {6, 22, 16, 64, 96, 4, 4, 2, 1, 1, 1},
                              {8, 18, 15, 64, 64, 4, 2, {2, 1}, {1, 0}, 1, 1},
                              {3, 32, 30, 32, 64, 5, 5, 2, 2, 1, 1},
                              {15, 16, 16, 64, 64, 2, 2, 1, 0, 1, 1},
                              {2, 21, 19, 32, 32, 3, 3, 1, 1, 1, 1},
                              {3, 18, 21, 32, 48, 5, 5, 1, 2, 1, 1},
                              {20, 7, 7, 64, 128, 5, 5, 1, 2, 1, 1},
                              {20, 9, 9, 64, 32, 7, 7, 1, 3, 1, 1},
                              {40, 12, 7, 64, 64, 9, 5, {2, 1}, {4, 2}, 1, 1},
                              {20, 6, 5, 64, 64, 7, 7, 1, 6, 1, 1}};
// Large filters, gone through in blocks of channels that are not equally large: images of one tile, one image alone of several
// with a row that no tap reaches, frequencies.
const Case kLargeFilterCases[] = {{3, 8, 8, 144, 304, 4, 4, 2, 1, 1, 1},
                                  {1, 19, 18, 176, 240, 4, 4, 2, 0, 1, 1},
                                  {1, 5, 5, 208, 272, 5, 5, 1, 2, 1, 1}};

Conv2dGeometry geometry(const Case& c) {
  const auto outputs = [](std::int64_t size, std::int64_t taps, std::int64_t s, std::int64_t p,
                          std::int64_t d) { return (size + 2 * p - d * (taps - 1) - 1) / s + 1; };
  return {c.N,
          c.H,
          c.W,
          c.C,
          c.K,
          c.R,
          c.S,
          outputs(c.H, c.R, c.stride.h, c.padding.h, c.dilation.h),
          outputs(c.W, c.S, c.stride.w, c.padding.w, c.dilation.w),
          c.stride,
          c.padding,
          c.dilation,
          c.groups};
}

std::vector<Case> exact_cases() {
  std::vector<Case> all(std::begin(kCases), std::end(kCases));
  if (tests::tested_device() == Device::cpu)
    all.insert(all.end(), std::begin(kSmallTileCases), std::end(kSmallTileCases));
  return all;
}
std::vector<Case> rounded_cases() {
  if (tests::tested_device() != Device::cpu) return {};
  std::vector<Case> all(std::begin(kRoundedCases), std::end(kRoundedCases));
  all.insert(all.end(), std::begin(kLargeFilterCases), std::end(kLargeFilterCases));
  return all;
}
std::vector<Case> all_cases() {
  std::vector<Case> all = exact_cases(), rounded = rounded_cases();
  all.insert(all.end(), rounded.begin(), rounded.end());
  return all;
}

template <class T>
std::vector<T> integers(std::int64_t n, unsigned seed) {
  std::vector<T> x = numbers<T>(n, seed, -3.99, 3.99);
  for (T& v : x) v = std::trunc(v);
  return x;
}

/// The operands of a convolution, and its terms by the definition in kernels/conv.h.
template <class T>
struct Problem {
  Conv2dGeometry g;
  std::vector<T> x, w, y, bias;

  Problem(const Case& c, bool exact) : g(geometry(c)) {
    const auto draw = [exact](std::int64_t n, unsigned seed) {
      return exact ? integers<T>(n, seed) : numbers<T>(n, seed, -1, 1);
    };
    x = draw(g.N * g.H * g.W * g.C, 1), w = draw(g.K * g.R * g.S * g.C / g.groups, 2);
    y = draw(g.N * g.P * g.Q * g.K, 3), bias = draw(std::max(g.C, g.K), 4);
  }

  template <class F>
  void for_each_term(const F& f) const {
    const std::int64_t Cg = g.C / g.groups, Kg = g.K / g.groups;
    for (std::int64_t o = 0; o < g.N * g.P * g.Q; ++o)
      for (std::int64_t r = 0; r < g.R; ++r)
        for (std::int64_t s = 0; s < g.S; ++s) {
          const std::int64_t h = o / g.Q % g.P * g.stride.h + r * g.dilation.h - g.padding.h;
          const std::int64_t v = o % g.Q * g.stride.w + s * g.dilation.w - g.padding.w;
          if (h < 0 || h >= g.H || v < 0 || v >= g.W) continue;
          const std::int64_t pixel = (o / g.Q / g.P * g.H + h) * g.W + v;
          for (std::int64_t k = 0; k < g.K; ++k)
            for (std::int64_t c = 0; c < Cg; ++c)
              f(pixel * g.C + k / Kg * Cg + c, ((k * g.R + r) * g.S + s) * Cg + c, o * g.K + k);
        }
  }

  std::vector<T> conv2d() const {
    std::vector<T> out = poisoned<T>(std::int64_t(y.size()));
    tested<T>().conv2d(g, x.data(), w.data(), {bias.data(), Activation::leaky_relu, T(0.5)}, out.data());
    return out;
  }
  std::vector<T> input() const {
    std::vector<T> out = poisoned<T>(std::int64_t(x.size()));
    tested<T>().conv2d_input(g, y.data(), w.data(), {bias.data(), Activation::leaky_relu, T(0.5)},
                             out.data());
    return out;
  }
  std::vector<T> filter() const {
    std::vector<T> out = poisoned<T>(std::int64_t(w.size()));
    tested<T>().conv2d_filter(g, x.data(), y.data(), out.data());
    return out;
  }
};

/// act(sum + bias), channel by channel.
template <class T>
std::vector<T> finished(std::vector<T> sums, const std::vector<T>& bias, std::int64_t channels) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] += bias[i % std::size_t(channels)];
    if (sums[i] < 0) sums[i] *= T(0.5);
  }
  return sums;
}

/// Whether the convolutions of small integers are those of the definition, as they are or rounded to halves, which the slope leaves.
template <class T>
void check_integers(const Case& c, bool rounds) {
  const Problem<T> p(c, true);
  std::vector<T> x(p.x.size()), w(p.w.size()), y(p.y.size());
  p.for_each_term([&](std::int64_t i, std::int64_t j, std::int64_t o) {
    x[i] += p.w[j] * p.y[o], w[j] += p.x[i] * p.y[o], y[o] += p.x[i] * p.w[j];
  });
  const auto result = [rounds](std::vector<T> sums) {
    for (T& v : sums) v = rounds ? std::nearbyint(2 * v) / 2 : v;
    return sums;
  };
  INFO("level " << std::string(cpu_level()) << ", N " << c.N << " H " << c.H << " W " << c.W << " C " << c.C
                << " K " << c.K << " R " << c.R << " S " << c.S << " groups " << c.groups);
  CHECK((result(p.conv2d()) == finished(y, p.bias, p.g.K)));
  CHECK((result(p.input()) == finished(x, p.bias, p.g.C)));
  CHECK((result(p.filter()) == w));
}

}  // namespace

TEST_CASE_TEMPLATE("convolutions are exact on small integers", T, float, double) {
  if (!tested<T>().conv2d) return;
  for (const Case& c : exact_cases()) check_integers<T>(c, false);
  for (const Case& c : rounded_cases()) check_integers<T>(c, true);
}

// Additions one after the other lose sqrt(n/6) 2^-24 of a sum of n random terms: addition k rounds sqrt(k/n) of it by up to 2^-24,
// by 1/sqrt(3) of that at random. sqrt(n/4) leaves room for short sums; tiles of 4x4 outputs lose up to half as many digits again.
TEST_CASE(
    "convolutions in f32 lose no more digits than sums added up one by one, in tiles of 4x4 half as many "
    "again") {
  if (!tested<float>().conv2d) return;
  const auto check_case = [](const Case& c, double factor) {
    const Problem<float> p(c, false);
    std::vector<double> x(p.x.size()), w(p.w.size()), y(p.y.size());
    p.for_each_term([&](std::int64_t i, std::int64_t j, std::int64_t o) {
      x[i] += double(p.w[j]) * p.y[o], w[j] += double(p.x[i]) * p.y[o], y[o] += double(p.x[i]) * p.w[j];
    });
    const auto check = [factor](const std::vector<float>& sums, const std::vector<double>& exact,
                                std::int64_t terms) {
      double error = 0, size = 0;
      for (std::size_t i = 0; i < sums.size(); ++i)
        error += (sums[i] - exact[i]) * (sums[i] - exact[i]), size += exact[i] * exact[i];
      const double bound = factor * 0x1p-25 * std::sqrt(static_cast<double>(terms));
      CHECK(std::sqrt(error / size) <= bound);
    };
    const std::vector<double> bias(p.bias.begin(), p.bias.end());
    INFO("N " << c.N << " H " << c.H << " C " << c.C << " K " << c.K << " R " << c.R);
    check(p.conv2d(), finished(y, bias, p.g.K), c.R * c.S * c.C / c.groups + 1);
    check(p.input(), finished(x, bias, p.g.C), c.R * c.S * c.K / c.groups + 1);
    check(p.filter(), w, p.g.N * p.g.P * p.g.Q);
  };
  for (const Case& c : exact_cases()) check_case(c, 1);
  for (const Case& c : rounded_cases()) check_case(c, 1.5);
}

TEST_CASE_TEMPLATE("convolutions give the same bits on 1, 2 and 3 threads", T, float, double) {
  if (!tested<T>().conv2d) return;
  for (const Case& c : all_cases()) {
    const Problem<T> p(c, false);
    INFO("N " << c.N << " H " << c.H << " C " << c.C << " K " << c.K << " R " << c.R);
    on_threads([&] { return p.conv2d(); });
    on_threads([&] { return p.input(); });
    on_threads([&] { return p.filter(); });
  }
}

TEST_CASE_TEMPLATE("the filter's gradient of no images is zero", T, float, double) {
  if (!tested<T>().conv2d) return;
  for (const std::int64_t k : {2, 3, 4}) {
    const Problem<T> p({0, 8, 8, 64, 64, k, k, 2, 1, 1, 1}, true);
    CHECK(p.filter() == std::vector<T>(p.w.size()));
  }
}

// So many that the blocks of channels of large filters go through them twice.
TEST_CASE("convolutions of many images: each image's to the bit, filters' the sum over all") {
  if (!tested<float>().conv2d || tests::tested_device() != Device::cpu) return;
  const std::int64_t many = 1200, first = 1100;
  const Problem<float> all({many, 8, 8, 144, 304, 4, 4, 2, 1, 1, 1}, true);
  const auto some = [&](std::int64_t begin, std::int64_t end) {
    Problem<float> p = all;
    p.g.N = end - begin;
    const auto cut = [&](std::vector<float>& v) {
      const auto image = std::ptrdiff_t(v.size()) / many;
      v = std::vector<float>(v.begin() + begin * image, v.begin() + end * image);
    };
    cut(p.x), cut(p.y);
    return p;
  };
  const auto ends_with = [](const std::vector<float>& v, const std::vector<float>& end) {
    return std::equal(end.rbegin(), end.rend(), v.rbegin());
  };
  const Problem<float> head = some(0, first), tail = some(first, many), last = some(many - 1, many);
  const std::vector<float> y = all.conv2d(), x = all.input();
  for (const Problem<float>* p : {&tail, &last}) {
    CHECK(ends_with(y, p->conv2d()));
    CHECK(ends_with(x, p->input()));
  }
  const std::vector<float> w = all.filter(), a = head.filter(), b = tail.filter();
  bool same = true;
  for (std::size_t i = 0; i < w.size(); ++i)
    same = same && std::nearbyint(w[i]) == std::nearbyint(a[i]) + std::nearbyint(b[i]);
  CHECK(same);
}
