#include "nn/sprites.h"

#include "nn/element_random.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numbers>

namespace gesso::nn {
namespace {

constexpr std::uint32_t kSpritesMark = 0x73707274;

// ---- shapes: how far (x,y) is outside (negative: inside), about, for a shape within the unit circle ----

double ellipse(double x, double y) {
  constexpr double b = 0.6;  // the shorter half axis
  const double k = std::hypot(x, y / b), slope = std::hypot(x, y / (b * b));
  return slope > 0 ? k * (k - 1) / slope : -b;  // value of (x,y/b) -> |.| - 1 over its gradient: first order
}
double square(double x, double y) { return std::max(std::abs(x), std::abs(y)) - std::numbers::sqrt2 / 2; }
double triangle(double x, double y) {  // three sides, each 1/2 from the centre
  constexpr double s = std::numbers::sqrt3 / 2;
  return std::max({y, -s * x - y / 2, s * x - y / 2}) - 0.5;
}
double star(double x, double y) {
  constexpr double inner = 0.42,
                   tenth = std::numbers::pi / 5;  // from one of the five tips half way to the next
  const double around = std::remainder(std::atan2(y, x), 2 * tenth), r = std::hypot(x, y);
  const double px = r * std::cos(around), py = r * std::abs(std::sin(around));
  const double ex = inner * std::cos(tenth) - 1, ey = inner * std::sin(tenth);  // the edge from the tip (1,0)
  return ((px - 1) * ey - py * ex) / std::hypot(ex, ey);
}
double cross(double x, double y) {
  constexpr double length = 0.94, width = 0.32;
  const double a = std::abs(x), b = std::abs(y);
  return std::min(std::max(a - length, b - width), std::max(a - width, b - length));
}
double half_disc(double x, double y) { return std::max(std::hypot(x, y) - 1, -y); }

struct Form {
  const char* name;
  double (*outside)(double x, double y);
};
constexpr Form kForms[] = {{"ellipse", ellipse}, {"square", square}, {"triangle", triangle},
                           {"star", star},       {"cross", cross},   {"half disc", half_disc}};
constexpr std::int64_t kFormCount = std::size(kForms);

/// The brightness of channel c of so many. Channels stand evenly around the circle of hues; with three, this is the hue of HSV.
double brightness(double hue, std::int64_t c, std::int64_t channels) {
  if (channels == 1) return 0.4 + 0.6 * hue;
  const double d = std::abs(std::remainder(hue - static_cast<double>(c) / static_cast<double>(channels), 1));
  return std::clamp(2 - 6 * d, 0.0, 1.0);
}

void draw(const Sprite& s, std::int64_t size, std::int64_t channels, std::uint8_t* y) {
  std::fill_n(y, size * size * channels, std::uint8_t{0});
  std::vector<double> full;
  for (std::int64_t c = 0; c < channels; ++c) full.push_back(255 * brightness(s.hue, c, channels));
  const double n = static_cast<double>(size), radius = s.diameter / 2 * n;
  const double cos = std::cos(s.angle) / radius, sin = std::sin(s.angle) / radius;
  const auto outside = kForms[s.shape].outside;
  const auto range = [&](double centre) {  // the pixels that a coordinate within the circle can touch
    return std::pair{std::max<std::int64_t>(static_cast<std::int64_t>(centre * n - radius) - 1, 0),
                     std::min<std::int64_t>(static_cast<std::int64_t>(centre * n + radius) + 2, size)};
  };
  const auto [left, right] = range(s.x);
  const auto [top, bottom] = range(s.y);
  for (std::int64_t i = top; i < bottom; ++i)
    for (std::int64_t j = left; j < right; ++j) {
      const double dx = static_cast<double>(j) + 0.5 - s.x * n, dy = static_cast<double>(i) + 0.5 - s.y * n;
      const double pixels = radius * outside(cos * dx + sin * dy, cos * dy - sin * dx);
      const double covered = std::clamp(0.5 - pixels, 0.0, 1.0);
      for (std::int64_t c = 0; c < channels; ++c)
        y[(i * size + j) * channels + c] =
            static_cast<std::uint8_t>(covered * full[static_cast<std::size_t>(c)] + 0.5);
    }
}

void check_size(std::int64_t size, std::int64_t channels) {
  check(size >= 4 && size <= 4096 && channels >= 1 && channels <= 64,
        "sprites: {0}x{0} pixels of {1} channels; there are 4 to 4096 of 1 to 64", size, channels);
}

}  // namespace

const std::vector<std::string>& sprite_shapes() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Form& f : kForms) all.push_back(f.name);
    return all;
  }();
  return names;
}

