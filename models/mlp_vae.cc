#include "models/mlp_vae.h"

#include "models/mlp.h"

namespace gesso::models {

std::vector<Option> mlp_vae_options() {
  std::vector<Option> all =
      hidden_options("400", "hidden layers of the encoder, as in 128,256,512; the decoder mirrors them");
  all.push_back({"latent", "20", "how many numbers an image becomes"});
  return vae_options(std::move(all));
}

VaeNetwork mlp_vae(const Recipe& recipe, Generator& g) {
  const std::vector<std::int64_t> hidden = hidden_widths(recipe.options);
  const std::int64_t latent = recipe.options.count("latent"), pixels = recipe.pixels();
  nn::Sequential encoder = mlp(pixels, hidden, {}, g);
  nn::Linear mu(hidden.back(), latent, g), logvar(hidden.back(), latent, g);
  nn::Sequential decoder = mlp(latent, reversed(hidden), {}, g);
  decoder.add(nn::Linear(hidden.front(), pixels, g));
  return {"MlpVae", {pixels}, std::move(encoder), std::move(mu), std::move(logvar), std::move(decoder)};
}

}  // namespace gesso::models
