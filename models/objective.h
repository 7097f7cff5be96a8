// How much of the KL divergence goes into the loss that is trained, in step t of the run (0, 1, ..).
//
//   beta KL                       Higgins et al. 2017, eq. 4; beta = 1: minus the bound itself
//   gamma |KL - C|                Burgess et al. 2018, eq. 8, arXiv:1804.03599, where a capacity C is set
//   beta sum_u max(lambda, KL_u)  free bits, Kingma et al. 2016, eq. 15, arXiv:1606.04934: KL_u of latent unit u,
//                                 mean over the batch
//
// With warmup = W, beta or C grows from 0 to its value during the first W steps, in equal steps.
#pragma once

#include "autograd/ops.h"
#include "models/options.h"

namespace gesso::models {

class Objective {
 public:
  explicit Objective(const Options& options);
  /// What is added to the reconstruction. () = f(kl (), mu (N,L), logvar (N,L)), where kl is that of the other two.
  Var operator()(const Var& kl, const Var& mu, const Var& logvar, std::int64_t t) const;
  /// Whether that is kl itself in every step.
  bool is_bound() const { return beta_ == 1 && warmup_ == 0 && free_bits_ == 0 && capacity_ == 0; }
  double beta() const { return beta_; }
  std::int64_t warmup() const { return warmup_; }
  bool has_capacity() const { return capacity_ > 0; }
  std::string text() const;  // for people

 private:
  double beta_, free_bits_, capacity_, gamma_;
  std::int64_t warmup_;
};

/// beta (with that value where nothing is set), warmup, free_bits, capacity, gamma
std::vector<Option> objective_options(const char* beta);

}  // namespace gesso::models
