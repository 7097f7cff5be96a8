// A linear decoder with Gaussian noise has a likelihood in closed form: p(x) = N(b, W W^T + sigma^2 I).
#include "models/importance.h"

#include "tests/models/linear_gaussian.h"

#include <cmath>
#include <numbers>

namespace gesso::models {
namespace {

constexpr std::int64_t D = kLinearPixels;
constexpr double kSigma = kLinearSigma;

struct Exact {
  std::vector<double> log_p, elbo;  // of each image
};

/// The model, its images, and what is known of them in closed form. q is off the true posterior: 0.85 of its mean, e^0.4 of its
/// variance, and independent where the true one is not.
struct LinearGaussian {
  Vae vae;
  Tensor x;
  double w[D][2], b[D], m[2][2], det, a[2][D], logvar[2];

  explicit LinearGaussian(std::int64_t N) : vae(linear_gaussian_recipe(), linear_gaussian) {
    const nn::State s = nn::state(vae.network());
    read(s);
    Tensor mu = s.at("mu.weight"), mu_bias = s.at("mu.bias"), lv = s.at("logvar.weight"),
           lv_bias = s.at("logvar.bias");
    for (int u = 0; u < 2; ++u) {
      double offset = 0;
      for (int i = 0; i < D; ++i) {
        mu.mutable_data<float>()[u * D + i] = static_cast<float>(a[u][i]);
        offset -= a[u][i] * b[i];
        lv.mutable_data<float>()[u * D + i] = 0;
      }
      mu_bias.mutable_data<float>()[u] = static_cast<float>(offset);
      lv_bias.mutable_data<float>()[u] = static_cast<float>(logvar[u]);
    }
    Generator g(8);
    const std::vector<double> z = tensor::normal(g, {N, 2}).to_vector<double>(),
                              eps = tensor::normal(g, {N, D}).to_vector<double>();
    x = Tensor({N, D});
    for (std::int64_t n = 0; n < N; ++n)
      for (int i = 0; i < D; ++i)
        x.mutable_data<float>()[n * D + i] =
            static_cast<float>(w[i][0] * z[2 * n] + w[i][1] * z[2 * n + 1] + b[i] + kSigma * eps[n * D + i]);
  }

  /// W and b, M^-1 = (W^T W + sigma^2 I)^-1, and q's 0.85 M^-1 W^T and log variances sigma^2 diag(M^-1) e^0.4.
  void read(const nn::State& s) {
    const std::vector<double> ws = s.at("decoder.0.weight").to_vector<double>(),
                              bs = s.at("decoder.0.bias").to_vector<double>();
    double p = kSigma * kSigma, q = 0, r = p;  // M = ((p, q), (q, r))
    for (int i = 0; i < D; ++i) {
      w[i][0] = ws[2 * i], w[i][1] = ws[2 * i + 1], b[i] = bs[i];
      p += w[i][0] * w[i][0], q += w[i][0] * w[i][1], r += w[i][1] * w[i][1];
    }
    det = p * r - q * q;
    m[0][0] = r / det, m[1][1] = p / det, m[0][1] = m[1][0] = -q / det;
    for (int u = 0; u < 2; ++u) {
      for (int i = 0; i < D; ++i) a[u][i] = 0.85 * (m[u][0] * w[i][0] + m[u][1] * w[i][1]);
      logvar[u] = std::log(kSigma * kSigma * m[u][u]) + 0.4;
    }
  }

