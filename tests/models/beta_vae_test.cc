#include "models/beta_vae.h"

#include "nn/losses.h"
#include "tests/models/support.h"

#include <cmath>

namespace gesso::models {
namespace {

Recipe recipe(const Shape& image, const std::vector<std::string>& set, double lr = 1e-3) {
  return recipe_of(beta_vae_options(), set, image, lr);
}
Recipe small(std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"width=0.125", "latent=4"});
  return recipe({8, 8, 1}, more);
}

TEST_CASE("beta-vae: the papers' network at 64x64, and mirrored; other sizes halve as often as they can") {
  Vae vae(recipe({64, 64, 3}, {}), beta_vae);
  const nn::State s = nn::state(vae.network());
  const std::map<std::string, Shape> wanted = {
      {"encoder.0.weight", {32, 4, 4, 3}},  {"encoder.2.weight", {32, 4, 4, 32}},
      {"encoder.4.weight", {64, 4, 4, 32}}, {"encoder.6.weight", {64, 4, 4, 64}},
      {"encoder.9.weight", {256, 1024}},    {"mu.weight", {10, 256}},
      {"logvar.weight", {10, 256}},         {"decoder.0.weight", {256, 10}},
      {"decoder.2.weight", {1024, 256}},    {"decoder.5.weight", {64, 4, 4, 64}},
      {"decoder.7.weight", {64, 4, 4, 32}}, {"decoder.9.weight", {32, 4, 4, 32}},
      {"decoder.11.weight", {32, 4, 4, 3}}};
  for (const auto& [name, shape] : wanted) {
    CAPTURE(name);
    REQUIRE(s.contains(name));
    CHECK(s.at(name).shape() == shape);
  }
  for (const Shape& image : {Shape{8, 8, 1}, {28, 28, 1}, {32, 32, 3}, {13, 18, 2}}) {
    CAPTURE(image.text());
    Vae other(recipe(image, {"width=0.1"}), beta_vae);
    Generator noise(1);
    const Tensor x = tensor::uniform(noise, {3, image.size()});
    for (const Loss& loss : other.step(x)) CHECK(std::isfinite(loss.value));
    CHECK(other.reconstruct(x).shape() == x.shape());
  }
  CHECK_THROWS_WITH_AS(Vae(recipe({7, 28, 1}, {}), beta_vae),
                       "beta-vae is for images of 8x8 or more; these are 7x28", UsageError);
}

/// The reconstruction, kl and objective of a first step.
struct First {
  double loss, reconstruction, kl, objective;
};
First first_step(Vae& vae) {
  const Losses losses = vae.step(squares(16, 8, 2));
  REQUIRE(losses.size() == 4);
  REQUIRE(std::string(losses[3].name) == "objective");
  return {losses[0].value, losses[1].value, losses[2].value, losses[3].value};
}

TEST_CASE("beta-vae: what is trained is what the papers say, and loss stays minus the bound") {
  constexpr double tol = 1e-6;  // a handful of roundings of f32
  const auto check = [&](const std::vector<std::string>& set, const auto& penalty) {
    CAPTURE(set.front());
    Vae vae(small(set), beta_vae);
    for (int t = 0; t < 5; ++t) {
      const First f = first_step(vae);
      CHECK(f.loss == doctest::Approx(f.reconstruction + f.kl).epsilon(tol));
      CHECK(f.objective == doctest::Approx(f.reconstruction + penalty(t, f.kl)).epsilon(tol));
    }
  };
  check({"beta=4"}, [](int, double kl) { return 4 * kl; });
  check({"beta=0"}, [](int, double) { return 0; });
  check({"beta=4", "warmup=4"}, [](int t, double kl) { return 4 * std::min(1., (t + 1) / 4.) * kl; });
  check({"beta=1", "warmup=3"}, [](int t, double kl) { return std::min(1., (t + 1) / 3.) * kl; });
  check({"capacity=5", "gamma=30"}, [](int, double kl) { return 30 * std::abs(kl - 5); });
  check({"capacity=5", "gamma=30", "warmup=4"},
        [](int t, double kl) { return 30 * std::abs(kl - 5 * std::min(1., (t + 1) / 4.)); });
}

