#include "models/objective.h"

#include "nn/losses.h"
#include "nn/schedule.h"

namespace gesso::models {

constexpr double kLargest = 1e6;  // of a weight: beyond it a float does not hold the reconstruction beside it

// A large gamma makes Adam's first steps ones that only the KL divergence decides: on sprites of 32x32 the
// encoder then said the same of all images, with gamma = 100 and 1000, and learned a good code with 10.
std::vector<Option> objective_options(const char* beta) {
  return {
      {"beta", beta, "weight of the KL divergence; 1 is the bound itself"},
      {"warmup", "0", "steps during which beta, or the capacity, grows from 0"},
      {"free_bits", "0", "nats of each latent unit that cost nothing, as in 0.1"},
      {"capacity", "0", "nats that the KL divergence is held at, in place of beta; 0: none"},
      {"gamma", "10", "how firmly the capacity is held; 1000 in the paper, whose runs had 100,000 steps"}};
}

Objective::Objective(const Options& options)
    : beta_(options.between("beta", 0, kLargest)),
      free_bits_(options.between("free_bits", 0, kLargest)),
      capacity_(options.between("capacity", 0, kLargest)),
      gamma_(options.between("gamma", 0, kLargest)),
      warmup_(options.whole("warmup")) {
  if (free_bits_ > 0 && capacity_ > 0)
    throw UsageError("--set free_bits={} and --set capacity={}: give one of them", free_bits_, capacity_);
}

Var Objective::operator()(const Var& kl, const Var& mu, const Var& logvar, std::int64_t t) const {
  const double grown = warmup_ > 0 ? nn::schedule::warm_up(warmup_)(t) : 1;
  if (has_capacity()) return gamma_ * abs(kl - grown * capacity_);  // eq. 8 of Burgess et al.
  if (free_bits_ == 0) return grown * beta_ * kl;
  const Var units = mean(nn::gaussian_kl(mu, logvar, nn::Reduction::none), {0});
  const Var free = tensor::full({}, free_bits_, kl.dtype(), kl.device());
  return grown * beta_ * sum(maximum(units, free));  // eq. 15 of Kingma et al.
}

std::string Objective::text() const {
  const std::string grows = warmup_ > 0 ? fmt::format(", from 0 in {} steps", warmup_) : "";
  if (has_capacity()) return fmt::format("{:.4g} |KL - C|, C = {:.4g} nats{}", gamma_, capacity_, grows);
  const std::string free = free_bits_ > 0 ? fmt::format(", {:.4g} nats of each unit free", free_bits_) : "";
  return fmt::format("beta {:.4g}{}{}", beta_, grows, free);
}

}  // namespace gesso::models
