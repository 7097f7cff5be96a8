// Losses. Each says how it is reduced: nothing here averages by default, because a mean over pixels added to
// a sum over latents is the field's most common bug. Logarithms are natural, so likelihoods are in nats.
#pragma once

#include "autograd/ops.h"

namespace gesso::nn {

enum class Reduction {
  none,        // one value per element (cross_entropy: per index)
  sum,         // over everything
  mean,        // over all of those values: PyTorch's default
  batch_mean,  // the sum, divided by the extent of the leading dimension: per image
};

/// (y - t)^2
Var mse(const Var& y, const Var& target, Reduction r);
/// |y - t|
Var l1(const Var& y, const Var& target, Reduction r);
/// max(d,0) - d t + log(1 + exp(-|d|)) = -t log sigmoid(d) - (1-t) log(1 - sigmoid(d)), nats; d is the logit,
/// t in [0,1].
Var bce_with_logits(const Var& logit, const Var& target, Reduction r);
/// -log softmax(x)[index], nats; x (..,K) logits, index (..) i64 in [0,K).
Var cross_entropy(const Var& logits, const Tensor& index, Reduction r);

/// (y - t)^2 / (2 sigma^2) + log sigma + log(2 pi) / 2 = -log N(t; y, sigma^2), nats, sigma = exp(log_sigma); log_sigma () is one
/// for all. A density's logarithm: negative where the density is above 1.
Var gaussian_nll(const Var& y, const Var& log_sigma, const Var& target, Reduction r);
/// -log P(t), nats, where t is one of 256 levels 0, 1/255, .., 1 and P its share of a logistic distribution of mean y and scale
/// s = exp(log_scale), log_scale () one for all: P(t) = sigmoid((t + 1/510 - y) / s) - sigmoid((t - 1/510 - y) / s), and the
/// outermost levels have the tails too. Salimans et al. 2017, equation 2.
Var logistic_nll(const Var& y, const Var& log_scale, const Var& target, Reduction r);

/// KL(N(mu, exp(logvar)) || N(0,1)) = (mu^2 + exp(logvar) - 1 - logvar) / 2, nats per latent dimension; with
/// batch_mean nats per image. Kingma & Welling 2014, appendix B.
Var gaussian_kl(const Var& mu, const Var& logvar, Reduction r);
/// KL(N(mu1, v1) || N(mu2, v2)) = (logvar2 - logvar1 + (v1 + (mu1 - mu2)^2) / v2 - 1) / 2, v = exp(logvar),
/// nats.
Var gaussian_kl(const Var& mu1, const Var& logvar1, const Var& mu2, const Var& logvar2, Reduction r);

/// Adversarial losses of a discriminator or critic that returns logits d, with sp(t) = log(1 + exp(t)); so
/// -log sigmoid(d) = sp(-d) and -log(1 - sigmoid(d)) = sp(d). All are means over the batch, in nats
/// (Wasserstein: in units of the critic). In the discriminator's step the images behind `fake` must be
/// detached from the generator.
namespace gan {

/// mean sp(-d(x)) + mean sp(d(G(z))). Goodfellow et al. 2014, equation 1; 2 log 2 when d is 0 everywhere.
Var discriminator(const Var& real, const Var& fake);
/// mean sp(-d(G(z))): the same fixed point as minimax, with gradients where d is confident. Ibidem, section
/// 3.
Var generator_non_saturating(const Var& fake);
/// -mean sp(d(G(z))). Ibidem, equation 1.
Var generator_minimax(const Var& fake);
/// mean d(G(z)) - mean d(x): minus the estimate of the Wasserstein distance. Arjovsky et al. 2017, equation
/// 2.
Var wasserstein_critic(const Var& real, const Var& fake);
/// -mean d(G(z)). Arjovsky et al. 2017.
Var wasserstein_generator(const Var& fake);

}  // namespace gan
}  // namespace gesso::nn
