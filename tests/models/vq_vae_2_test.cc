#include "models/vq_vae_2.h"

#include "autograd/gradcheck.h"
#include "nn/losses.h"
#include "tests/models/support.h"

#include <cmath>

namespace gesso::models {
namespace {

Recipe recipe(const Shape& image, const std::vector<std::string>& set = {"width=0.125", "codes=16", "dim=4"},
              double lr = 1e-3) {
  return recipe_of(vq_vae_options(), set, image, lr);
}
VqVae model_of(const Recipe& r) { return VqVae(r, vq_vae_2); }
VqVae2Network network(const Recipe& r) {
  static Generator noise(9);
  Generator g(1);
  return VqVae2Network(r, g, noise);
}

double largest(const Tensor& x) { return tensor::max(tensor::unary(kernels::Unary::abs, x)).item(); }

TEST_CASE("vq-vae-2: two levels, their codebooks, and how they are described") {
  VqVae2Network net = network(recipe({32, 32, 3}, {}));
  const nn::State s = nn::state(net);
  CHECK(net.codes == std::vector<Shape>{{4, 4, 64}, {8, 8, 64}});
  for (const auto& [name, shape] : std::map<std::string, Shape>{{"quantizer_top.codes", {512, 64}},
                                                                {"quantizer_bottom.codes", {512, 64}},
                                                                {"top.0.weight", {128, 4, 4, 128}},
                                                                {"to_bottom.0.weight", {64, 1, 1, 192}},
                                                                {"larger.0.weight", {64, 4, 4, 64}},
                                                                {"decoder.0.weight", {128, 3, 3, 128}}}) {
    CAPTURE(name);
    REQUIRE(s.contains(name));
    CHECK(s.at(name).shape() == shape);
  }
  CHECK(model_of(recipe({32, 32, 3}, {})).describe() ==
        "512 codes of length 64 for 16 and 64 places, 720 bits an image at most");
}

TEST_CASE("vq-vae-2: images of all sides that are divisible by 4, from 8x8") {
  for (const Shape& image : {Shape{8, 8, 1}, {28, 28, 1}, {12, 20, 2}}) {
    CAPTURE(image.text());
    VqVae model = model_of(recipe(image));
    Generator noise(1);
    const Tensor x = tensor::uniform(noise, {4, image.size()});
    const Losses losses = model.step(x);
    for (const Loss& loss : losses) CHECK(std::isfinite(loss.value));
    CHECK(std::string(losses.back().name) == "perplexity_bottom");
    CHECK(model.reconstruct(x).shape() == x.shape());
    CHECK(model.sample(2, noise).shape() == Shape{2, image.size()});
    CHECK(model.walk(x, noise, 3).shape() == Shape{9, image.size()});
    const std::vector<Tensor> codes = model.encode(x);
    for (std::size_t i = 0; i < 2; ++i) {
      const CodeGrid grid = model.code_grids().at(i);
      CHECK(codes.at(i).shape() == Shape{4, grid.h, grid.w});
    }
  }
  CHECK_THROWS_WITH(network(recipe({8, 4, 1})), "vq-vae-2 is for images of 8x8 or more; these are 8x4");
  CHECK_THROWS_WITH(network(recipe({30, 28, 1})),
                    "vq-vae-2 is for images whose sides are divisible by 4; these are 30x28");
}

TEST_CASE("vq-vae-2: the top level conditions the bottom level, and the decoder sees both") {
  VqVae2Network net = network(recipe({16, 16, 1}));
  Generator g(2);
  const Var x = tensor::uniform(g, {1, 16, 16, 1}, -0.5, 0.5);
  const auto z_bottom = [&](double q_top) {
    Tensor z;
    net.encode(x, [&](std::size_t level, const Var& z_e) -> Var {
      if (level == 1) z = z_e.value();
      return tensor::full(z_e.shape(), q_top);
    });
    return z;
  };
  CHECK(largest(tensor::sub(z_bottom(0), z_bottom(1))) > 1e-3);
  const auto y = [&](double top, double bottom) {
    return net.decode({tensor::full({1, 2, 2, 4}, top), tensor::full({1, 4, 4, 4}, bottom)}).value();
  };
  CHECK(largest(tensor::sub(y(0, 0), y(1, 0))) > 1e-3);
  CHECK(largest(tensor::sub(y(0, 0), y(0, 1))) > 1e-3);
}

TEST_CASE("vq-vae-2: top codes alone are decoded beside the mean of the bottom codes") {
  VqVae model = model_of(recipe({8, 8, 1}, {"width=0.125", "codes=1", "dim=4"}));
  const Tensor x = squares(16, 8, 1);
  model.step(x);
  const std::vector<Tensor> codes = model.encode(x);
  // Of one code the mean is the code.
  const Tensor difference = tensor::sub(model.decode(codes), model.decode({codes[0]}));
  CHECK(!!(largest(difference) <= 1e-5));
}

// As in vq_vae_test.cc: the loss while the assignments stay, with z_q = z + (e - z)_0 at both levels.
TEST_CASE("vq-vae-2: gradients by all weights are those of the surrogate") {
  VqVae2Network net = network(recipe(
      {8, 8, 1}, {"width=0.0625", "codes=3", "dim=2", "codebook=gradient", "restart=0", "variance=0.125"}));
  nn::to(net, DType::f64);
  Generator g(5);
  const Tensor x = tensor::uniform(g, {6, 8, 8, 1}, 0, 1, DType::f64), centred = tensor::add(x, -0.5);
  VqVae::terms(net, x);  // the codes start from data
  const auto named = nn::named_parameters(net);
  const std::vector<Var> weights = nn::parameters(net);
  std::vector<Tensor> index(2), z_0(2), offset(2);
  net.encode(centred, [&](std::size_t i, const Var& z) -> Var {
    const Tensor codes = net.quantizers[i].codes();
    index[i] = tensor::quantize(z.value(), codes).index;
    z_0[i] = z.value(), offset[i] = tensor::sub(tensor::take_rows(codes, index[i]), z.value());
    return tensor::take_rows(codes, index[i]);
  });
  const auto surrogate = [&](const std::vector<Var>& w) -> std::vector<Var> {
    std::vector<Var> codes;
    for (std::size_t i = 0; i < w.size(); ++i) {
      *named[i].second = w[i];
      if (named[i].first.ends_with(".codes")) codes.push_back(w[i]);
    }
    Var others = Tensor::from<double>({0.}).reshape({});
    const std::vector<Var> z_q = net.encode(centred, [&](std::size_t i, const Var& z) {
      const Tensor e = tensor::add(z_0[i], offset[i]);
      others = others + mean(square(Var(z_0[i]) - take_rows(codes[i], index[i]))) +
               0.25 * mean(square(z - Var(e)));
      return z + Var(offset[i]);
    });
    return {mean(square(net.decode(z_q) - Var(centred))) / 0.125 + others};
  };
  CHECK(gradcheck(surrogate, weights) == "");
  const std::vector<Var> wanted = grad(surrogate(weights), weights);
  const VqVae::Terms terms = VqVae::terms(net, x);
  CHECK(terms.loss().item() == doctest::Approx(surrogate(weights)[0].item()).epsilon(1e-12));
  const std::vector<Var> found = grad({terms.loss()}, weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    CAPTURE(named[i].first);
    const double size = largest(wanted[i].value());
    // So narrow, some residual blocks are silent; no part of the network is.
    if (named[i].first.ends_with(".0.weight") || named[i].first.ends_with(".codes")) CHECK(size > 0);
    CHECK(!!(largest(tensor::sub(found[i].value(), wanted[i].value())) <= 1e-11 * size));
  }
}

}  // namespace
}  // namespace gesso::models

TEST_SUITE("train") {
  TEST_CASE("vq-vae-2 learns to draw squares from a few codes, and to use both levels") {
    using namespace gesso::models;
    VqVae model(recipe_of(vq_vae_options(), {"width=0.25", "codes=32", "dim=8"}, {8, 8, 1}, 2e-3, 0),
                vq_vae_2);
    const gesso::Tensor x = squares(256, 8, 1), unseen = squares(256, 8, 2);
    for (int step = 0; step < 400; ++step) model.step(x.slice(step % 8 * 32, step % 8 * 32 + 32));
    gesso::Generator noise(9);
    const double reconstruction = model.evaluate(unseen, noise)[1].value;
    const Losses used = model.totals();
    MESSAGE("reconstruction ", reconstruction, ", perplexities ", used[0].value, " and ", used[1].value);
    CHECK(!!(reconstruction < 0.05));
    CHECK(used[0].value > 4);
    CHECK(used[1].value > 4);
  }
}
