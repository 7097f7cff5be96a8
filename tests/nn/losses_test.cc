#include "nn/losses.h"

#include "autograd/gradcheck.h"
#include "tests/nn/golden.h"

#include <map>
#include <numbers>

namespace gesso::nn {
namespace {

using Inputs = std::vector<Var>;

Var by_name(const std::string& name, const Inputs& in, const Tensor& index, Reduction r) {
  if (name == "mse") return mse(in[0], in[1], r);
  if (name == "l1") return l1(in[0], in[1], r);
  if (name == "bce_with_logits") return bce_with_logits(in[0], in[1], r);
  if (name == "cross_entropy") return cross_entropy(in[0], index, r);
  if (name == "gaussian_kl") return gaussian_kl(in[0], in[1], r);
  if (name == "gaussian_kl_2") return gaussian_kl(in[0], in[1], in[2], in[3], r);
  if (name == "discriminator") return gan::discriminator(in[0], in[1]);
  if (name == "generator_non_saturating") return gan::generator_non_saturating(in[0]);
  if (name == "generator_minimax") return gan::generator_minimax(in[0]);
  if (name == "wasserstein_critic") return gan::wasserstein_critic(in[0], in[1]);
  if (name == "wasserstein_generator") return gan::wasserstein_generator(in[0]);
  throw Error("no loss {}", name);
}

const std::map<std::string, Reduction> kReductions{{"none", Reduction::none},
                                                   {"sum", Reduction::sum},
                                                   {"mean", Reduction::mean},
                                                   {"batch_mean", Reduction::batch_mean},
                                                   {"fixed", Reduction::mean}};

TEST_CASE("losses: values and gradients are PyTorch's, in every reduction") {
  int seen = 0;
  for (const nlohmann::json& c : golden_nn().at("losses")) {
    const auto name = c.at("name").get<std::string>(), reduction = c.at("reduction").get<std::string>();
    CAPTURE(name);
    CAPTURE(reduction);
    Inputs inputs;
    for (const nlohmann::json& x : c.at("inputs")) inputs.push_back(parameter(golden_tensor(x)));
    const Tensor index = c.contains("index") ? golden_tensor(c.at("index")).to(DType::i64) : Tensor();
    const Var value = by_name(name, inputs, index, kReductions.at(reduction));
    // Elements are of order 1 to 90, each a handful of roundings; sums of up to 24 of them.
    constexpr double tol = 30 * 2.2e-16;
    CHECK(distance(value.value(), c.at("value")) <= tol);
    value.backward({.gradient = golden_tensor(c.at("dy"))});
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      CAPTURE(i);
      CHECK(distance(inputs[i].grad().value(), c.at("gradients")[i]) <= tol);
    }
    ++seen;
  }
  CHECK(seen == 6 * 4 + 5);
}

TEST_CASE("losses: gaussian_kl is differentiable twice, also where both inputs are one") {
  Generator g(1);
  const Var mu = parameter(tensor::normal(g, {3, 2}, 0, 1, DType::f64)),
            logvar = parameter(tensor::normal(g, {3, 2}, 0, 1, DType::f64));
  for (const auto& [name, r] : kReductions) {
    CAPTURE(name);
    const Function f = [r = r](const Inputs& in) { return Inputs{gaussian_kl(in[0], in[1], r)}; };
    CHECK(gradcheck(f, {mu, logvar}) == "");
    CHECK(gradgradcheck(f, {mu, logvar}) == "");
    CHECK(gradcheck([r = r](const Inputs& in) { return Inputs{gaussian_kl(in[0], in[0], r)}; }, {mu}) == "");
  }
}

/// Both likelihoods by their definitions, float64, which is exact enough for scales of 0.03 and more.
double slow_gaussian(double y, double log_sigma, double t) {
  const double sigma = std::exp(log_sigma);
  return -std::log(std::exp(-0.5 * (t - y) * (t - y) / (sigma * sigma)) /
                   (sigma * std::sqrt(2 * std::numbers::pi)));
}
double slow_logistic(double y, double log_scale, double t) {
  const double s = std::exp(log_scale), level = std::round(255 * t);
  const auto sigmoid = [](double a) { return 1 / (1 + std::exp(-a)); };
  const double p = (t + 1. / 510 - y) / s, q = (t - 1. / 510 - y) / s;
  if (level == 255) return -std::log(sigmoid(-q));
  if (level == 0) return -std::log(sigmoid(p));
  return -std::log(q > 0 ? sigmoid(-q) - sigmoid(-p)
                         : sigmoid(p) - sigmoid(q));  // in the tail where both are small
}

struct LikelihoodLoss {
  const char* name;
  Var (*loss)(const Var&, const Var&, const Var&, Reduction);
  double (*slow)(double, double, double);
};
const LikelihoodLoss kLikelihoods[] = {{"gaussian_nll", gaussian_nll, slow_gaussian},
                                       {"logistic_nll", logistic_nll, slow_logistic}};

/// n levels of 256, the outermost among them.
Tensor levels(Generator& g, std::int64_t n, DType dtype) {
  Tensor t({n}, DType::f64);
  const std::vector<double> u = tensor::uniform(g, {n}).to_vector<double>();
  for (std::int64_t i = 0; i < n; ++i)
    t.mutable_data<double>()[i] = i == 0 ? 0 : i == 1 ? 1 : std::floor(256 * u[i]) / 255;
  return t.to(dtype);
}

TEST_CASE("losses: likelihoods of pixels against their definitions, in every reduction") {
  Generator g(4);
  for (const LikelihoodLoss& l : kLikelihoods)
    for (const double scale : {0.03, 0.3, 3.}) {
      CAPTURE(std::string(l.name));
      CAPTURE(scale);
      const Tensor y = tensor::uniform(g, {4, 9}, -0.2, 1.2, DType::f64),
                   t = levels(g, 36, DType::f64).reshape({4, 9}),
                   log_scale = tensor::full({}, std::log(scale), DType::f64);
      const std::vector<double> ys = y.to_vector<double>(), ts = t.to_vector<double>();
      const std::vector<double> each = l.loss(y, log_scale, t, Reduction::none).value().to_vector<double>();
      double total = 0;
      for (std::size_t i = 0; i < each.size(); ++i) {
        const double want = l.slow(ys[i], std::log(scale), ts[i]);
        total += want;
        // The definition of the logistic one subtracts numbers that differ by a part in 255 scales or more, 765 here: 1e3
        // roundings, and a few of each number.
        CHECK(!!(std::abs(each[i] - want) <= 3e3 * 2.2e-16 * (1 + std::abs(want))));
      }
      for (const auto& [r, factor] :
           {std::pair(Reduction::sum, 1.), {Reduction::mean, 1 / 36.}, {Reduction::batch_mean, 0.25}})
        CHECK(!!(std::abs(l.loss(y, log_scale, t, r).item() - factor * total) <=
                 1e-12 * std::abs(factor) * (36 + std::abs(total))));
    }
}

TEST_CASE("losses: likelihoods of pixels are differentiable twice, also by their scale") {
  Generator g(5);
  const Tensor t = levels(g, 12, DType::f64).reshape({3, 4});
  for (const LikelihoodLoss& l : kLikelihoods)
    for (const double scale : {0.05, 0.4}) {
      CAPTURE(std::string(l.name));
      const Var y = parameter(tensor::uniform(g, {3, 4}, 0, 1, DType::f64)),
                log_scale = parameter(tensor::full({}, std::log(scale), DType::f64));
      for (const Reduction r : {Reduction::none, Reduction::batch_mean}) {
        const Function f = [&, r](const Inputs& in) { return Inputs{l.loss(in[0], in[1], t, r)}; };
        CHECK(gradcheck(f, {y, log_scale}) == "");
        CHECK(gradgradcheck(f, {y, log_scale}) == "");
      }
    }
}

TEST_CASE(
    "losses: the 256 levels of logistic_nll have a probability of 1 together, at every mean and scale, in "
    "f32") {
  Tensor all({256});
  for (std::int64_t i = 0; i < 256; ++i) all.mutable_data<float>()[i] = static_cast<float>(i) / 255;
  for (const double scale : {1e-4, 1e-3, 0.01, 0.1, 1., 10., 1000.})
    for (const double mean : {-3., 0., 0.1, 0.5013, 1., 2.5}) {
      CAPTURE(scale);
      CAPTURE(mean);
      const Var nll =
          logistic_nll(tensor::full({256}, mean), tensor::full({}, std::log(scale)), all, Reduction::none);
      double total = 0;
      for (const double v : nll.value().to_vector<double>()) {
        CHECK(std::isfinite(v));
        total += std::exp(-v);
      }
      // The levels and their distance to the mean are rounded to 6e-8 of 3, which is divided by the scale; elsewhere a few ULP of
      // each logarithm, at most 12 or so large.
      CHECK(!!(std::abs(total - 1) <= 2e-5 + 4e-7 / scale));
    }
}

TEST_CASE("losses: likelihoods of pixels far from any doubt") {
  const Var zero(tensor::zeros({1})), one(tensor::ones({1}));
  // N(1; 1, 1): nothing but the constant. A density of 1000 / sqrt(2 pi) is a loss below 0.
  const double constant = 0.5 * std::log(2 * std::numbers::pi);
  CHECK(gaussian_nll(one, tensor::zeros({}), one, Reduction::sum).item() == doctest::Approx(constant));
  CHECK(gaussian_nll(one, tensor::full({}, std::log(1e-3)), one, Reduction::sum).item() ==
        doctest::Approx(constant - std::log(1e3)));
  // A scale far below a bin: the level of the mean is certain, and others cost their distance in scales.
  const Var narrow(tensor::full({}, std::log(1e-5)));
  CHECK(logistic_nll(one, narrow, one, Reduction::sum).item() == 0);
  CHECK(logistic_nll(zero, narrow, one, Reduction::sum).item() == doctest::Approx((1 - 1. / 510) * 1e5));
  CHECK(error_of([&] { gaussian_nll(one, one, one, Reduction::sum); }) ==
        "gaussian_nll: log_sigma is (1); expected one number, ()");
  CHECK(error_of([&] { logistic_nll(one, one, one, Reduction::sum); }) ==
        "logistic_nll: log_scale is (1); expected one number, ()");
  CHECK(
      error_of([&] { gaussian_nll(one, zero, narrow, Reduction::sum); }).starts_with("gaussian_nll: y (1)"));
  CHECK(
      error_of([&] { logistic_nll(one, zero, narrow, Reduction::sum); }).starts_with("logistic_nll: y (1)"));
}

TEST_CASE("losses: exact cases") {
  const Tensor zero = tensor::zeros({4, 3}), one = tensor::ones({4, 3});
  // N(1,1) against N(0,1) is 1/2 nat a dimension; equal Gaussians are 0 exactly.
  CHECK(gaussian_kl(Var(one), Var(zero), Reduction::batch_mean).item() == 1.5);
  CHECK(gaussian_kl(Var(zero), Var(zero), Reduction::sum).item() == 0);
  CHECK(gaussian_kl(Var(one), Var(one), Var(one), Var(one), Reduction::sum).item() == 0);
  // A decoder that says nothing scores log 2 nats a pixel, whatever the image.
  const Var blank(tensor::zeros({2, 784}, DType::f64)), undecided(tensor::zeros({1, 1}, DType::f64));
  Generator g(1);
  const Var image(tensor::uniform(g, {2, 784}, 0, 1, DType::f64));
  const double want = 784 * std::numbers::ln2,
               tol = 2 * 784 * 1.1e-16 * want;  // a rounding for each term of the sum
  CHECK(std::abs(bce_with_logits(blank, image, Reduction::batch_mean).item() - want) <= tol);
  CHECK(std::abs(gan::discriminator(undecided, undecided).item() - 2 * std::numbers::ln2) <= 4 * 2.2e-16);
  // Far from the boundary the loss is the logit itself: nothing overflows.
  const Var sure(tensor::full({1, 1}, 500));
  CHECK(gan::generator_non_saturating(-sure).item() == 500);
  CHECK(gan::generator_non_saturating(sure).item() == 0);
  CHECK(gan::discriminator(-sure, sure).item() == 1000);
  CHECK(cross_entropy(Var(Tensor::from<float>({500, 0}).reshape({1, 2})), Tensor::from<std::int64_t>({1}),
                      Reduction::sum)
            .item() == 500);
}

TEST_CASE("losses: cross_entropy of pixels, with leading dimensions") {
  Generator g(1);
  const Var logits(tensor::normal(g, {2, 3, 4}, 0, 1, DType::f64));
  const Tensor index = Tensor::from(std::vector<std::int64_t>{0, 1, 2, 3, 0, 1}, {2, 3});
  const Var each = cross_entropy(logits, index, Reduction::none);
  CHECK(each.shape() == Shape{2, 3});
  const double total = tensor::sum(each.value()).item();
  CHECK(std::abs(cross_entropy(logits, index, Reduction::mean).item() - total / 6) <= 1e-14);
  CHECK(std::abs(cross_entropy(logits, index, Reduction::batch_mean).item() - total / 2) <= 1e-14);
}

TEST_CASE("losses: errors") {
  const Var a(tensor::ones({2, 3})), b(tensor::ones({3})), scalar(tensor::ones({}));
  const Reduction r = Reduction::mean;
  CHECK(error_of([&] { mse(a, b, r); }) ==
        "mse: y (2,3) and target (3) differ in shape; losses do not broadcast");
  CHECK(error_of([&] { l1(a, b, r); }).starts_with("l1: y (2,3)"));
  CHECK(error_of([&] { bce_with_logits(a, b, r); }).starts_with("bce_with_logits: y (2,3)"));
  CHECK(error_of([&] { gaussian_kl(a, b, r); }).starts_with("gaussian_kl: "));
  CHECK(error_of([&] { gaussian_kl(a, a, b, a, r); }).starts_with("gaussian_kl: "));
  CHECK(error_of([&] { mse(scalar, scalar, Reduction::batch_mean); }).starts_with("mse: batch_mean"));
  CHECK(error_of([&] {
          cross_entropy(a, Tensor::from<std::int64_t>({0, 3}), r);
        }) == "cross_entropy: index 3 at position 1; there are 3 classes");
  CHECK(error_of([&] {
          cross_entropy(a, Tensor::from<std::int64_t>({-1, 0}), r);
        }).find("-1") != std::string::npos);
  CHECK(error_of([&] { cross_entropy(a, Tensor::from<std::int64_t>({0}), r); }) ==
        "cross_entropy: logits (2,3) want an index of shape (2), not (1)");
  CHECK(error_of([&] { cross_entropy(a, tensor::zeros({2}), r); }).find("f32, not i64") != std::string::npos);
}

}  // namespace
}  // namespace gesso::nn
