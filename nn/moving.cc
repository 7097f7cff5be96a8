#include "nn/moving.h"

#include "nn/element_random.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gesso::nn {
namespace {

constexpr std::uint32_t kMovingMark = 0x6d6f7665;
constexpr double kStep = 0.1;  // of the free range, each frame

/// Where something is at a time that started at `start` of [0,1] and turns back at both ends.
double bounced(double start, double speed, std::int64_t time) {
  const double p = std::abs(std::remainder(start + speed * static_cast<double>(time), 2));
  return std::min(p, 1.0);
}

/// y (frames,size,size): the brighter of y and the digit (H,W) along its path.
void draw_path(const std::uint8_t* digit, std::int64_t H, std::int64_t W, const std::array<double, 4>& u,
               const MovingOptions& o, std::uint8_t* y) {
  const double angle = 2 * std::numbers::pi * u[3];
  const auto pixel = [](double place, std::int64_t range) {
    return static_cast<std::int64_t>(std::lround(place * static_cast<double>(range)));
  };
  for (std::int64_t t = 0; t < o.frames; ++t) {
    const std::int64_t top = pixel(bounced(u[1], kStep * std::sin(angle), t), o.size - H),
                       left = pixel(bounced(u[2], kStep * std::cos(angle), t), o.size - W);
    for (std::int64_t h = 0; h < H; ++h) {
      std::uint8_t* const to = y + (t * o.size + top + h) * o.size + left;
      for (std::int64_t w = 0; w < W; ++w) to[w] = std::max(to[w], digit[h * W + w]);
    }
  }
}

}  // namespace

ImageSet moving(const ImageSet& from, const MovingOptions& o, Split split) {
  const std::int64_t H = from.images.dim(1), W = from.images.dim(2);
  check(o.count > 0 && o.frames > 0 && o.digits > 0,
        "moving: {} sequences of {} frames with {} digits; all positive", o.count, o.frames, o.digits);
  check(from.images.dim(3) == 1 && from.size() > 0, "moving: images {} of {} are not (N,H,W,1)",
        from.images.shape(), from.name);
  check(H <= o.size && W <= o.size, "moving: images {} of {} do not fit into {}x{}", from.images.shape(),
        from.name, o.size, o.size);
  from.wait_for(from.size());
  ImageSet set{.name = "moving", .images = Tensor({o.count, o.frames * o.size, o.size, 1}, DType::u8)};
  std::uint8_t* y = set.images.mutable_data<std::uint8_t>();
  std::fill_n(y, set.images.size(), std::uint8_t{0});
  const std::uint8_t* digits = from.images.data<std::uint8_t>();
  const std::int64_t first = split == Split::test ? kFirstOfTest : 0, pixels = o.frames * o.size * o.size;
  for (std::int64_t i = 0; i < o.count; ++i)
    for (std::int64_t d = 0; d < o.digits; ++d) {
      const auto u = element_uniforms(kMovingMark, o.seed, first + i, static_cast<std::uint32_t>(d));
      const auto which = static_cast<std::int64_t>(u[0] * static_cast<double>(from.size()));
      draw_path(digits + which * H * W, H, W, u, o, y + i * pixels);
    }
  return set;
}

}  // namespace gesso::nn
