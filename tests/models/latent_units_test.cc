#include "models/latent_units.h"

#include "models/mlp_vae.h"
#include "models/pictures.h"
#include "tests/models/support.h"

#include <cmath>

namespace gesso::models {
namespace {

TEST_CASE("latent units: KL and the variance of the means, and what counts as active") {
  // Unit 0 is the prior; unit 1 has means of 2 and 0 and a variance of e^-2; unit 2's means vary by 0.0099, just too little.
  const float tiny = std::sqrt(0.0099f);
  const Posterior q{.mean = Tensor::from<float>({0, 2, tiny, 0, 0, -tiny}, {2, 3}),
                    .logvar = Tensor::from<float>({0, -2, 0, 0, -2, 0}, {2, 3})};
  const std::vector<LatentUnit> units = latent_units(q);
  REQUIRE(units.size() == 3);
  CHECK(units[0].kl == 0);
  CHECK(units[1].kl == doctest::Approx(0.5 * (2 + std::exp(-2.) - 1 + 2)));
  CHECK(units[2].kl == doctest::Approx(0.5 * 0.0099));
  CHECK(units[0].variance == 0);
  CHECK(units[1].variance == doctest::Approx(1));
  CHECK(active_units(units) == 1);
  CHECK(most_informative(units, 16) == std::vector<std::int64_t>{1, 2, 0});
  CHECK(most_informative(units, 2) == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("latent units: silence of all is a collapse, one voice is not") {
  CHECK(collapse({{.kl = 0.009, .variance = 0.02}, {.kl = 0, .variance = 0}}).size() == 1);
  CHECK(collapse({{.kl = 0.009, .variance = 0.02}, {.kl = 0.011, .variance = 0.02}}).empty());
  CHECK(collapse({{.kl = 3, .variance = 0.9}, {.kl = 0, .variance = 0}}).empty());
  CHECK(collapse({{.kl = 3, .variance = 0}}).size() ==
        1);  // the same for all images, though far from the prior
}

Vae trained(const std::vector<std::string>& more, int steps) {
  std::vector<std::string> set = {"hidden=16", "latent=3"};
  set.insert(set.end(), more.begin(), more.end());
  Vae vae(recipe_of(mlp_vae_options(), set, {8, 8, 1}, 2e-3), mlp_vae);
  const Tensor x = squares(256, 8, 1);
  for (int i = 0; i < steps; ++i) vae.step(x.slice(i % 4 * 64, i % 4 * 64 + 64));
  return vae;
}

TEST_CASE(
    "posterior collapse: raised by a decoder that learned to ignore z, but not too early, nor of a healthy "
    "one") {
  const Tensor unseen = squares(100, 8, 2);
  Vae collapsed = trained({"beta=10000"}, 600), young = trained({"beta=10000"}, 100),
      warming = trained({"beta=10000", "warmup=400"}, 600), healthy = trained({}, 600);
  REQUIRE(collapsed.alarms(unseen).size() == 1);
  CHECK(collapsed.alarms(unseen).front().starts_with(
      "posterior collapse: no latent unit depends on the image"));
  CHECK(young.alarms(unseen).empty());
  CHECK(warming.alarms(unseen).empty());
  CHECK(healthy.alarms(unseen).empty());
}

TEST_CASE("traversals: one unit of a point after the other from -3 to 3") {
  const Tensor z = traversals(Tensor::from<float>({5, 6, 7}), {2, 0}, 4);
  CHECK(z.to_vector<float>() == std::vector<float>{5,  6, -3, 5,  6, -1, 5, 6, 1, 5, 6, 3,  //
                                                   -3, 6, 7,  -1, 6, 7,  1, 6, 7, 3, 6, 7});
  CHECK_THROWS_AS(traversals(Tensor::from<float>({5}), {0}, 1), Error);

  Vae vae = trained({}, 300);
  const Tensor x = squares(50, 8, 2);
  CHECK(vae.traverse(x, 5).shape() == Shape{3 * 5, 64});
  const Tensor y = vae.traverse(x, 5);
  for (int row = 0; row < 3; ++row)  // each unit changes the picture
    CHECK(y[5 * row].to_vector<float>() != y[5 * row + 4].to_vector<float>());
  for (const float v : y.to_vector<float>()) CHECK((v >= 0 && v <= 1));
}

}  // namespace
}  // namespace gesso::models
