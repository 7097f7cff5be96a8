#include "models/likelihood.h"

#include "autograd/gradcheck.h"
#include "models/mlp_vae.h"
#include "models/trainer.h"
#include "tests/models/support.h"

#include <cmath>

namespace gesso::models {
namespace {

Recipe recipe(std::vector<std::string> set, std::int64_t side = 8, double lr = 2e-3) {
  set.insert(set.begin(), {"hidden=64", "latent=4"});
  return recipe_of(mlp_vae_options(), set, {side, side, 1}, lr, 0);
}
Likelihood likelihood(const std::vector<std::string>& set) { return Likelihood(recipe(set).options); }

TEST_CASE("likelihood: each is the loss of its name, and its picture the mean within [0,1]") {
  Generator g(1);
  const Var d = tensor::normal(g, {3, 4});
  const Tensor x = tensor::uniform(g, {3, 4});
  const auto at = [](double sigma) { return Var(tensor::full({}, std::log(sigma))); };
  const nn::Reduction r = nn::Reduction::batch_mean;
  CHECK(Likelihood().nll(d, x, r).item() == nn::bce_with_logits(d, x, r).item());
  CHECK(likelihood({"likelihood=gaussian", "sigma=0.1"}).nll(d, x, r).item() ==
        nn::gaussian_nll(d, at(0.1), x, r).item());
  CHECK(likelihood({"likelihood=logistic", "sigma=0.02"}).nll(d, x, r).item() ==
        nn::logistic_nll(d, at(0.02), x, r).item());
  CHECK(likelihood({"likelihood=gaussian"}).nll(d, x, r).item() == nn::gaussian_nll(d, at(0.3), x, r).item());
  CHECK(Likelihood().mean(d).value().to_vector<float>() == sigmoid(d).value().to_vector<float>());
  for (const char* kind : {"likelihood=gaussian", "likelihood=logistic"})
    CHECK(likelihood({kind}).mean(d).value().to_vector<float>() == clamp(d, 0, 1).value().to_vector<float>());
}

TEST_CASE("likelihood: what a run says of it, with the weight of the KL divergence that it amounts to") {
  const auto said = [](const std::vector<std::string>& set) { return Vae(recipe(set), mlp_vae).describe(); };
  CHECK(said({}) == "Bernoulli likelihood; beta 1, effective beta 1");
  CHECK(said({"binarize=true"}) == "Bernoulli likelihood of binarised pixels; beta 1, effective beta 1");
  CHECK(said({"likelihood=gaussian", "sigma=0.5"}) ==
        "Gaussian likelihood (a density) of sigma 0.5, squared errors weigh 2; beta 1, effective beta 0.5");
  CHECK(said({"likelihood=gaussian"}) ==
        "Gaussian likelihood (a density) of a learned sigma, at first 0.3, squared errors weigh 1 / (2 "
        "sigma^2); beta 1, "
        "effective beta 2 sigma^2");
  CHECK(said({"likelihood=logistic", "beta=4", "warmup=100"}) ==
        "logistic likelihood of 256 levels, scale: a learned sigma, at first 0.3; beta 4, from 0 in 100 "
        "steps, effective "
        "beta 4");
  CHECK(said({"capacity=25", "warmup=1000"}) ==
        "Bernoulli likelihood; 10 |KL - C|, C = 25 nats, from 0 in 1000 steps");
  CHECK(said({"free_bits=0.1"}) ==
        "Bernoulli likelihood; beta 1, 0.1 nats of each unit free, effective beta 1");
}

TEST_CASE("likelihood: gradients of both parts of the loss by all weights, the scale among them") {
  for (const char* kind : {"likelihood=gaussian", "likelihood=logistic"}) {
    CAPTURE(std::string(kind));
    Generator g(5);
    const Recipe r = recipe({kind, "hidden=5", "latent=2"}, 4);
    VaeNetwork net = mlp_vae(r, g);
    net.likelihood = Likelihood(r.options);
    nn::to(net, DType::f64);
    const Tensor x = tensor::uniform(g, {3, 16}, 0, 1, DType::f64),
                 eps = tensor::normal(g, {3, 2}, 0, 1, DType::f64);
    const auto named = nn::named_parameters(net);
    CHECK(named.back().first == "likelihood.log_sigma");
    const auto f = [&](const std::vector<Var>& w) -> std::vector<Var> {
      for (std::size_t i = 0; i < w.size(); ++i) *named[i].second = w[i];
      const auto [reconstruction, kl, mu, logvar] = Vae::bound(net, x, eps);
      return {reconstruction, kl};
    };
    CHECK(gradcheck(f, nn::parameters(net)) == "");
  }
}

TEST_CASE("likelihood: only a learned scale is a weight of the model, and it is reported") {
  Vae fixed(recipe({"likelihood=gaussian", "sigma=0.1"}), mlp_vae),
      learned(recipe({"likelihood=gaussian"}), mlp_vae);
  CHECK(!nn::state(fixed.network()).contains("likelihood.log_sigma"));
  CHECK(nn::state(learned.network()).at("likelihood.log_sigma").shape() == Shape{});
  const Tensor x = squares(8, 8, 1);
  CHECK(fixed.step(x).size() == 3);
  const Losses losses = learned.step(x);
  CHECK(std::string(losses.back().name) == "sigma");
  Generator noise(1);
  CHECK(learned.evaluate(x, noise).back().value != doctest::Approx(0.3).epsilon(1e-4));  // it has moved
}

TEST_CASE("binarised pixels: drawn with their brightness as probability, for tests by seed and place alone") {
  Vae vae(recipe({"binarize=true"}), mlp_vae), grey(recipe({}), mlp_vae);
  Generator a(1), b(1);
  const Tensor x = tensor::full({200, 64}, 0.3);
  const std::vector<double> drawn = vae.observed(x, a).to_vector<double>();
  double ones = 0;
  for (const double v : drawn) {
    REQUIRE((v == 0 || v == 1));
    ones += v;
  }
  CHECK(std::abs(ones / 12800 - 0.3) <= 5 * std::sqrt(0.3 * 0.7 / 12800));
  CHECK(drawn == vae.observed(x, b).to_vector<double>());
  CHECK(drawn != vae.observed(x, b).to_vector<double>());
  CHECK(grey.observed(x, b).to_vector<float>() == x.to_vector<float>());

  // A step learns such pixels, drawn before the noise of z.
  const Recipe r = recipe({"binarize=true"});
  Generator weights = random_stream(r.seed, Stream::weights), noise = random_stream(r.seed, Stream::training);
  VaeNetwork net = mlp_vae(r, weights);
  const Tensor seen = vae.observed(x, noise), eps = tensor::normal(noise, {200, 4});
  CHECK(vae.step(x)[1].value == Vae::bound(net, seen, eps).reconstruction.item());

  nn::ImageSet set{.name = "grey", .images = Tensor({6, 8, 8, 1}, DType::u8)};
  std::fill_n(set.images.mutable_data<std::uint8_t>(), 6 * 64, std::uint8_t{128});
  const Tensor whole = test_pixels(vae, set, 7, 0, 6);
  CHECK(whole.slice(2, 5).to_vector<float>() == test_pixels(vae, set, 7, 2, 5).to_vector<float>());
  CHECK(whole.to_vector<float>() != test_pixels(vae, set, 8, 0, 6).to_vector<float>());
  CHECK(whole[0].to_vector<float>() != whole[1].to_vector<float>());
}

}  // namespace
}  // namespace gesso::models

