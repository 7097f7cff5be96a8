// What `gesso eval` finds out about a trained model.
#pragma once

#include "models/model.h"
#include "nn/data.h"

#include <nlohmann/json.hpp>

namespace gesso::models {

struct EvaluationRequest {
  std::string data;  // by name, for what is known of it beside its images
  std::uint64_t seed = 0;
  std::vector<std::int64_t> importance_samples = {};  // k of each bound; none: no bound
};

/// q(z|x) of all test images, on the CPU; of a model that has it.
Posterior posteriors(Model& model, const nn::ImageSet& test, std::uint64_t seed);

/// Figures by name, on all images of a test set:
///   loss, ..                  the model's losses
///   active_units, latent_units   how many units of the code depend on the image, of how many (latent_units.h)
///   mig, mig_FACTOR           the mutual information gap, and that of each factor, for sprites (disentanglement.h)
///   nll_K, nll_K_error        -log p(x) by K importance samples, nats an image, and its standard error (importance.h)
/// Throws UsageError where importance samples are asked of a model without a density.
nlohmann::ordered_json evaluate(Model& model, const nn::ImageSet& test, const EvaluationRequest& request);

}  // namespace gesso::models
