#include "models/conv_vae.h"

#include "autograd/gradcheck.h"
#include "tests/models/support.h"

#include <cmath>

namespace gesso::models {
namespace {

Recipe recipe(const Shape& image, const std::vector<std::string>& set = {"width=0.125", "latent=4"}) {
  return recipe_of(conv_vae_options(), set, image, 1e-3);
}
VaeNetwork network(const Recipe& r) {
  Generator g(1);
  return conv_vae(r, g);
}

TEST_CASE("conv-vae: halves until 4x4 or less, and mirrors that; a latent number for every 32 pixels") {
  VaeNetwork net = network(recipe({64, 64, 3}, {}));
  const nn::State s = nn::state(net);
  const std::map<std::string, Shape> wanted = {
      {"encoder.0.weight", {32, 4, 4, 3}},      {"encoder.3.weight", {64, 4, 4, 32}},
      {"encoder.6.weight", {128, 4, 4, 64}},    {"encoder.9.weight", {256, 4, 4, 128}},
      {"mu.weight", {128, 4 * 4 * 256}},        {"logvar.weight", {128, 4 * 4 * 256}},
      {"decoder.0.weight", {4 * 4 * 256, 128}}, {"decoder.3.weight", {256, 4, 4, 128}},
      {"decoder.12.weight", {32, 4, 4, 3}},     {"decoder.12.bias", {3}}};
  for (const auto& [name, shape] : wanted) {
    CAPTURE(name);
    REQUIRE(s.contains(name));
    CHECK(s.at(name).shape() == shape);
  }
  CHECK(network(recipe({32, 32, 3}, {})).latent() == 32);
  CHECK(network(recipe({28, 28, 1}, {"latent=7"})).latent() == 7);
  VaeNetwork digits = network(recipe({28, 28, 1}, {}));
  CHECK(digits.mu.weight.shape() == Shape{24, 3 * 3 * 128});
}

TEST_CASE("conv-vae: reconstructions of each size, odd ones too") {
  for (const Shape& image :
       {Shape{8, 8, 1}, {28, 28, 1}, {32, 32, 3}, {64, 64, 1}, {13, 18, 2}, {32, 32, 4}}) {
    CAPTURE(image.text());
    Vae vae(recipe(image), conv_vae);
    Generator noise(1);
    const Tensor x = tensor::uniform(noise, {3, image.size()});
    for (const Loss& loss : vae.step(x)) CHECK(std::isfinite(loss.value));
    CHECK(vae.reconstruct(x).shape() == x.shape());
    CHECK(vae.sample(2, noise).shape() == Shape{2, image.size()});
  }
  CHECK_THROWS_WITH_AS(network(recipe({7, 28, 1})), "conv-vae is for images of 8x8 or more; these are 7x28",
                       UsageError);
}

TEST_CASE("conv-vae: gradients of both parts of the loss by all weights against central differences") {
  Generator g(5);
  VaeNetwork net = conv_vae(recipe({10, 8, 2}, {"width=0.0625", "latent=2"}), g);
  nn::to(net, DType::f64);
  const Tensor x = tensor::uniform(g, {3, 10, 8, 2}, 0, 1, DType::f64),
               eps = tensor::normal(g, {3, 2}, 0, 1, DType::f64);
  const auto named = nn::named_parameters(net);
  const auto f = [&](const std::vector<Var>& w) -> std::vector<Var> {
    for (std::size_t i = 0; i < w.size(); ++i) *named[i].second = w[i];
    const auto [reconstruction, kl, mu, logvar] = Vae::bound(net, x, eps);
    return {reconstruction, kl};
  };
  CHECK(gradcheck(f, nn::parameters(net)) == "");
}

TEST_CASE("conv-vae: where nothing is known the loss is log 2 for every pixel and channel") {
  VaeNetwork net = network(recipe({12, 12, 3}));
  for (const auto& [name, w] : nn::named_parameters(net)) tensor::fill_(w->mutable_value(), 0);
  Generator g(2);
  const auto [reconstruction, kl, mu, logvar] =
      Vae::bound(net, tensor::uniform(g, {5, 12, 12, 3}), tensor::normal(g, {5, 4}));
  // 4 ULP of each logarithm.
  CHECK(!!(std::abs(reconstruction.item() - 432 * std::log(2.)) <= 432 * 4 * 6e-8));
  CHECK(kl.item() == 0);
}

TEST_CASE("conv-vae: evaluation and pictures change nothing, and do not depend on neighbours") {
  Vae vae(recipe({28, 28, 1}), conv_vae);
  const Tensor x = squares(6, 28, 1);
  vae.step(x);
  const nn::State before = kept(nn::state(vae.network())), training = kept(vae.training_state());
  Generator a(1), b(1);
  CHECK(vae.evaluate(x, a)[0].value == vae.evaluate(x, b)[0].value);
  // Two of them, as a single row is multiplied by a kernel of its own, which adds in another order.
  const std::vector<float> some = vae.reconstruct(x.slice(0, 2)).to_vector<float>(),
                           all = vae.reconstruct(x).to_vector<float>();
  CHECK(std::equal(some.begin(), some.end(), all.begin()));
  vae.sample(3, a);
  check_same_state(before, nn::state(vae.network()));
  check_same_state(training, vae.training_state());
}

}  // namespace
}  // namespace gesso::models

TEST_SUITE("train") {
  TEST_CASE("conv-vae learns where the square is") {
    using namespace gesso::models;
    Vae vae(recipe_of(conv_vae_options(), {"latent=4"}, {8, 8, 1}, 2e-3, 0), conv_vae);
    const gesso::Tensor x = squares(256, 8, 1), unseen = squares(256, 8, 2);
    for (int epoch = 0; epoch < 60; ++epoch)
      for (int i = 0; i < 256; i += 64) vae.step(x.slice(i, i + 64));
    gesso::Generator noise(9);
    // Halfway between 24.0, where nothing but the place is unknown, and 36.5, the mean picture: see mlp_vae_test.cc, which takes
    // 150 epochs.
    const double loss = vae.evaluate(unseen, noise)[0].value;
    MESSAGE("loss ", loss);
    CHECK(!!(loss < 30.2));
  }
}
