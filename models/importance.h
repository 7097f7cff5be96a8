// How much probability a model with latent variables gives to images it has not seen. Burda, Grosse & Salakhutdinov 2016,
// arXiv:1509.00519.
//
//   eq. 8   L_k = E[log 1/k sum_{i<=k} w_i],  w_i = p(x,z_i) / q(z_i|x),  z_i ~ q(z|x)
//
// L_1 is the bound that a VAE is trained by; L_k <= L_{k+1} <= log p(x), which it tends to.
#pragma once

#include "models/model.h"

#include <functional>

namespace gesso::models {

/// L_k of N images from samples that come one for each image at a time, so that any k takes the memory of
/// one. Every k samples make an estimate; value() is the mean of them.
class ImportanceBound {
 public:
  ImportanceBound(std::int64_t k, std::int64_t images);
  void add(const std::vector<double>& log_w);  // (N), nats
  /// (N), nats; of whole groups of k.
  std::vector<double> value() const;

 private:
  std::int64_t k_, in_group_ = 0, groups_ = 0;
  std::vector<double> largest_, sum_;  // (N): of this group, log w; and w / exp(largest_)
  std::vector<double> total_;          // (N): over groups
};

/// -L_k of images x (N,D), all from the same samples, max(ks) for each image: (k, N), nats. Calls `sampled` after each sample.
std::vector<std::vector<double>> importance_nll(Model& model, const Tensor& x,
                                                const std::vector<std::int64_t>& ks, Generator& noise,
                                                const std::function<void()>& sampled = {});

struct Estimate {
  double mean, standard_error;
};
Estimate estimate(const std::vector<double>& values);

}  // namespace gesso::models
