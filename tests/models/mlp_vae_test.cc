#include "models/mlp_vae.h"

#include "autograd/gradcheck.h"
#include "tests/models/support.h"

#include <cmath>

namespace gesso::models {
namespace {

Recipe recipe(const std::vector<std::string>& set, std::int64_t side = 8) {
  return recipe_of(mlp_vae_options(), set, {side, side, 1}, 1e-3);
}
Vae make_vae(const std::vector<std::string>& set = {}) { return Vae(recipe(set), mlp_vae); }

TEST_CASE("mlp-vae: 784-400-20 as published, and other widths as asked for") {
  Vae published(recipe({}, 28), mlp_vae);
  CHECK(nn::parameter_count(published.network()) ==
        784 * 400 + 400 + 2 * (400 * 20 + 20) + 20 * 400 + 400 + 400 * 784 + 784);

  Vae deep = make_vae({"hidden=128,256,512", "latent=3", "width=0.25"});
  const nn::State s = nn::state(deep.network());
  CHECK(s.at("encoder.0.weight").shape() == Shape{32, 64});
  CHECK(s.at("encoder.2.weight").shape() == Shape{64, 32});
  CHECK(s.at("encoder.4.weight").shape() == Shape{128, 64});
  CHECK(s.at("mu.weight").shape() == Shape{3, 128});
  CHECK(s.at("logvar.weight").shape() == Shape{3, 128});
  CHECK(s.at("decoder.0.weight").shape() == Shape{128, 3});
  CHECK(s.at("decoder.2.weight").shape() == Shape{64, 128});
  CHECK(s.at("decoder.4.weight").shape() == Shape{32, 64});
  CHECK(s.at("decoder.6.weight").shape() == Shape{64, 32});
  CHECK(s.size() == 18);
}

/// Both parts of the loss in loops, float64, and the sum of the magnitudes that went into each.
struct Slow {
  double reconstruction = 0, kl = 0, size = 0;
};
Slow slow_bound(const nn::State& s, const Tensor& x, const Tensor& eps) {
  const std::vector<double> pixels = x.to_vector<double>(), e = eps.to_vector<double>();
  const double N = static_cast<double>(x.dim(0));
  const std::vector<double> h = slow_linear(pixels, s, "encoder.0", 0);
  const std::vector<double> mu = slow_linear(h, s, "mu", 1), logvar = slow_linear(h, s, "logvar", 1);
  std::vector<double> z(mu.size());
  Slow y;
  for (std::size_t i = 0; i < z.size(); ++i) {
    z[i] = mu[i] + std::exp(logvar[i] / 2) * e[i];
    y.kl += -0.5 * (1 + logvar[i] - mu[i] * mu[i] - std::exp(logvar[i])) / N;
  }
  const std::vector<double> d = slow_linear(slow_linear(z, s, "decoder.0", 0), s, "decoder.2", 1);
  for (std::size_t i = 0; i < d.size(); ++i) {
    const double p = 1 / (1 + std::exp(-d[i]));  // eq. 11 as it stands
    y.reconstruction -= (pixels[i] * std::log(p) + (1 - pixels[i]) * std::log(1 - p)) / N;
  }
  return y;
}

TEST_CASE("mlp-vae: both parts of the loss against loops in float64") {
  for (const std::int64_t N : {1, 5, 32}) {
    Generator g(N);
    VaeNetwork net = mlp_vae(recipe({"hidden=40", "latent=6"}), g);
    const Tensor x = squares(N, 8, 7), eps = tensor::normal(g, {N, 6});
    const Slow slow = slow_bound(nn::state(net), x, eps);
    const auto [reconstruction, kl, mu, logvar] = Vae::bound(net, x, eps);
    CAPTURE(N);
    // f32 with sums of at most 64 terms a layer: 2 eps 64 of a logit of size about 1, averaged over 64 pixels of either sign;
    // 1e-6 of the result leaves room for the last sum, and any wrong factor or sign is far beyond it.
    CHECK(!!(std::abs(reconstruction.item() - slow.reconstruction) <= 1e-6 * slow.reconstruction));
    CHECK(!!(std::abs(kl.item() - slow.kl) <= 1e-6 * (1 + slow.kl)));
  }
}

TEST_CASE("mlp-vae: where nothing is known the loss is 64 log 2") {
  Generator g(0);
  VaeNetwork net = mlp_vae(recipe({"hidden=16", "latent=4"}), g);
  for (const auto& [name, w] : nn::named_parameters(net)) tensor::fill_(w->mutable_value(), 0);
  const auto [reconstruction, kl, mu, logvar] = Vae::bound(net, squares(9, 8, 1), tensor::normal(g, {9, 4}));
  CHECK(!!(std::abs(reconstruction.item() - 64 * std::log(2.)) <= 64e-7 * 64));
  CHECK(kl.item() == 0);
}

TEST_CASE("mlp-vae: gradients of the loss by all weights against central differences") {
  Generator g(5);
  VaeNetwork net = mlp_vae(recipe({"hidden=7,5", "latent=3"}, 4), g);
  nn::to(net, DType::f64);
  const Tensor x = tensor::uniform(g, {4, 16}, 0, 1, DType::f64),
               eps = tensor::normal(g, {4, 3}, 0, 1, DType::f64);
  const auto named = nn::named_parameters(net);
  std::vector<Var> weights = nn::parameters(net);
  const auto f = [&](const std::vector<Var>& w) -> std::vector<Var> {
    for (std::size_t i = 0; i < w.size(); ++i) *named[i].second = w[i];
    const auto [reconstruction, kl, mu, logvar] = Vae::bound(net, x, eps);
    return {reconstruction, kl};
  };
  CHECK(gradcheck(f, weights) == "");
}

TEST_CASE("mlp-vae: a step reports the loss it had, moves all weights, and leaves no gradients") {
  Vae vae = make_vae();
  std::map<std::string, Tensor> before;
  for (const auto& [name, t] : nn::state(vae.network())) before[name] = t.clone();
  const Tensor x = squares(16, 8, 2);
  const Losses losses = vae.step(x);
  CHECK(std::string(losses[0].name) == "loss");
  CHECK(!!(std::abs(losses[0].value - losses[1].value - losses[2].value) <= 1e-5 * losses[0].value));
  for (const auto& [name, t] : nn::state(vae.network())) {
    CAPTURE(name);
    CHECK(t.to_vector<float>() != before[name].to_vector<float>());
  }
  for (const Var& w : nn::parameters(vae.network())) CHECK(!w.grad().defined());
}

TEST_CASE("mlp-vae: pictures have pixels in [0,1], and noise decides them") {
  Vae vae = make_vae();
  Generator a(1), b(1), c(2);
  const std::vector<float> one = vae.sample(5, a).to_vector<float>();
  CHECK(one.size() == 5 * 64);
  CHECK(one == vae.sample(5, b).to_vector<float>());
  CHECK(one != vae.sample(5, c).to_vector<float>());
  const Tensor x = squares(4, 8, 3);
  CHECK(vae.reconstruct(x).shape() == x.shape());
  const Tensor sheet = vae.walk(x, a, 6);
  CHECK(sheet.shape() == Shape{36, 64});
  for (const float v : sheet.to_vector<float>()) CHECK((v >= 0 && v <= 1));
  // The corners of the sheet are the reconstructions.
  const std::vector<float> corner = sheet[35].to_vector<float>(),
                           last = vae.reconstruct(x)[3].to_vector<float>();
  for (std::size_t i = 0; i < corner.size(); ++i) CHECK(corner[i] == doctest::Approx(last[i]).epsilon(1e-5));
}

}  // namespace
}  // namespace gesso::models

TEST_SUITE("train") {
  TEST_CASE("mlp-vae learns where the square is") {
    using namespace gesso::models;
    Vae vae(recipe_of(mlp_vae_options(), {"hidden=64", "latent=4"}, {8, 8, 1}, 2e-3, 0), mlp_vae);
    const gesso::Tensor x = squares(256, 8, 1), unseen = squares(256, 8, 2);
    for (int epoch = 0; epoch < 150; ++epoch)
      for (int i = 0; i < 256; i += 64) vae.step(x.slice(i, i + 64));
    gesso::Generator noise(9);
    // The pixels have an entropy of 64 H(0.1) = 20.8 nats, and 25 equally likely places cost log 25 = 3.2 more: 24.0. The best
    // that one fixed picture, the mean, can do is 36.5. Halfway is 30.2.
    const double loss = vae.evaluate(unseen, noise)[0].value;
    MESSAGE("loss ", loss);
    CHECK(!!(loss < 30.2));
  }
}
