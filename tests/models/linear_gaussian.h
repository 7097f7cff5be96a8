// A VAE that is linear and Gaussian, of which all that is asked can be had in closed form: x = W z + b +
// sigma eps.
#pragma once

#include "models/vae.h"
#include "tests/models/support.h"

namespace gesso::models {

constexpr std::int64_t kLinearPixels = 6;
constexpr double kLinearSigma = 0.5;

/// Two latent units; q is Gaussian, as the encoder says.
inline VaeNetwork linear_gaussian(const Recipe&, Generator& g) {
  constexpr std::int64_t D = kLinearPixels;
  return {"LinearGaussian",    {D},
          nn::Sequential(),    nn::Linear(D, 2, g),
          nn::Linear(D, 2, g), nn::Sequential{nn::Linear(2, D, g)}};
}

inline Recipe linear_gaussian_recipe() {
  return recipe_of(vae_options({}), {"likelihood=gaussian", fmt::format("sigma={}", kLinearSigma)},
                   {1, kLinearPixels, 1});
}

}  // namespace gesso::models
