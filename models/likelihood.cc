#include "models/likelihood.h"

#include <cctype>
#include <cmath>

namespace gesso::models {

// Where a learned sigma starts: about what the pixels of MNIST (0.31) and Fashion-MNIST (0.35) vary by, which is all that a
// decoder can say before it has learned anything.
constexpr double kFirstSigma = 0.3;

std::vector<Option> likelihood_options() {
  return {{"likelihood", "bernoulli", "of a pixel: bernoulli, gaussian or logistic (256 levels)"},
          {"sigma", "learned",
           "gaussian's standard deviation or logistic's scale: learned, or a number as in 0.1"}};
}

Tensor binarised(const Tensor& x, Generator& pixels) {
  const Tensor u = tensor::uniform(pixels, x.shape(), 0, 1, DType::f32, x.device());
  return tensor::compare(kernels::Compare::lt, u, x).to(DType::f32);
}

Likelihood::Likelihood(const Options& options) {
  const std::string& kind = options.choice("likelihood", {"bernoulli", "gaussian", "logistic"});
  const std::string& sigma = options.text("sigma");
  if (kind == "bernoulli") {
    if (sigma != "learned")
      throw UsageError("--set sigma={}: a Bernoulli likelihood has none; gaussian and logistic do", sigma);
    return;
  }
  kind_ = kind == "gaussian" ? Kind::gaussian : Kind::logistic;
  if (sigma.empty() || std::isalpha(static_cast<unsigned char>(sigma.front()))) {
    options.choice("sigma", {"learned"});
    log_sigma = parameter(tensor::full({}, std::log(kFirstSigma)));
  } else {
    sigma_ = options.positive("sigma");
  }
}

std::string Likelihood::title() const {
  if (kind_ == Kind::bernoulli) return "Bernoulli()";
  return fmt::format("{}(sigma={})", kind_ == Kind::gaussian ? "Gaussian" : "DiscretisedLogistic",
                     learns_sigma() ? "learned" : fmt::format("{}", sigma_));
}

Var Likelihood::nll(const Var& d, const Tensor& x, nn::Reduction r) const {
  if (kind_ == Kind::bernoulli) return nn::bce_with_logits(d, x, r);
  const Var log_scale =
      learns_sigma() ? log_sigma : Var(tensor::full({}, std::log(sigma_), d.dtype(), d.device()));
  return (kind_ == Kind::gaussian ? nn::gaussian_nll : nn::logistic_nll)(d, log_scale, x, r);
}

Var Likelihood::mean(const Var& d) const { return kind_ == Kind::bernoulli ? sigmoid(d) : clamp(d, 0, 1); }

std::string Likelihood::text() const {
  const std::string sigma = learns_sigma() ? fmt::format("a learned sigma, at first {}", kFirstSigma)
                                           : fmt::format("sigma {}", sigma_);
  switch (kind_) {
    case Kind::bernoulli:
      return "Bernoulli likelihood";
    case Kind::gaussian:
      return fmt::format("Gaussian likelihood (a density) of {}, squared errors weigh {}", sigma,
                         learns_sigma() ? "1 / (2 sigma^2)" : fmt::format("{:.4g}", 0.5 / (sigma_ * sigma_)));
    default:
      return fmt::format("logistic likelihood of 256 levels, scale: {}", sigma);
  }
}

std::string Likelihood::effective_beta(double beta) const {
  if (kind_ != Kind::gaussian) return fmt::format("{:.4g}", beta);
  return learns_sigma() ? fmt::format("{:.4g} sigma^2", 2 * beta)
                        : fmt::format("{:.4g}", 2 * beta * sigma_ * sigma_);
}

}  // namespace gesso::models
