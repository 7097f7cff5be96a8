#include "models/conv_vae.h"

#include "models/halving.h"
#include "nn/norm.h"

namespace gesso::models {

using namespace nn;

constexpr double kSlope = 0.2;

std::vector<Option> conv_vae_options() {
  return vae_options(
      {width_option(),
       {"latent", "auto", "how many numbers an image becomes; auto: one for every 32 pixels"}});
}

VaeNetwork conv_vae(const Recipe& recipe, Generator& g) {
  const std::vector<HW> sizes = halved(recipe.image, "conv-vae");
  const std::int64_t C = recipe.image[2], width = scaled(32, recipe.options);
  const std::int64_t latent =
      recipe.options.text("latent") == "auto" ? sizes[0].h * sizes[0].w / 32 : recipe.options.count("latent");
  Sequential encoder;
  std::int64_t channels = C;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    const std::int64_t out = i == 1 ? width : 2 * channels;
    encoder.add(Conv2d(channels, out, 4, g, {.stride = 2, .padding = 1, .bias = false}))
        .add(BatchNorm(out))
        .add(LeakyReLU(kSlope));
    channels = out;
  }
  const auto [h, w] = sizes.back();
  const std::int64_t hidden = h * w * channels;
  encoder.add(Flatten());
  Linear mu(hidden, latent, g), logvar(hidden, latent, g);

  Sequential decoder{Linear(latent, hidden, g), LeakyReLU(kSlope), Reshape({h, w, channels})};
  for (std::size_t i = sizes.size() - 1; i > 0; --i) {
    const HW to = sizes[i - 1];
    const bool last = i == 1;  // makes the logits: a bias, no batch norm
    const std::int64_t out = last ? C : channels / 2;
    decoder.add(
        ConvTranspose2d(channels, out, 4, g,
                        {.stride = 2, .padding = 1, .output_padding = {to.h % 2, to.w % 2}, .bias = last}));
    if (!last) decoder.add(BatchNorm(out)).add(LeakyReLU(kSlope));
    channels = out;
  }
  return {"ConvVae", recipe.image, std::move(encoder), std::move(mu), std::move(logvar), std::move(decoder)};
}

}  // namespace gesso::models
