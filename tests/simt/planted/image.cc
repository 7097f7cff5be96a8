#include "kernels/cuda/image.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

namespace {

/// Every pixel of y is the sum of two neighbours in x, across.
void resample_of(std::int64_t C) {
  const std::int64_t N = 3, H = 3, W = 7;
  const auto x = test::integers<float>(std::size_t(N * H * W * C), 1);
  std::vector<std::int64_t> row_begin, row, begin, column;
  for (std::int64_t i = 0; i <= H; ++i) row_begin.push_back(i), row.push_back(i);
  for (std::int64_t i = 0; i < W; ++i) begin.push_back(2 * i), column.push_back(i), column.push_back(i + 1);
  const test::DeviceArray<std::int64_t> r0(row_begin), r(row), c0(begin), c(column);
  const test::DeviceArray<float> ones(std::vector<float>(2 * W, 1.f)), x0(x), y(N * H * (W - 1) * C);
  std::vector<double> wanted;
  for (std::int64_t i = 0; i < N * H * W * C; ++i)
    if (i / C % W < W - 1) wanted.push_back(x[i] + x[i + C]);
  emu::resample<float>(N, H, W, C, {H, r0.data(), r.data(), ones.data()},
                       {W - 1, c0.data(), c.data(), ones.data()}, x0.data(), y.data());
  test::expect("resample", y, wanted);
}

/// Windows of 3, two apart, and the scatter back to where their maxima are.
void pool(std::int64_t N, std::int64_t size, std::int64_t C) {
  const std::int64_t P = (size + 2 - 3) / 2 + 1, n = N * P * P * C;
  const Windows g{.N = N, .H = size, .W = size, .C = C, .P = P, .Q = P, .size = 3, .stride = 2, .padding = 1};
  const auto x = test::integers<float>(std::size_t(N * size * size * C), 1);
  const auto dy = test::integers<float>(std::size_t(n), 2);
  std::vector<double> places, taken, added(x.size(), 0.0);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t c = i % C, q = i / C % P, p = i / C / P % P, image = i / C / P / P;
    std::int64_t best = -1;
    const auto at = [&](std::int64_t pixel) { return (image * size * size + pixel) * C + c; };
    for (std::int64_t h = std::max<std::int64_t>(2 * p - 1, 0); h < std::min(2 * p + 2, size); ++h)
      for (std::int64_t w = std::max<std::int64_t>(2 * q - 1, 0); w < std::min(2 * q + 2, size); ++w)
        if (best < 0 || x[at(h * size + w)] > x[at(best)]) best = h * size + w;
    places.push_back(double(best)), taken.push_back(x[at(best)]), added[at(best)] += dy[i];
  }
  const test::DeviceArray<float> x0(x), dy0(dy), y(n), dx(x.size());
  const test::DeviceArray<std::int64_t> index(static_cast<std::size_t>(n));
  emu::arg_max_pool<float>(g, x0.data(), index.data());
  test::expect("arg_max_pool", index, places);
  emu::take_pixels<float>(N, size * size, P * P, C, index.data(), x0.data(), y.data());
  test::expect("take_pixels", y, taken);
  emu::add_pixels<float>(N, P * P, size * size, C, index.data(), dy0.data(), dx.data());
  test::expect("add_pixels", dx, added);
}

}  // namespace

void test::run_kernels() {
  resample_of(3);
  resample_of(4);
  pool(2, 9, 5);
}
