#include "models/dcgan.h"

#include "autograd/graph.h"
#include "nn/losses.h"
#include "tests/models/support.h"

#include <cmath>
#include <map>

namespace gesso::models {
namespace {

/// A narrow one: 4 channels where the paper has 64.
Recipe recipe(const Shape& image, const std::vector<std::string>& set = {"width=0.0625", "latent=10"}) {
  return recipe_of(dcgan_options(), set, image);
}

GanNetwork network(const Recipe& r) {
  Generator g(1), noise(2);
  return dcgan(r, g, noise);
}

TEST_CASE("dcgan: as many parameters as the published networks") {
  // 64x64x3: the DCGAN of PyTorch's examples, G 3,576,704 and D 2,765,568.
  GanNetwork radford = network(recipe({64, 64, 3}, {}));
  CHECK(nn::parameter_count(radford.generator) == 3'576'704);
  CHECK(nn::parameter_count(radford.discriminator) == 2'765'568);
  // 28x28x1: the generator of TensorFlow's DCGAN tutorial, 2,305,472 of which are trained.
  GanNetwork digits = network(recipe({28, 28, 1}, {}));
  CHECK(nn::parameter_count(digits.generator) == 2'305'472);
}

TEST_CASE("dcgan: layers of 64x64 in PyTorch's words") {
  GanNetwork net = network(recipe({64, 64, 3}, {}));
  const std::string text = nn::text(net);
  for (const char* line :
       {"(0): ConvTranspose2d(100, 512, kernel_size=(4, 4), stride=(1, 1), bias=False)",
        "(3): ConvTranspose2d(512, 256, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1), bias=False)",
        "(12): ConvTranspose2d(64, 3, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1), bias=False)",
        "(13): Tanh()", "(0): Conv2d(3, 64, kernel_size=(4, 4), stride=(2, 2), padding=(1, 1), bias=False)",
        "(1): LeakyReLU(negative_slope=0.2)",
        "(11): Conv2d(512, 1, kernel_size=(4, 4), stride=(1, 1), bias=False)"}) {
    CAPTURE(line);
    CHECK(text.find(line) != std::string::npos);
  }
  const nn::State s = nn::state(net);
  CHECK(s.contains("generator.1.running_var"));
  CHECK(!s.contains("discriminator.1.weight"));  // no batch norm behind D's first layer, nor before G's last
  CHECK(s.at("discriminator.3.weight").shape() == Shape{128});
  CHECK(!s.contains("generator.13.weight"));
}

TEST_CASE("dcgan: images of each size and number of channels, and a logit for each") {
  for (const Shape& image : {Shape{28, 28, 1}, {28, 28, 3}, {32, 32, 3}, {64, 64, 1}, {64, 64, 3}}) {
    CAPTURE(image.text());
    Gan gan(recipe(image), dcgan);
    Generator noise(1);
    const Tensor x = gan.sample(5, noise);
    CHECK(x.shape() == Shape{5, image.size()});
    GanNetwork net = network(recipe(image));
    CHECK(net.discriminator(with_shape(x, image)).shape() == Shape{5, 1});
    Tensor real = tensor::uniform(noise, {5, image.size()});
    for (const Loss& loss : gan.step(real)) CHECK(std::isfinite(loss.value));
  }
}

TEST_CASE("dcgan: other sizes are told which there are") {
  for (const Shape& image : {Shape{40, 40, 3}, {28, 32, 1}, {16, 16, 1}, {128, 128, 3}}) {
    std::string said;
    try {
      network(recipe(image));
    } catch (const UsageError& e) {
      said = e.what();
    }
    CHECK(said ==
          fmt::format("dcgan makes images of 28x28, 32x32 or 64x64; these are {}x{}", image[0], image[1]));
  }
}

struct Moments {
  double mean = 0, deviation = 0, count = 0;
};
Moments moments(const Tensor& t) {
  Moments m{.count = static_cast<double>(t.size())};
  for (const double v : t.to_vector<double>()) m.mean += v / m.count;
  for (const double v : t.to_vector<double>()) m.deviation += (v - m.mean) * (v - m.mean) / m.count;
  m.deviation = std::sqrt(m.deviation);
  return m;
}

TEST_CASE("dcgan: weights start as in the paper") {
  for (const std::int64_t side : {28, 64}) {
    GanNetwork net = network(recipe({side, side, 3}, {"width=0.5"}));
    for (const auto& [name, w] : nn::named_parameters(net)) {
      CAPTURE(name);
      const Moments m = moments(w->value());
      if (name.ends_with("bias")) {
        CHECK((m.mean == 0 && m.deviation == 0));
        continue;
      }
      // Of n draws, the mean has a deviation of 0.02 / sqrt n, and the deviation one of 0.02 / sqrt 2n: five of each.
      CHECK(!!(std::abs(m.mean - (w->rank() == 1 ? 1 : 0)) <= 5 * 0.02 / std::sqrt(m.count)));
      CHECK(!!(std::abs(m.deviation - 0.02) <= 5 * 0.02 / std::sqrt(2 * m.count)));
    }
  }
}

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t n = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++n;
  return n;
}

TEST_CASE(
    "dcgan: batch norm and its activation are one node, all other activations follow a layer that fuses "
    "them") {
  for (const std::int64_t side : {28, 64}) {
    GanNetwork net = network(recipe({side, side, 1}));
    const Var x = net.generator(with_shape(Tensor(tensor::full({2, 10}, 0.5)), net.noise));
    CHECK(count(graph_text(x), "leaky_relu") == 0);
    CHECK(count(graph_text(x), "batch_norm") == (side == 28 ? 3 : 4));
    const Var d = net.discriminator(x.value());
    CHECK(count(graph_text(d), "leaky_relu") == 1);  // of the first layer, which its convolution applies
    for (nn::Sequential* part : {&net.generator, &net.discriminator})
      for (std::size_t i = 0; i < part->size(); ++i)
        if (auto* act = dynamic_cast<nn::ActivationLayer*>(&(*part)[i])) {
          auto* before = dynamic_cast<nn::FusingLayer*>(&(*part)[i - 1]);
          CHECK((before && act->fused() && before->fuses(*act->fused())));
        }
  }
}

// The step of the class against the same step in plain definitions: for G's step all gradients are computed, of which D's are
// thrown away. Real and generated images each go through D with statistics of their own.
TEST_CASE("dcgan: a step is D's step on two batches and then G's, with one G(z) for both") {
  const Recipe r = recipe({28, 28, 1});
  Gan gan(r, dcgan);
  Generator weights = random_stream(3, Stream::weights), noise = random_stream(3, Stream::training);
  GanNetwork net = dcgan(r, weights, noise);
  nn::Optimizer adam_d(nn::named_parameters(net.discriminator), nn::Adam{.lr = 2e-4, .beta1 = 0.5});
  nn::Optimizer adam_g(nn::named_parameters(net.generator), nn::Adam{.lr = 2e-4, .beta1 = 0.5});
  for (int i = 0; i < 3; ++i) {
    const Tensor x = squares(6, 28, 10 + i);
    const Losses losses = gan.step(x);

    const Var fake = net.generator(tensor::normal(noise, {6, 10}));
    const Var real = with_shape(tensor::add(tensor::mul(x, 2), -1), r.image);
    const Var d = mean(softplus(-net.discriminator(real))) + mean(softplus(net.discriminator(fake.detach())));
    d.backward();
    for (const Var& w : nn::parameters(net.generator)) CHECK(!w.grad().defined());
    adam_d.step();
    nn::zero_grad(net);
    const Var g = mean(softplus(-net.discriminator(fake)));
    g.backward();
    adam_g.step();
    nn::zero_grad(net);
    CHECK(losses[1].value == d.item());
    CHECK(losses[2].value == g.item());
  }
  check_same_state(nn::state(gan.network()), nn::state(net));
  const nn::State s = nn::state(gan.network());
  CHECK(s.at("generator.1.num_batches_tracked").item() == 3);
  CHECK(s.at("discriminator.3.num_batches_tracked").item() == 9);
}

TEST_CASE("dcgan: a step computes each weight's gradient once, so none of D's for G, and keeps none") {
  for (const std::int64_t side : {28, 32}) {
    Gan gan(recipe({side, side, 1}), dcgan);
    std::map<std::string, int> computed;
    for (const auto& [name, w] : nn::named_parameters(gan.network()))
      w->register_hook([&computed, name = name](const Var&) { return ++computed[name], Var(); });
    gan.step(squares(4, side, 1));
    for (const auto& [name, w] : nn::named_parameters(gan.network())) {
      CAPTURE(name);
      CHECK(computed[name] == 1);
      CHECK(!w->grad().defined());
    }
  }
}

TEST_CASE("dcgan: evaluation and pictures change nothing, running statistics included") {
  Gan gan(recipe({28, 28, 1}), dcgan);
  gan.step(squares(6, 28, 1));
  const nn::State before = kept(nn::state(gan.network())), training = kept(gan.training_state());
  Generator a(1), b(1);
  const Tensor x = squares(6, 28, 2);
  CHECK(gan.evaluate(x, a)[1].value == gan.evaluate(x, b)[1].value);
  const std::vector<float> alone = gan.sample(1, a).to_vector<float>(),
                           four = gan.sample(4, b).to_vector<float>();
  CHECK(std::equal(alone.begin(), alone.end(), four.begin()));  // a picture does not depend on its neighbours
  gan.walk({}, a, 3);
  check_same_state(before, nn::state(gan.network()));
  check_same_state(training, gan.training_state());
}

TEST_CASE("dcgan: the average of the generator makes the pictures, and training does not see it") {
  const Recipe plain_recipe = recipe({28, 28, 1});
  const Recipe r = recipe({28, 28, 1}, {"width=0.0625", "latent=10", "ema=0.5"});
  Gan plain(plain_recipe, dcgan), gan(r, dcgan);
  // e <- min(0.5, (1 + n) / (10 + n)) e + .. for one weight, in float64.
  const std::string name = "4.weight";
  const auto weight = [&] { return nn::state(gan.network()).at("generator." + name).to_vector<double>()[0]; };
  double e = weight();
  for (int n = 0; n < 12; ++n) {
    const Tensor x = squares(4, 28, n);
    CHECK(plain.step(x)[0].value == gan.step(x)[0].value);
    const double decay = std::min(0.5, (1. + n) / (10. + n));
    e = decay * e + (1 - decay) * weight();
  }
  nn::State s = nn::state(gan.network());
  // 12 roundings of numbers below 0.1, each halved again and again.
  CHECK(!!(std::abs(s.at("generator_ema." + name).to_vector<double>()[0] - e) <= 4 * 0.1 * 6e-8));
  Generator a(1), b(1);
  CHECK(plain.sample(2, a).to_vector<float>() != gan.sample(2, b).to_vector<float>());
}

}  // namespace
}  // namespace gesso::models