TEST_SUITE("train") {
  TEST_CASE("a learned sigma becomes the root mean square error that remains") {
    using namespace gesso::models;
    Vae vae(recipe({"likelihood=gaussian"}, 8, 5e-3), mlp_vae);
    gesso::Generator g(4);
    const gesso::Tensor x =
        gesso::tensor::add(squares(256, 8, 1), gesso::tensor::normal(g, {256, 64}, 0, 0.1));
    for (int epoch = 0; epoch < 200; ++epoch)
      for (int i = 0; i < 256; i += 64) vae.step(x.slice(i, i + 64));
    gesso::Generator noise(9);
    const Losses losses = vae.evaluate(x, noise);
    const double sigma = losses.back().value, nats = losses[1].value;
    // nll = |x - d|^2 / (2 sigma^2) + 64 (log sigma + log(2 pi) / 2), and the first term is 32 where sigma^2 is the mean of the
    // 64 squared errors. Adam follows it with a delay, hence a tenth. The noise of the pixels is 0.1, the
    // mean picture leaves 0.34.
    const double errors = nats - 64 * (std::log(sigma) + 0.5 * std::log(2 * std::acos(-1.)));
    MESSAGE("sigma ", sigma, ", squared errors over 2 sigma^2 ", errors);
    CHECK(!!(sigma >= 0.08));
    CHECK(!!(sigma < 0.2));
    CHECK(!!(std::abs(errors - 32) <= 3.2));
  }
}
