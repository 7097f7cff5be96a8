// p(x|z): what a decoder's outputs d say about the pixels x of an image, and what that costs in nats.
//
//   bernoulli  x_i is 1 with probability sigmoid(d_i); grey pixels stand for probabilities     Kingma & Welling 2014, eq. 11
//   gaussian   x_i ~ N(d_i, sigma^2): a density, so its nats may be negative                    eq. 12, one sigma for all
//   logistic   x_i is one of 256 levels, of a logistic distribution of mean d_i, scale sigma    Salimans et al. 2017, eq. 2
//
// sigma is a number, or one learned for the whole model (sigma-VAE, Rybkin et al. 2021, arXiv:2006.13202): a
// sigma chosen too small or too large is a hidden weight of the KL divergence.
#pragma once

#include "models/options.h"
#include "nn/losses.h"
#include "nn/module.h"

namespace gesso::models {

class Likelihood : public nn::Module {
 public:
  Likelihood() = default;  // Bernoulli
  explicit Likelihood(const Options& options);
  void parts(nn::Parts& p) override { p("log_sigma", log_sigma); }
  std::string title() const override;

  /// -log p(x|z), nats; d and x (N, image..).
  Var nll(const Var& d, const Tensor& x, nn::Reduction r) const;
  /// The mean of x, as far as it lies in [0,1]: pictures show it, and not draws.
  Var mean(const Var& d) const;
  /// What this is, for people.
  std::string text() const;
  /// What beta comes to where errors are measured as this likelihood is without its scale: for a Gaussian as |x - d|^2, since
  /// 2 sigma^2 (nll + beta KL) = |x - d|^2 + 2 sigma^2 beta KL + a constant.
  std::string effective_beta(double beta) const;
  bool learns_sigma() const { return log_sigma.defined(); }

  Var log_sigma;  // (); undefined where nothing is learned

 private:
  enum class Kind { bernoulli, gaussian, logistic };
  Kind kind_ = Kind::bernoulli;
  double sigma_ = 0;  // where it is a number
};

/// y = 1 with probability x, else 0: pixels as Salakhutdinov & Murray 2008 made their MNIST, though theirs were drawn once.
Tensor binarised(const Tensor& x, Generator& pixels);

/// likelihood, sigma
std::vector<Option> likelihood_options();

}  // namespace gesso::models
