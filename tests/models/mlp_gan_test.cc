#include "models/mlp_gan.h"

#include "autograd/gradcheck.h"
#include "tests/models/support.h"

#include <cmath>
#include <map>

namespace gesso::models {
namespace {

Recipe recipe(const std::vector<std::string>& set = {"hidden=16,32", "latent=10", "dropout=0"},
              std::int64_t side = 8) {
  return recipe_of(mlp_gan_options(), set, {side, side, 1});
}

TEST_CASE("mlp-gan: 100-128-256-512-784 and 784-512-256-128-1") {
  Gan gan(recipe({}, 28), mlp_gan);
  const nn::State s = nn::state(gan.network());
  const std::vector<std::int64_t> g = {100, 128, 256, 512, 784}, d = {784, 512, 256, 128, 1};
  for (std::size_t i = 0; i < 4; ++i) {  // Linear, LeakyReLU, and in the discriminator Dropout
    CHECK(s.at(fmt::format("generator.{}.weight", 2 * i)).shape() == Shape{g[i + 1], g[i]});
    CHECK(s.at(fmt::format("discriminator.{}.weight", 3 * i)).shape() == Shape{d[i + 1], d[i]});
  }
  CHECK(s.size() == 16);
}

double slow_softplus(double t) { return std::log(1 + std::exp(t)); }

std::vector<double> slow_discriminator(const nn::State& s, const std::vector<double>& x) {
  return slow_linear(slow_linear(slow_linear(x, s, "discriminator.0", 0.2), s, "discriminator.2", 0.2), s,
                     "discriminator.4", 1);
}

TEST_CASE("mlp-gan: both losses against loops in float64") {
  Generator g(1);
  GanNetwork net = mlp_gan(recipe(), g, g);
  const Tensor x = tensor::uniform(g, {7, 64}, -1, 1), z = tensor::normal(g, {7, 10});
  const Var fake = net.generator(z);
  const nn::State s = nn::state(net);

  std::vector<double> drawn =
      slow_linear(slow_linear(z.to_vector<double>(), s, "generator.0", 0.2), s, "generator.2", 0.2);
  drawn = slow_linear(drawn, s, "generator.4", 1);
  double loss_d = 0, loss_g = 0, farthest = 0;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    drawn[i] = std::tanh(drawn[i]);
    farthest = std::max(farthest, std::abs(drawn[i] - fake.value().data<float>()[i]));
  }
  for (const double d : slow_discriminator(s, x.to_vector<double>())) loss_d += slow_softplus(-d) / 7;
  for (const double d : slow_discriminator(s, drawn))
    loss_d += slow_softplus(d) / 7, loss_g += slow_softplus(-d) / 7;

