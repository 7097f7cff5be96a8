#include "models/disentanglement.h"

#include "nn/sprites.h"
#include "tensor/ops.h"

#include <doctest/doctest.h>

#include <cmath>

namespace gesso::models {
namespace {

constexpr std::int64_t N = 10'000;

/// The columns side by side, (N, columns).
Tensor columns(const std::vector<Tensor>& all) {
  std::vector<Tensor> parts;
  for (const Tensor& c : all) parts.push_back(c.reshape({N, 1}));
  return tensor::concat(parts, 1);
}
Tensor column(const Tensor& x, std::int64_t j) { return tensor::slice(x, 1, j, j + 1); }

std::vector<double> gaps(const Tensor& z, const Tensor& factors) {
  std::vector<double> all;
  for (const auto& information : normalised_information(z, factors))
    all.push_back(information_gap(information));
  return all;
}

// What chance adds to the information of two independent columns, (levels - 1)^2 / (2 N) = 0.018 nats, is a
// hundredth of the entropy of six shapes, 1.8 nats, and less of the others'.
constexpr double kChance = 0.02;

TEST_CASE("mutual information gap: 1 for a code that names each factor in a unit of its own") {
  const Tensor v = nn::factors_of_sprites({.count = N}, nn::Split::test);
  Generator g(1);
  const Tensor dead = tensor::normal(g, {N}, 0, 1, DType::f64);
  // Another order, other scales, one reversed: and a unit that says nothing.
  const Tensor z = columns(
      {tensor::mul(column(v, 3), -2), column(v, 0), dead, tensor::add(column(v, 1), 5), column(v, 2)});
  const std::vector<double> gap = gaps(z, v);
  for (const int k : {0, 1, 2, 3}) {
    CAPTURE(k);
    CHECK(gap[static_cast<std::size_t>(k)] > 1 - kChance);
    CHECK(gap[static_cast<std::size_t>(k)] <= 1);
  }
  for (const int k : {4, 5}) CHECK(gap[static_cast<std::size_t>(k)] < 0.1);  // x and y are in no unit
}

TEST_CASE("mutual information gap: 0 where two units share a factor, and for noise") {
  Generator g(2);
  const Tensor a = tensor::normal(g, {N}, 0, 1, DType::f64), b = tensor::normal(g, {N}, 0, 1, DType::f64),
               c = tensor::normal(g, {N}, 0, 1, DType::f64), d = tensor::normal(g, {N}, 0, 1, DType::f64);
  const Tensor factors = columns({a, b});
  // Turned by 45 degrees, each unit knows as much of each factor.
  for (const double gap : gaps(columns({tensor::add(a, b), tensor::sub(a, b)}), factors))
    CHECK(gap < kChance);
  for (const double gap : gaps(columns({a, b, a, b}), factors)) CHECK(gap == 0);
  for (const double gap : gaps(columns({c, d}), factors)) CHECK(gap < kChance);
  for (const double gap : gaps(factors, factors)) CHECK(gap > 1 - kChance);
}

TEST_CASE("mutual information gap: a known information, and a factor that never changes") {
  // Correlated Gaussians have I = -log(1 - rho^2) / 2 = 0.51 nats at rho = 0.8; 20 levels lose a little of it.
  Generator g(3);
  const Tensor a = tensor::normal(g, {N}, 0, 1, DType::f64), e = tensor::normal(g, {N}, 0, 1, DType::f64);
  const Tensor z = tensor::add(tensor::mul(a, 0.8), tensor::mul(e, 0.6));
  const double information = normalised_information(columns({z}), columns({a}))[0][0] * std::log(20.);
  CHECK(information == doctest::Approx(-0.5 * std::log(1 - 0.64)).epsilon(0.04));
  CHECK(normalised_information(columns({z}), tensor::ones({N, 1}, DType::f64))[0][0] == 0);
  CHECK(information_gap({0.25}) == 0.25);
  CHECK_THROWS_AS(
      normalised_information(tensor::ones({30, 2}, DType::f64), tensor::ones({29, 1}, DType::f64)), Error);
}

TEST_CASE("sprites: factors are those of the images drawn") {
  const nn::SpriteOptions options{.size = 16, .channels = 3, .count = 30, .seed = 4};
  for (const nn::Split split : {nn::Split::train, nn::Split::test}) {
    const nn::ImageSet set = nn::sprites(options, split);
    const std::vector<double> v = nn::factors_of_sprites(options, split).to_vector<double>();
    REQUIRE(v.size() == 30 * nn::sprite_factors().size());
    for (std::int64_t i = 0; i < 30; ++i) {
      const double* f = &v[static_cast<std::size_t>(6 * i)];
      const nn::Sprite s{.shape = static_cast<std::int64_t>(f[0]),
                         .hue = f[1],
                         .diameter = f[2],
                         .angle = f[3],
                         .x = f[4],
                         .y = f[5]};
      CHECK(nn::draw(s, 16, 3).to_vector<std::int64_t>() == set.images[i].to_vector<std::int64_t>());
    }
  }
}

}  // namespace
}  // namespace gesso::models
