#include "models/vq_vae.h"

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
VqVaeNetwork network(const Recipe& r) {
  static Generator noise(9);
  Generator g(1);
  return VqVaeNetwork(r, g, noise);
}

TEST_CASE("vq-vae: the layers and the codebook of 32x32x3") {
  VqVaeNetwork net = network(recipe({32, 32, 3}, {}));
  const nn::State s = nn::state(net);
  const std::map<std::string, Shape> wanted = {{"encoder.0.weight", {64, 4, 4, 3}},
                                               {"encoder.2.weight", {128, 4, 4, 64}},
                                               {"encoder.4.weight", {128, 3, 3, 128}},
                                               {"encoder.5.inner.1.weight", {32, 3, 3, 128}},
                                               {"encoder.6.inner.3.weight", {128, 1, 1, 32}},
                                               {"encoder.8.weight", {64, 1, 1, 128}},
                                               {"quantizer.codes", {512, 64}},
                                               {"quantizer.sums", {512, 64}},
                                               {"quantizer.usage", {512}},
                                               {"decoder.0.weight", {128, 3, 3, 64}},
                                               {"decoder.4.weight", {128, 4, 4, 64}},
                                               {"decoder.6.weight", {64, 4, 4, 3}},
                                               {"variance", {}}};
  for (const auto& [name, shape] : wanted) {
    CAPTURE(name);
    REQUIRE(s.contains(name));
    CHECK(s.at(name).shape() == shape);
  }
  CHECK(net.codes[0] == Shape{8, 8, 64});
  CHECK(VqVae(recipe({32, 32, 3}, {})).describe() ==
        "512 codes of length 64 for 64 places, 576 bits an image at most");
  CHECK(network(recipe({28, 28, 1})).codes[0] == Shape{7, 7, 4});
}

TEST_CASE("vq-vae: images of all sides that are divisible by 4") {
  for (const Shape& image : {Shape{4, 4, 1}, {28, 28, 1}, {32, 32, 3}, {12, 20, 2}}) {
    CAPTURE(image.text());
    VqVae model(recipe(image));
    Generator noise(1);
    const Tensor x = tensor::uniform(noise, {4, image.size()});
    for (const Loss& loss : model.step(x)) CHECK(std::isfinite(loss.value));
    CHECK(model.reconstruct(x).shape() == x.shape());
    CHECK(model.sample(2, noise).shape() == Shape{2, image.size()});
    CHECK(model.walk(x, noise, 3).shape() == Shape{9, image.size()});
  }
}

TEST_CASE("vq-vae: mistakes") {
  const auto message = [](const Shape& image, const std::string& set) -> std::string {
    try {
      network(recipe(image, {set}));
    } catch (const UsageError& e) {
      return e.message();
    }
    return "";
  };
  CHECK(message({30, 28, 1}, "dim=4") ==
        "vq-vae is for images whose sides are divisible by 4; these are 30x28");
  CHECK(message({28, 28, 1}, "codes=0") == "--set codes=0: expected whole numbers from 1 to 1048576");
  CHECK(message({28, 28, 1}, "dim=-1") == "--set dim=-1: expected whole numbers from 1 to 1048576");
  CHECK(message({28, 28, 1}, "codebook=emma") ==
        "--set codebook=emma: there is no codebook \"emma\"; did you mean \"ema\"?");
  CHECK(message({28, 28, 1}, "decay=1") == "--set decay=1: expected a number from 0 to 0.999999");
  CHECK(message({28, 28, 1}, "variance=0") == "--set variance=0: expected a number above 0");
  VqVae model(recipe({4, 4, 1}));
  CHECK_THROWS_WITH(model.step(tensor::full({2, 16}, 0.5)),
                    doctest::Contains("all pixels of the first batch are alike"));
  Generator noise(1);
  CHECK_THROWS_WITH(model.evaluate(squares(2, 4, 1), noise),
                    doctest::Contains("unknown before the first step"));
}

