#include "nn/losses.h"

#include <cmath>
#include <numbers>

namespace gesso::nn {
namespace {

void check_same_shape(const char* loss, const Var& y, const Var& target) {
  check(y.shape() == target.shape(), "{}: y {} and target {} differ in shape; losses do not broadcast", loss,
        y.shape(), target.shape());
}

void check_one_number(const char* loss, const char* what, const Var& x) {
  check(x.rank() == 0, "{}: {} is {}; expected one number, ()", loss, what, x.shape());
}

/// What a sum over `count` values of a batch (N, ..) is multiplied by.
double weight(const char* loss, Reduction r, std::int64_t count, const Shape& shape) {
  switch (r) {
    case Reduction::mean:
      return 1 / static_cast<double>(count);
    case Reduction::batch_mean:
      check(shape.rank() > 0, "{}: batch_mean of a 0-dimensional tensor, which has no batch", loss);
      return 1 / static_cast<double>(shape[0]);
    default:
      return 1;
  }
}

Var scaled(const Var& total, double factor) { return factor == 1 ? total : total * factor; }

/// The reduction of x, whose values are already one per element.
Var reduced(const char* loss, const Var& x, Reduction r) {
  if (r == Reduction::none) return x;
  return scaled(sum(x), weight(loss, r, x.size(), x.shape()));
}

}  // namespace

Var mse(const Var& y, const Var& target, Reduction r) {
  check_same_shape("mse", y, target);
  if (r == Reduction::none) return square(y - target);
  return scaled(sum_squared_difference(y, target), weight("mse", r, y.size(), y.shape()));
}

Var l1(const Var& y, const Var& target, Reduction r) {
  check_same_shape("l1", y, target);
  if (r == Reduction::none) return abs(y - target);
  return scaled(sum_absolute_difference(y, target), weight("l1", r, y.size(), y.shape()));
}

Var bce_with_logits(const Var& logit, const Var& target, Reduction r) {
  check_same_shape("bce_with_logits", logit, target);
  if (r == Reduction::none) return gesso::bce_with_logits(logit, target);
  return scaled(sum_bce_with_logits(logit, target),
                weight("bce_with_logits", r, logit.size(), logit.shape()));
}

Var cross_entropy(const Var& logits, const Tensor& index, Reduction r) {
  check(logits.rank() >= 1 && logits.size() > 0, "cross_entropy: logits {} have no classes", logits.shape());
  const std::int64_t classes = logits.dim(-1), count = logits.size() / classes;
  check(index.dtype() == DType::i64, "cross_entropy: the index is {}, not i64", name(index.dtype()));
  const Shape expected(std::span(logits.shape().begin(), logits.shape().end() - 1));
  check(index.shape() == expected, "cross_entropy: logits {} want an index of shape {}, not {}",
        logits.shape(), expected, index.shape());
  Tensor flat(expected, DType::i64);  // where the logit of each index lies among all logits
  const Tensor here = index.to(Device::cpu);
  const std::int64_t* at = here.data<std::int64_t>();
  std::int64_t* to = flat.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    check(at[i] >= 0 && at[i] < classes, "cross_entropy: index {} at position {}; there are {} classes",
          at[i], i, classes);
    to[i] = i * classes + at[i];
  }
  return reduced("cross_entropy", -take_rows(reshape(log_softmax(logits, -1), {logits.size()}), flat), r);
}

Var gaussian_nll(const Var& y, const Var& log_sigma, const Var& target, Reduction r) {
  check_same_shape("gaussian_nll", y, target);
  check_one_number("gaussian_nll", "log_sigma", log_sigma);
  const Var factor = 0.5 * exp(-2 * log_sigma), constant = log_sigma + 0.5 * std::log(2 * std::numbers::pi);
  if (r == Reduction::none) return factor * square(y - target) + constant;
  return scaled(factor * sum_squared_difference(y, target) + constant * static_cast<double>(y.size()),
                weight("gaussian_nll", r, y.size(), y.shape()));
}

// With p and q for the two arguments, and sp(a) = log(1 + exp(a)),
//
//   log(sigmoid(p) - sigmoid(q)) = -sp(-p) - sp(q) + log(1 - exp(-(p - q))),
//
// which is exact, so no scale needs another formula, and a tail is a term left out: sp(-p) above the highest level, sp(q) below
// the lowest. p - q = 1 / (255 s) is the same for all pixels; through t = tanh((p - q) / 2) no digits are lost where it is small:
// 1 - exp(-(p - q)) = 2 t / (1 + t).
Var logistic_nll(const Var& y, const Var& log_scale, const Var& target, Reduction r) {
  check_same_shape("logistic_nll", y, target);
  check_one_number("logistic_nll", "log_scale", log_scale);
  constexpr double kHalf = 1. / 510;  // of a bin
  constexpr double kAsymptote = 40;   // from here on sp(x) = x to the last bit of a double
  const auto sp = [](const Var& x) { return softplus(x, 1, kAsymptote); };
  const auto mask = [&](kernels::Compare op, double edge) {
    return Var(tensor::compare(op, target.value(), edge).to(y.dtype()));
  };
  const Var above = mask(kernels::Compare::gt, kHalf), below = mask(kernels::Compare::lt, 1 - kHalf);
  const Var inverse = exp(-log_scale), half = inverse * kHalf, t = tanh(half);
  const Var centre = (target - y) * inverse, width = log(2 * t) - log1p(t);
  return reduced("logistic_nll",
                 below * sp(-(centre + half)) + above * sp(centre - half) - above * below * width, r);
}

Var gaussian_kl(const Var& mu, const Var& logvar, Reduction r) {
  check_same_shape("gaussian_kl", mu, logvar);
  const Tensor &m = mu.value(), &l = logvar.value();
  const Tensor twice = tensor::add(tensor::unary(kernels::Unary::square, m),
                                   tensor::sub(tensor::add(tensor::unary(kernels::Unary::exp, l), -1), l));
  const double factor = 0.5 * weight("gaussian_kl", r, mu.size(), mu.shape());
  // One node instead of one per operation: the edges are dmu = mu and dlogvar = (exp(logvar) - 1) / 2,
  // weighted.
  return make("gaussian_kl", tensor::mul(r == Reduction::none ? twice : tensor::sum(twice), factor),
              edge(mu, [=](const Var& dy) { return mu * (dy * (2 * factor)); }),
              edge(logvar, [=](const Var& dy) { return (exp(logvar) - 1) * (dy * factor); }));
}

Var gaussian_kl(const Var& mu1, const Var& logvar1, const Var& mu2, const Var& logvar2, Reduction r) {
  check_same_shape("gaussian_kl", mu1, logvar1);
  check_same_shape("gaussian_kl", mu1, mu2);
  check_same_shape("gaussian_kl", mu1, logvar2);
  const Var log_ratio = logvar1 - logvar2;
  return reduced("gaussian_kl", 0.5 * (exp(log_ratio) + square(mu1 - mu2) * exp(-logvar2) - 1 - log_ratio),
                 r);
}

namespace gan {

Var discriminator(const Var& real, const Var& fake) { return mean(softplus(-real)) + mean(softplus(fake)); }
Var generator_non_saturating(const Var& fake) { return mean(softplus(-fake)); }
Var generator_minimax(const Var& fake) { return -mean(softplus(fake)); }
Var wasserstein_critic(const Var& real, const Var& fake) { return mean(fake) - mean(real); }
Var wasserstein_generator(const Var& fake) { return -mean(fake); }

}  // namespace gan
}  // namespace gesso::nn
