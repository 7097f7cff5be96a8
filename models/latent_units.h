// What each latent unit of an encoder says about a set of images.
#pragma once

#include "models/model.h"

namespace gesso::models {

struct LatentUnit {
  double kl = 0;        // nats: mean over images of KL(q(z_u|x) || N(0,1))
  double variance = 0;  // over images, of the mean of q(z_u|x)
  /// Burda et al. 2016, arXiv:1509.00519, section 5.2: its value depends on the image.
  bool active() const { return variance > 0.01; }
};
/// (L), over the N images of q; in float64.
std::vector<LatentUnit> latent_units(const Posterior& q);
std::int64_t active_units(const std::vector<LatentUnit>& units);

/// The numbers of the `most` units with the largest KL, the largest first.
std::vector<std::int64_t> most_informative(const std::vector<LatentUnit>& units, std::int64_t most);

/// A line if no unit is active and carries 0.01 nats: whatever the image, the posterior is the same, and the
/// decoder has learned to do without z. The nats alone do not show it: free bits and a capacity can be had by
/// a posterior that is constant, but not the prior.
std::vector<std::string> collapse(const std::vector<LatentUnit>& units);

}  // namespace gesso::models