TEST_CASE("vq-vae: reconstruction is measured by the variance of the first batch, or the one given") {
  VqVae model(recipe({8, 8, 1}));
  const Tensor x = squares(8, 8, 1);
  const double variance = tensor::var(x, {}, 0).item();
  const Losses losses = model.step(x);
  CHECK(nn::state(model.network()).at("variance").item() == doctest::Approx(variance));
  model.step(tensor::mul(squares(8, 8, 2), 0.1));
  CHECK(nn::state(model.network()).at("variance").item() == doctest::Approx(variance));
  VqVae given(recipe({8, 8, 1}, {"width=0.125", "codes=16", "dim=4", "variance=0.5"}));
  const Losses half = given.step(x);
  CHECK(half[1].value == doctest::Approx(losses[1].value * variance / 0.5));
  CHECK(losses[0].value == doctest::Approx(losses[1].value + losses[2].value));
}

// The loss as a function of all weights while the assignments stay and stop_gradient means a constant: z_q = z + (e - z)_0. Its
// autograd is checked by central differences; then it must be what the model computes.
TEST_CASE("vq-vae: gradients by all weights are those of the surrogate") {
  VqVaeNetwork net = network(recipe(
      {8, 8, 2}, {"width=0.03125", "codes=5", "dim=3", "codebook=gradient", "restart=0", "variance=0.125"}));
  nn::to(net, DType::f64);
  Generator g(5);
  const Tensor x = tensor::uniform(g, {3, 8, 8, 2}, 0, 1, DType::f64), centred = tensor::add(x, -0.5);
  VqVae::terms(net, x);  // the codes start from data
  const auto named = nn::named_parameters(net);
  const std::vector<Var> weights = nn::parameters(net);
  Var* codes = std::ranges::find(named, "quantizer.codes", [](const auto& n) { return n.first; })->second;
  const Tensor z = net.encoder(centred).value(), index = tensor::quantize(z, codes->value()).index;
  const Tensor e = tensor::take_rows(codes->value(), index), offset = tensor::sub(e, z);
  const auto surrogate = [&](const std::vector<Var>& w) -> std::vector<Var> {
    for (std::size_t i = 0; i < w.size(); ++i) *named[i].second = w[i];
    const Var z_e = net.encoder(centred);
    return {mean(square(net.decoder(z_e + offset) - centred)) / 0.125 +
            mean(square(Var(z) - take_rows(*codes, index))) + 0.25 * mean(square(z_e - Var(e)))};
  };
  CHECK(gradcheck(surrogate, weights) == "");

  const std::vector<Var> wanted = grad(surrogate(weights), weights);
  const VqVae::Terms terms = VqVae::terms(net, x);
  CHECK(terms.loss().item() == doctest::Approx(surrogate(weights)[0].item()).epsilon(1e-12));
  const std::vector<Var> found = grad({terms.loss()}, weights);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    CAPTURE(named[i].first);
    const double size = tensor::max(tensor::unary(kernels::Unary::abs, wanted[i].value())).item();
    const double error =
        tensor::max(tensor::unary(kernels::Unary::abs, tensor::sub(found[i].value(), wanted[i].value())))
            .item();
    CHECK(size > 0);
    CHECK(!!(error <= 1e-12 * size));
  }
}

TEST_CASE("vq-vae: evaluation and pictures change nothing; perplexity is that of all images together") {
  VqVae model(recipe({8, 8, 1}));
  const Tensor x = squares(40, 8, 1);
  for (int i = 0; i < 5; ++i) model.step(x);
  const nn::State before = kept(nn::state(model.network())), training = kept(model.training_state());
  Generator a(1), b(1);
  const Losses losses = model.evaluate(x, a);
  const double all = model.totals().at(0).value;
  CHECK(model.totals().empty());
  model.evaluate(x.slice(0, 7), a), model.evaluate(x.slice(7, 40), a);
  CHECK(model.totals().at(0).value == doctest::Approx(all));
  CHECK((all >= 1 && all <= 16));

  // Without clamping they are what the loss compares.
  const Tensor y = model.reconstruct(x);
  const double error = tensor::mean(tensor::binary(kernels::Binary::squared_difference, x, y)).item();
  CHECK(error / nn::state(model.network()).at("variance").item() ==
        doctest::Approx(losses[1].value).epsilon(1e-4));

  const std::vector<float> drawn = model.sample(6, a).to_vector<float>();
  CHECK(drawn == model.sample(6, b).to_vector<float>());
  for (const float v : drawn) CHECK((v >= 0 && v <= 1));
  const Tensor sheet = model.walk(x.slice(0, 4), a, 5);
  CHECK(sheet[24].to_vector<float>() == y[3].to_vector<float>());
  check_same_state(before, nn::state(model.network()));
  check_same_state(training, model.training_state());
}

