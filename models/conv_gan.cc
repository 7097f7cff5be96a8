#include "models/conv_gan.h"

#include "models/dcgan.h"
#include "nn/conv.h"
#include "nn/norm.h"

#include <algorithm>

namespace gesso::models {

using namespace nn;

// Filters of 4x4 at stride 2: each output is reached by equally many taps, or the pictures show a checkerboard (Odena et
// al. 2016).
constexpr ConvOptions kDouble{.stride = 2, .padding = 1, .bias = false};
constexpr ConvOptions kHalve{.stride = 2, .padding = 1};
constexpr double kSlope = 0.2;

std::vector<Option> conv_gan_options() {
  return gan_options({width_option()}, {.latent = "100", .slow_d = "0.5", .beta1 = "0.5"});
}

GanNetwork conv_gan(const Recipe& recipe, Generator& g, Generator&) {
  const std::int64_t H = recipe.image[0], W = recipe.image[1], C = recipe.image[2];
  if (H % 4 != 0 || W % 4 != 0)
    throw UsageError("conv-gan makes images whose sides are divisible by 4; these are {}x{}", H, W);
  const std::int64_t latent = recipe.options.count("latent");
  const std::int64_t w32 = scaled(32, recipe.options), w64 = 2 * w32, w128 = 4 * w32;
  GanNetwork net;
  net.name = "ConvGan";
  net.noise = {latent};
  net.image = recipe.image;
  net.one_batch = true;
  net.generator = {Linear(latent, H / 4 * (W / 4) * w128, g, {.bias = false}),
                   Reshape({H / 4, W / 4, w128}),
                   BatchNorm(w128),
                   LeakyReLU(kSlope),
                   ConvTranspose2d(w128, w64, 4, g, kDouble),
                   BatchNorm(w64),
                   LeakyReLU(kSlope),
                   ConvTranspose2d(w64, C, 4, g, {.stride = 2, .padding = 1}),
                   Tanh()};
  net.discriminator = {Conv2d(C, w32, 4, g, kHalve), LeakyReLU(kSlope)};
  std::int64_t h = H / 2, w = W / 2, channels = w32;
  do {  // a step at least, then until each number that is left has seen most of the image
    net.discriminator.add(Conv2d(channels, 2 * channels, 4, g, kHalve)).add(LeakyReLU(kSlope));
    channels *= 2, h /= 2, w /= 2;
  } while (std::min(h, w) >= 8);
  net.discriminator.add(Flatten()).add(Linear(h * w * channels, 1, g));
  start_as_radford(net.generator, g);
  return net;
}

}  // namespace gesso::models
