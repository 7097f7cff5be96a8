// Structural similarity where it is known.
#include "models/ssim.h"

#include "tensor/ops.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace gesso::models {
namespace {

Tensor noise(const Shape& shape, std::uint64_t seed) {
  Generator g(seed);
  return tensor::uniform(g, shape);
}

/// Straight from the formula: at each place, weighted means over all pairs of pixels of the window.
double slow_ssim(const Tensor& x, const Tensor& y) {
  const std::int64_t H = x.dim(0), W = x.dim(1), R = std::min<std::int64_t>(11, H),
                     S = std::min<std::int64_t>(11, W);
  const auto weight = [](std::int64_t i, std::int64_t n) {
    const double d = static_cast<double>(i) - static_cast<double>(n - 1) / 2;
    return std::exp(-d * d / 4.5);
  };
  double sum = 0;
  for (std::int64_t p = 0; p + R <= H; ++p)
    for (std::int64_t q = 0; q + S <= W; ++q) {
      double all = 0, mx = 0, my = 0, xx = 0, yy = 0, xy = 0;
      for (std::int64_t r = 0; r < R; ++r)
        for (std::int64_t s = 0; s < S; ++s) all += weight(r, R) * weight(s, S);
      const auto each = [&](const auto& f) {
        for (std::int64_t r = 0; r < R; ++r)
          for (std::int64_t s = 0; s < S; ++s) {
            const std::int64_t at = (p + r) * W + q + s;
            f(weight(r, R) * weight(s, S) / all, double{x.data<float>()[at]}, double{y.data<float>()[at]});
          }
      };
      each([&](double w, double a, double b) { mx += w * a, my += w * b; });
      each([&](double w, double a, double b) {
        xx += w * (a - mx) * (a - mx), yy += w * (b - my) * (b - my), xy += w * (a - mx) * (b - my);
      });
      sum += (2 * mx * my + 1e-4) * (2 * xy + 9e-4) / ((mx * mx + my * my + 1e-4) * (xx + yy + 9e-4));
    }
  return sum / static_cast<double>((H - R + 1) * (W - S + 1));
}

TEST_CASE("ssim: 1 for the same, the brightness alone where all is flat, less the more noise") {
  const Tensor x = noise({2, 16, 20, 3}, 1);
  for (const double s : ssim(x, x)) CHECK(s == doctest::Approx(1).epsilon(1e-12));
  const Tensor a = tensor::full({1, 12, 12, 1}, 0.25), b = tensor::full({1, 12, 12, 1}, 0.75);
  CHECK(ssim(a, b)[0] == doctest::Approx((2 * 0.25 * 0.75 + 1e-4) / (0.0625 + 0.5625 + 1e-4)).epsilon(1e-6));
  // A negative about the middle has the covariance of the original with the other sign.
  const Tensor negative = tensor::add(tensor::mul(x, -1.), 1.);
  CHECK(ssim(x, negative)[0] < -0.9);
  double before = 1;
  for (const double part : {0.1, 0.3, 0.9}) {
    const Tensor y = tensor::add(tensor::mul(x, 1 - part), tensor::mul(noise(x.shape(), 2), part));
    CHECK(!!(ssim(x, y)[0] < before));
    before = ssim(x, y)[0];
  }
}

TEST_CASE("ssim agrees with its formula, on images smaller than a window too") {
  for (const Shape& shape : {Shape{11, 11}, {20, 13}, {5, 30}, {1, 1}}) {
    const Tensor x = noise(shape, 3), y = tensor::add(tensor::mul(x, 0.6), tensor::mul(noise(shape, 4), 0.4));
    const Shape one{1, shape[0], shape[1], 1};
    CHECK(ssim(x.reshape(one), y.reshape(one))[0] == doctest::Approx(slow_ssim(x, y)).epsilon(1e-9));
  }
  CHECK_THROWS_AS(ssim(noise({1, 4, 4, 1}, 1), noise({1, 4, 5, 1}, 1)), Error);
  CHECK_THROWS_AS(ssim(noise({4, 4}, 1), noise({4, 4}, 1)), Error);
}

}  // namespace
}  // namespace gesso::models