TEST_CASE("vq-vae: the command trains, resumes, evaluates and draws") {
  const TempFolder folder;
  put_squares(folder / "data", 60, 24);
  const auto gesso = [&](const std::vector<std::string>& arguments) {
    const Outcome o = run(folder, arguments);
    CAPTURE(o.err);
    CHECK(o.code == 0);
    return o;
  };
  const auto train = [&](const std::string& out, const std::string& steps) {
    return gesso({"train", "vq-vae", "--data", "data", "--batch-size", "7", "--set", "width=0.1", "--set",
                  "codes=16", "--set", "dim=4", "--steps", steps, "--out", out});
  };
  CHECK(train("whole", "12").err.find("16 codes of length 4 for 4 places, 16 bits an image at most") !=
        std::string::npos);
  train("run", "5");
  gesso({"train", "--resume", "run", "--steps", "12"});
  CHECK(nn::bytes_of(folder / "whole/checkpoint.safetensors") ==
        nn::bytes_of(folder / "run/checkpoint.safetensors"));
  CHECK(gesso({"eval", "run", "--json"}).out.find("\"perplexity\":") != std::string::npos);
  const std::string report = nn::bytes_of(folder / "run/report.html");
  CHECK(report.find(">perplexity</text>") != std::string::npos);
  CHECK(report.find(">nats</text>") == std::string::npos);  // shares of the variance are none
  for (const std::string command : {"sample", "reconstruct"}) {
    gesso({command, "run", "--out", command + ".png"});
    CHECK(std::filesystem::file_size(folder / (command + ".png")) > 0);
  }
}

TEST_CASE("vq-vae: a collapsed codebook raises an alarm, a healthy one does not") {
  const Tensor x = squares(256, 8, 1);
  const auto alarms = [&](const std::vector<std::string>& set) {
    std::vector<std::string> all = {"width=0.25", "dim=8"};
    all.insert(all.end(), set.begin(), set.end());
    VqVae model(recipe({8, 8, 1}, all));
    for (int i = 0; i < 200; ++i) model.step(x.slice(i % 8 * 32, i % 8 * 32 + 32));
    return model.alarms(x);
  };
  CHECK(alarms({}).empty());
  CHECK(alarms({"codebook=gradient"}).empty());
  const std::vector<std::string> collapsed = alarms({"start=zero", "restart=0"});
  REQUIRE(collapsed.size() == 1);
  MESSAGE(collapsed[0]);
  CHECK(collapsed[0].find("the codebook has collapsed") == 0);
}

}  // namespace
}  // namespace gesso::models

TEST_SUITE("train") {
  TEST_CASE("vq-vae learns to draw squares from a few codes") {
    using namespace gesso::models;
    for (const std::string codebook : {"codebook=ema", "codebook=gradient"}) {
      VqVae model(
          recipe_of(vq_vae_options(), {"width=0.25", "codes=32", "dim=8", codebook}, {8, 8, 1}, 2e-3, 0));
      const gesso::Tensor x = squares(256, 8, 1), unseen = squares(256, 8, 2);
      for (int step = 0; step < 400; ++step) model.step(x.slice(step % 8 * 32, step % 8 * 32 + 32));
      gesso::Generator noise(9);
      const double reconstruction = model.evaluate(unseen, noise)[1].value, used = model.totals().at(0).value;
      MESSAGE(codebook, ": reconstruction ", reconstruction, ", perplexity ", used);
      // The mean colour scores 1. A quarter of a picture, which is a place, comes in 25 ways at most and in
      // some far more often than in others; without restarts, 7 codes are used.
      CHECK(!!(reconstruction < 0.05));
      CHECK(used > 12);
    }
  }
}
