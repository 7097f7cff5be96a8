#include "models/beta_vae.h"

#include "models/halving.h"

namespace gesso::models {

using namespace nn;

std::vector<Option> beta_vae_options() {
  return vae_options({width_option(), {"latent", "10", "how many numbers an image becomes"}}, "4");
}

VaeNetwork beta_vae(const Recipe& recipe, Generator& g) {
  const std::vector<HW> sizes = halved(recipe.image, "beta-vae");
  const std::int64_t latent = recipe.options.count("latent"), dense = scaled(256, recipe.options);
  std::vector<std::int64_t> channels = {recipe.image[2]};  // of each size
  Sequential encoder;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    channels.push_back(scaled(i <= 2 ? 32 : 64, recipe.options));
    encoder.add(Conv2d(channels[i - 1], channels[i], 4, g, {.stride = 2, .padding = 1})).add(ReLU());
  }
  const auto [h, w] = sizes.back();
  const std::int64_t flat = h * w * channels.back();
  encoder.add(Flatten()).add(Linear(flat, dense, g)).add(ReLU());
  Linear mu(dense, latent, g), logvar(dense, latent, g);

  Sequential decoder{Linear(latent, dense, g), ReLU(), Linear(dense, flat, g), ReLU(),
                     Reshape({h, w, channels.back()})};
  for (std::size_t i = sizes.size() - 1; i > 0; --i) {
    const HW to = sizes[i - 1];
    decoder.add(ConvTranspose2d(channels[i], channels[i - 1], 4, g,
                                {.stride = 2, .padding = 1, .output_padding = {to.h % 2, to.w % 2}}));
    if (i > 1) decoder.add(ReLU());
  }
  return {"BetaVae", recipe.image, std::move(encoder), std::move(mu), std::move(logvar), std::move(decoder)};
}

}  // namespace gesso::models
