#include "models/ssim.h"

#include <algorithm>
#include <cmath>

namespace gesso::models {
namespace {

constexpr std::int64_t kWindow = 11;
constexpr double kSigma = 1.5, kC1 = 0.01 * 0.01, kC2 = 0.03 * 0.03;

/// exp(-(i - middle)^2 / (2 sigma^2)), summing to 1.
std::vector<double> gaussian(std::int64_t n) {
  std::vector<double> w;
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const double d = static_cast<double>(i) - static_cast<double>(n - 1) / 2;
    w.push_back(std::exp(-d * d / (2 * kSigma * kSigma)));
    sum += w.back();
  }
  for (double& e : w) e /= sum;
  return w;
}

/// A plane of an image, and what is left of it under windows: rows, then columns.
struct Plane {
  std::int64_t H, W;
  std::vector<double> v;
};

Plane blurred(const Plane& x, const std::vector<double>& down, const std::vector<double>& across) {
  const auto R = static_cast<std::int64_t>(down.size()), S = static_cast<std::int64_t>(across.size());
  const std::int64_t P = x.H - R + 1, Q = x.W - S + 1;
  Plane rows{P, x.W, std::vector<double>(static_cast<std::size_t>(P * x.W))};
  for (std::int64_t p = 0; p < P; ++p)
    for (std::int64_t r = 0; r < R; ++r)
      for (std::int64_t w = 0; w < x.W; ++w) rows.v[p * x.W + w] += down[r] * x.v[(p + r) * x.W + w];
  Plane y{P, Q, std::vector<double>(static_cast<std::size_t>(P * Q))};
  for (std::int64_t p = 0; p < P; ++p)
    for (std::int64_t s = 0; s < S; ++s)
      for (std::int64_t q = 0; q < Q; ++q) y.v[p * Q + q] += across[s] * rows.v[p * x.W + q + s];
  return y;
}

Plane product(const Plane& a, const Plane& b) {
  Plane y = a;
  for (std::size_t i = 0; i < y.v.size(); ++i) y.v[i] *= b.v[i];
  return y;
}

double of_planes(const Plane& x, const Plane& y) {
  const std::vector<double> down = gaussian(std::min(kWindow, x.H)),
                            across = gaussian(std::min(kWindow, x.W));
  const auto blur = [&](const Plane& p) { return blurred(p, down, across); };
  const Plane mx = blur(x), my = blur(y), xx = blur(product(x, x)), yy = blur(product(y, y)),
              xy = blur(product(x, y));
  double sum = 0;
  for (std::size_t i = 0; i < mx.v.size(); ++i) {
    const double a = mx.v[i], b = my.v[i];
    sum += (2 * a * b + kC1) * (2 * (xy.v[i] - a * b) + kC2) /
           ((a * a + b * b + kC1) * (xx.v[i] - a * a + yy.v[i] - b * b + kC2));
  }
  return sum / static_cast<double>(mx.v.size());
}

/// Channel c of image n.
Plane plane(const Tensor& x, std::int64_t n, std::int64_t c) {
  const std::int64_t H = x.dim(1), W = x.dim(2), C = x.dim(3);
  Plane p{H, W, std::vector<double>(static_cast<std::size_t>(H * W))};
  const float* from = x.data<float>() + n * H * W * C + c;
  for (std::int64_t i = 0; i < H * W; ++i) p.v[i] = from[i * C];
  return p;
}

}  // namespace

std::vector<double> ssim(const Tensor& x, const Tensor& y) {
  check(x.rank() == 4 && x.shape() == y.shape() && x.size() > 0,
        "ssim: images {} and {} should both be (N,H,W,C)", x.shape(), y.shape());
  const std::int64_t N = x.dim(0), C = x.dim(3);
  std::vector<double> all(static_cast<std::size_t>(N));
  for (std::int64_t n = 0; n < N; ++n) {
    double sum = 0;
    for (std::int64_t c = 0; c < C; ++c) sum += of_planes(plane(x, n, c), plane(y, n, c));
    all[n] = sum / static_cast<double>(C);
  }
  return all;
}

}  // namespace gesso::models