Sprite sprite(std::uint64_t seed, std::int64_t i) {
  const std::array<double, 4> u = element_uniforms(kSpritesMark, seed, i, 0),
                              v = element_uniforms(kSpritesMark, seed, i, 1);
  const double diameter = 0.3 + 0.4 * u[2];
  const auto place = [diameter](double part) { return diameter / 2 + part * (1 - diameter); };
  return {.shape = static_cast<std::int64_t>(u[0] * kFormCount),
          .hue = u[1],
          .diameter = diameter,
          .angle = 2 * std::numbers::pi * u[3],
          .x = place(v[0]),
          .y = place(v[1])};
}

Tensor draw(const Sprite& s, std::int64_t size, std::int64_t channels) {
  check_size(size, channels);
  check(s.shape >= 0 && s.shape < kFormCount, "sprites: no shape {}, there are {}", s.shape, kFormCount);
  Tensor y({size, size, channels}, DType::u8);
  draw(s, size, channels, y.mutable_data<std::uint8_t>());
  return y;
}

ImageSet sprites(const SpriteOptions& o, Split split) {
  check_size(o.size, o.channels);
  check(o.count > 0 && o.count < kFirstOfTest, "sprites: {} images; there are 1 to 2^40", o.count);
  ImageSet set{.name = "sprites",
               .images = Tensor({o.count, o.size, o.size, o.channels}, DType::u8),
               .labels = Tensor({o.count}, DType::i64),
               .class_names = sprite_shapes()};
  std::uint8_t* y = set.images.mutable_data<std::uint8_t>();
  std::int64_t* label = set.labels.mutable_data<std::int64_t>();
  const std::int64_t first = split == Split::test ? kFirstOfTest : 0, pixels = o.size * o.size * o.channels;
  for (std::int64_t i = 0; i < o.count; ++i) {
    const Sprite s = sprite(o.seed, first + i);
    draw(s, o.size, o.channels, y + i * pixels);
    label[i] = s.shape;
  }
  return set;
}

const std::vector<std::string>& sprite_factors() {
  static const std::vector<std::string> names = {"shape", "hue", "diameter", "angle", "x", "y"};
  return names;
}

Tensor factors_of_sprites(const SpriteOptions& o, Split split) {
  Tensor y({o.count, static_cast<std::int64_t>(sprite_factors().size())}, DType::f64);
  double* to = y.mutable_data<double>();
  const std::int64_t first = split == Split::test ? kFirstOfTest : 0;
  for (std::int64_t i = 0; i < o.count; ++i) {
    const Sprite s = sprite(o.seed, first + i);
    for (const double factor : {static_cast<double>(s.shape), s.hue, s.diameter, s.angle, s.x, s.y})
      *to++ = factor;
  }
  return y;
}

std::optional<SpriteOptions> sprite_options(const std::string& data) {
  SpriteOptions o;
  if (data == "sprites") return o;
  const std::string prefix = "sprites:";
  if (!data.starts_with(prefix)) return std::nullopt;
  const char* const end = data.data() + data.size();
  const auto number = [end](const char* from, std::int64_t& n) {
    const auto [rest, wrong] = std::from_chars(from, end, n);
    return wrong == std::errc() ? rest : nullptr;
  };
  const char* rest = number(data.data() + prefix.size(), o.size);
  if (rest && rest < end && *rest == 'x') rest = number(rest + 1, o.channels);
  check(rest == end, "data \"{}\": there are sprites, sprites:SIZE and sprites:SIZExCHANNELS", data);
  check_size(o.size, o.channels);
  return o;
}

}  // namespace gesso::nn