  Exact exact() const {
    const std::vector<double> xs = x.to_vector<double>();
    const double noise = kSigma * kSigma, constant = D * std::log(2 * std::numbers::pi);
    Exact e;
    for (std::int64_t n = 0; n < x.dim(0); ++n) {
      double c[D], wc[2] = {0, 0}, cc = 0, mu[2] = {0, 0}, error = 0, spread = 0, kl = 0;
      for (int i = 0; i < D; ++i) {
        c[i] = xs[n * D + i] - b[i];
        cc += c[i] * c[i];
        for (int u = 0; u < 2; ++u) wc[u] += w[i][u] * c[i], mu[u] += a[u][i] * c[i];
      }
      // Woodbury: (W W^T + s I)^-1 = (I - W M^-1 W^T) / s, log det = log det M + (D - 2) log s.
      const double inner =
          wc[0] * (m[0][0] * wc[0] + m[0][1] * wc[1]) + wc[1] * (m[1][0] * wc[0] + m[1][1] * wc[1]);
      e.log_p.push_back(-0.5 * ((cc - inner) / noise + std::log(det) + (D - 2) * std::log(noise) + constant));
      for (int i = 0; i < D; ++i) {
        error += std::pow(c[i] - w[i][0] * mu[0] - w[i][1] * mu[1], 2);
        for (int u = 0; u < 2; ++u) spread += w[i][u] * w[i][u] * std::exp(logvar[u]);
      }
      for (int u = 0; u < 2; ++u) kl += 0.5 * (mu[u] * mu[u] + std::exp(logvar[u]) - 1 - logvar[u]);
      e.elbo.push_back(-0.5 * ((error + spread) / noise + D * std::log(noise) + constant) - kl);
    }
    return e;
  }
};

/// Mean and standard error of -nll - want.
Estimate distance(const std::vector<double>& nll, const std::vector<double>& want) {
  std::vector<double> d;
  for (std::size_t i = 0; i < nll.size(); ++i) d.push_back(-nll[i] - want[i]);
  return estimate(d);
}

TEST_CASE("importance samples: the bounds of a linear Gaussian model, of which log p(x) is known") {
  LinearGaussian model(200);
  const Exact exact = model.exact();
  Generator noise(1);
  const auto nll = importance_nll(model.vae, model.x, {1, 50, 200, 5000}, noise);
  // k = 1 is the bound that training uses.
  const Estimate one = distance(nll[0], exact.elbo), most = distance(nll[3], exact.log_p);
  MESSAGE("k = 1 less ELBO ", one.mean, " +- ", one.standard_error, ", k = 5000 less log p(x) ", most.mean,
          " +- ", most.standard_error);
  CHECK(!!(std::abs(one.mean) <= 4 * one.standard_error));
  CHECK(!!(one.standard_error <= 0.02));
  // k = 5000 is log p(x) but for half the variance of w / p(x) over 5000.
  CHECK(!!(std::abs(most.mean) <= 4 * most.standard_error + 1e-3));
  CHECK(!!(most.standard_error <= 0.01));
  // The bound grows with k towards it: by far more than its error from 1 to 50, and not beyond.
  double before = -estimate(exact.elbo).mean + 0.1;
  for (std::size_t i = 0; i < 4; ++i) {
    const double now = estimate(nll[i]).mean;
    CHECK(!!(now < before));
    before = now;
  }
  CHECK(!!(estimate(nll[0]).mean > estimate(nll[1]).mean + 0.1));
}

TEST_CASE("importance samples: the loss of a training step is what one sample gives on average") {
  LinearGaussian model(200);
  Generator noise(2);
  double loss = 0;
  for (int i = 0; i < 50; ++i) loss += model.vae.evaluate(model.x, noise)[0].value / 50;
  CHECK(loss == doctest::Approx(-estimate(model.exact().elbo).mean).epsilon(0.01));
}

TEST_CASE("importance samples: sums of exponentials that no float holds, and whole groups only") {
  ImportanceBound two(2, 1), three(3, 2);
  for (const double log_w : {900., -2000., -2000., -2001., 5000.})
    two.add({log_w});  // the fifth waits for a sixth
  CHECK(two.value()[0] ==
        doctest::Approx((-2000 + std::log((1 + std::exp(-1.)) / 2) + 900 + std::log(0.5)) / 2));
  three.add({1, 4}), three.add({2, 4}), three.add({3, 4});
  CHECK(three.value()[0] == doctest::Approx(std::log((std::exp(1.) + std::exp(2.) + std::exp(3.)) / 3)));
  CHECK(three.value()[1] == doctest::Approx(4));
  CHECK_THROWS_AS(ImportanceBound(2, 1).value(), Error);
  CHECK_THROWS_AS(two.add({1, 2}), Error);
}

TEST_CASE("importance samples: a mean and its standard error") {
  const Estimate e = estimate({1, 2, 3, 6});
  CHECK(e.mean == doctest::Approx(3));
  CHECK(e.standard_error == doctest::Approx(std::sqrt(14. / 3 / 4)));
}

}  // namespace
}  // namespace gesso::models