TEST_CASE("beta-vae: free bits are counted for each unit, after the mean over the batch") {
  Generator g(3);
  const Tensor mu = tensor::normal(g, {5, 3}), logvar = tensor::normal(g, {5, 3}, -0.5);
  const Var kl = nn::gaussian_kl(mu, logvar, nn::Reduction::batch_mean);
  const std::vector<double> m = mu.to_vector<double>(), l = logvar.to_vector<double>();
  for (const double lambda : {0.01, 0.6, 1., 20.}) {
    double want = 0;
    for (std::size_t u = 0; u < 3; ++u) {
      double unit = 0;
      for (std::size_t i = u; i < 15; i += 3) unit += 0.5 * (m[i] * m[i] + std::exp(l[i]) - 1 - l[i]) / 5;
      want += std::max(lambda, unit);
    }
    const Objective objective(small({"beta=2", fmt::format("free_bits={}", lambda)}).options);
    CHECK(objective(kl, mu, logvar, 0).item() == doctest::Approx(2 * want).epsilon(1e-6));
  }
}

TEST_CASE("beta-vae: beta = 1 makes the steps of the plain bound, bit for bit") {
  Vae vae(small({"beta=1"}), beta_vae);
  Generator weights = random_stream(3, Stream::weights), noise = random_stream(3, Stream::training);
  VaeNetwork net = beta_vae(small(), weights);
  nn::Optimizer adam(nn::named_parameters(net), nn::Adam{.lr = 1e-3});
  for (std::uint64_t t = 0; t < 5; ++t) {
    const Tensor x = squares(16, 8, t);
    CHECK(vae.step(x).size() == 3);
    const auto [reconstruction, kl, mu, logvar] =
        Vae::bound(net, with_shape(x, {8, 8, 1}), tensor::normal(noise, {16, 4}));
    (reconstruction + kl).backward();
    adam.step();
    adam.zero_grad();
  }
  check_same_state(nn::state(net), nn::state(vae.network()));
}

}  // namespace
}  // namespace gesso::models

TEST_SUITE("train") {
  using namespace gesso::models;

  Losses trained(const std::vector<std::string>& set) {
    Vae vae(recipe({8, 8, 1}, set, 3e-3), beta_vae);
    const gesso::Tensor x = squares(256, 8, 1);
    for (int epoch = 0; epoch < 40; ++epoch)
      for (int i = 0; i < 256; i += 64) vae.step(x.slice(i, i + 64));
    gesso::Generator noise(9);
    return vae.evaluate(x, noise);
  }

  TEST_CASE("beta-vae: the larger beta, the smaller KL and the larger the reconstruction error") {
    double kl = HUGE_VAL, reconstruction = 0;
    for (const char* beta : {"beta=0", "beta=1", "beta=4", "beta=16"}) {
      const Losses losses = trained({"width=0.25", "latent=4", beta});
      MESSAGE(std::string(beta), ": reconstruction ", losses[1].value, ", kl ", losses[2].value);
      CHECK(!!(losses[1].value > reconstruction));
      CHECK(!!(losses[2].value < kl));
      reconstruction = losses[1].value, kl = losses[2].value;
    }
  }

  TEST_CASE("beta-vae: the KL divergence is held at its capacity") {
    for (const double capacity : {1., 3.}) {
      const double kl =
          trained({"width=0.25", "latent=4", fmt::format("capacity={}", capacity), "gamma=100"})[2].value;
      MESSAGE("capacity ", capacity, ", kl ", kl);
      // gamma pulls 100 times as much as a nat of reconstruction; what is left is the noise of one step.
      CHECK(!!(std::abs(kl - capacity) <= 0.2));
    }
  }
}
