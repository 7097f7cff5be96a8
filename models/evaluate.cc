#include "models/evaluate.h"

#include "models/disentanglement.h"
#include "models/importance.h"
#include "models/latent_units.h"
#include "models/trainer.h"
#include "nn/progress.h"
#include "nn/sprites.h"

#include <algorithm>
#include <numeric>

namespace gesso::models {
namespace {

using json = nlohmann::ordered_json;

/// f(x, begin) of each batch x of the test set.
void for_each_batch(Model& model, const nn::ImageSet& test, std::uint64_t seed, const auto& f) {
  for (std::int64_t i = 0; i < test.size(); i += kTestBatch)
    f(test_pixels(model, test, seed, i, std::min(i + kTestBatch, test.size())));
}

// Chen et al. 2018 take z from q(z|x), not its mean: so the noise of a unit that says nothing drowns what is left of the image in
// its mean.
void add_gaps(json& figures, const Posterior& q, const nn::SpriteOptions& sprites, std::uint64_t seed) {
  Generator noise = random_stream(seed, Stream::evaluation);
  const Tensor mean = q.mean.to(DType::f64),
               deviation = tensor::unary(kernels::Unary::exp, tensor::mul(q.logvar.to(DType::f64), 0.5)),
               eps = tensor::normal(noise, mean.shape(), 0, 1, DType::f64);
  const auto information = normalised_information(tensor::add(mean, tensor::mul(deviation, eps)),
                                                  nn::factors_of_sprites(sprites, nn::Split::test));
  double sum = 0;
  figures["mig"] = sum;  // the mean of those that follow
  for (std::size_t k = 0; k < information.size(); ++k) {
    const double gap = information_gap(information[k]);
    figures["mig_" + nn::sprite_factors()[k]] = gap;
    sum += gap;
  }
  figures["mig"] = sum / static_cast<double>(information.size());
}

void add_importance(json& figures, Model& model, const nn::ImageSet& test, const EvaluationRequest& request) {
  const std::vector<std::int64_t>& ks = request.importance_samples;
  Generator noise = random_stream(request.seed, Stream::evaluation);
  std::vector<std::vector<double>> nll(ks.size());
  nn::Progress bar(
      {.total = test.size() * *std::max_element(ks.begin(), ks.end()), .description = "importance samples"});
  for_each_batch(model, test, request.seed, [&](const Tensor& x) {
    const auto of_batch = importance_nll(model, x, ks, noise, [&] { bar.update(x.dim(0)); });
    for (std::size_t i = 0; i < ks.size(); ++i)
      nll[i].insert(nll[i].end(), of_batch[i].begin(), of_batch[i].end());
  });
  for (std::size_t i = 0; i < ks.size(); ++i) {
    const Estimate e = estimate(nll[i]);
    figures[fmt::format("nll_{}", ks[i])] = e.mean;
    figures[fmt::format("nll_{}_error", ks[i])] = e.standard_error;
  }
}

}  // namespace

Posterior posteriors(Model& model, const nn::ImageSet& test, std::uint64_t seed) {
  std::vector<Tensor> mean, logvar;
  for_each_batch(model, test, seed, [&](const Tensor& x) {
    const Posterior q = model.posterior(x);
    mean.push_back(q.mean.to(Device::cpu)), logvar.push_back(q.logvar.to(Device::cpu));
  });
  return {.mean = tensor::concat(mean), .logvar = tensor::concat(logvar)};
}

json evaluate(Model& model, const nn::ImageSet& test, const EvaluationRequest& request) {
  json figures;
  for (const auto& [name, value] : test_losses(model, test, request.seed)) figures[name] = value;
  const bool has_posterior = model.posterior(test_pixels(model, test, request.seed, 0, 1)).mean.defined();
  if (!has_posterior && !request.importance_samples.empty())
    throw UsageError("--importance-samples: this model has no q(z|x) to draw them from; VAEs have");
  if (!has_posterior) return figures;
  const Posterior q = posteriors(model, test, request.seed);
  figures["active_units"] = active_units(latent_units(q));
  figures["latent_units"] = q.mean.dim(1);
  if (auto sprites = nn::sprite_options(request.data)) {
    sprites->count = test.size();
    constexpr std::int64_t kFewest = 20;  // as many levels a unit is sorted into (models/disentanglement.h)
    if (test.size() < kFewest)
      throw UsageError("--images {}: expected {} or more of sprites, for the mutual information gap",
                       test.size(), kFewest);
    add_gaps(figures, q, *sprites, request.seed);
  }
  if (!request.importance_samples.empty()) add_importance(figures, model, test, request);
  return figures;
}

}  // namespace gesso::models