  // f32, sums of at most 64 terms of size below 1 in three layers: 3 * 64 * 2^-24 = 1.2e-5.
  CHECK(!!(farthest <= 1.2e-5));
  CHECK(!!(std::abs(Gan::loss_d(net, x, fake.value()).item() - loss_d) <= 1.2e-5));
  CHECK(!!(std::abs(Gan::loss_g(net, fake).item() - loss_g) <= 1.2e-5));
}

TEST_CASE("mlp-gan: gradients of both losses against central differences") {
  Generator g(5);
  GanNetwork net = mlp_gan(recipe({"hidden=6,8", "latent=4", "dropout=0"}, 3), g, g);
  nn::to(net, DType::f64);
  const Tensor x = tensor::uniform(g, {3, 9}, -1, 1, DType::f64),
               z = tensor::normal(g, {3, 4}, 0, 1, DType::f64);
  const auto check_all = [&](nn::Sequential& part, const std::function<Var()>& loss) {
    const auto named = nn::named_parameters(part);
    const auto f = [&](const std::vector<Var>& w) -> std::vector<Var> {
      for (std::size_t i = 0; i < w.size(); ++i) *named[i].second = w[i];
      return {loss()};
    };
    CHECK(gradcheck(f, nn::parameters(part)) == "");
  };
  check_all(net.discriminator, [&] { return Gan::loss_d(net, x, net.generator(z).value()); });
  check_all(net.generator, [&] { return Gan::loss_g(net, net.generator(z)); });
}

// The step of the class against the same step written with the plain definitions: two separate batches through D, G(z) for
// D's step detached, and for G's step all gradients computed, of which D's are thrown away.
TEST_CASE("mlp-gan: a step is D's step and then G's, with one G(z) for both") {
  Gan gan(recipe(), mlp_gan);
  Generator weights = random_stream(3, Stream::weights), noise = random_stream(3, Stream::training);
  GanNetwork net = mlp_gan(recipe(), weights, noise);
  nn::Optimizer adam_d(nn::named_parameters(net.discriminator), nn::Adam{.lr = 1e-4, .beta1 = 0.9});
  nn::Optimizer adam_g(nn::named_parameters(net.generator), nn::Adam{.lr = 2e-4, .beta1 = 0.9});
  for (int i = 0; i < 5; ++i) {
    const Tensor x = squares(12, 8, 10 + i);
    const Losses losses = gan.step(x);

    const Var fake = net.generator(tensor::normal(noise, {12, 10}));
    const Var scaled = tensor::add(tensor::mul(x, 2), -1);
    const Var d =
        mean(softplus(-net.discriminator(scaled))) + mean(softplus(net.discriminator(fake.detach())));
    nn::zero_grad(net);
    d.backward();
    for (const Var& w : nn::parameters(net.generator)) CHECK(!w.grad().defined());
    adam_d.step();
    const Var g = mean(softplus(-net.discriminator(fake)));
    nn::zero_grad(net);
    g.backward();
    adam_g.step();
    nn::zero_grad(net);

    CHECK(losses[1].value == doctest::Approx(d.item()).epsilon(1e-5));
    CHECK(losses[2].value == doctest::Approx(g.item()).epsilon(1e-5));
  }
  // Adam divides by the size of the gradient, so rounding may turn a gradient of nearly 0 around: 5 steps of lr at the most,
  // for few weights. On average they agree far better.
  const nn::State a = nn::state(gan.network()), b = nn::state(net);
  double sum = 0, n = 0;
  for (const auto& [name, t] : a) {
    const std::vector<double> p = t.to_vector<double>(), q = b.at(name).to_vector<double>();
    for (std::size_t i = 0; i < p.size(); ++i, ++n) sum += std::abs(p[i] - q[i]);
  }
  CHECK(!!(sum / n <= 1e-6));
}

TEST_CASE("mlp-gan: a step computes each weight's gradient once, so none of D's for G, and keeps none") {
  Gan gan(recipe(), mlp_gan);
  std::map<std::string, int> computed;
  for (const auto& [name, w] : nn::named_parameters(gan.network()))
    w->register_hook([&computed, name = name](const Var&) { return ++computed[name], Var(); });
  gan.step(squares(12, 8, 1));
  for (const auto& [name, w] : nn::named_parameters(gan.network())) {
    CAPTURE(name);
    CHECK(computed[name] == 1);
    CHECK(!w->grad().defined());
  }
}

TEST_CASE("mlp-gan: dropout is for training; evaluation repeats itself and leaves training as it was") {
  const Recipe dropping = recipe({"hidden=16,32", "latent=10", "dropout=0.5"});
  Gan gan(dropping, mlp_gan), other(dropping, mlp_gan);
  const Tensor x = squares(12, 8, 1);
  Generator a(1), b(1);
  const double first = gan.evaluate(x, a)[1].value;
  CHECK(first == gan.evaluate(x, b)[1].value);
  const double trained = gan.step(x)[1].value;
  CHECK(trained == other.step(x)[1].value);
  Gan plain(recipe(), mlp_gan);  // the same weights and the same first noise
  CHECK(trained != plain.step(x)[1].value);
}

TEST_CASE("mlp-gan: pictures have pixels in [0,1], and there are no reconstructions") {
  Gan gan(recipe(), mlp_gan);
  Generator a(1), b(1);
  const Tensor y = gan.sample(5, a);
  CHECK(y.shape() == Shape{5, 64});
  CHECK(y.to_vector<float>() == gan.sample(5, b).to_vector<float>());
  for (const float v : y.to_vector<float>()) CHECK((v >= 0 && v <= 1));
  CHECK(gan.walk({}, a, 5).shape() == Shape{25, 64});
  CHECK(!gan.reconstruct(squares(3, 8, 1)).defined());
}

}  // namespace
}  // namespace gesso::models
