#include "models/dcgan.h"

#include "nn/conv.h"
#include "nn/init.h"
#include "nn/norm.h"

namespace gesso::models {
namespace {

using namespace nn;

constexpr double kSlope = 0.2;  // section 4

// No convolution has a bias: batch norm's takes its place, and the layers without batch norm go without, as in the usual PyTorch
// code.
// Filters of 5x5:
constexpr ConvOptions kSame{.stride = 1, .padding = 2, .bias = false};
constexpr ConvOptions kHalve{.stride = 2, .padding = 2, .bias = false};
constexpr ConvOptions kDouble{.stride = 2, .padding = 2, .output_padding = 1, .bias = false};
// Filters of 4x4, which halve, double, or go between 4x4 and 1x1:
constexpr ConvOptions kStep{.stride = 2, .padding = 1, .bias = false};
constexpr ConvOptions kWhole{.stride = 1, .padding = 0, .bias = false};

/// 28x28, which halves only twice: dense layers take the rest.
void define_28(GanNetwork& net, std::int64_t channels, std::int64_t latent, std::int64_t width,
               Generator& g) {
  const std::int64_t w4 = 4 * width, w2 = 2 * width;
  net.noise = {latent};
  net.generator = {Linear(latent, 7 * 7 * w4, g, {.bias = false}),
                   BatchNorm(7 * 7 * w4),
                   LeakyReLU(kSlope),
                   Reshape({7, 7, w4}),
                   ConvTranspose2d(w4, w2, 5, g, kSame),
                   BatchNorm(w2),
                   LeakyReLU(kSlope),
                   ConvTranspose2d(w2, width, 5, g, kDouble),
                   BatchNorm(width),
                   LeakyReLU(kSlope),
                   ConvTranspose2d(width, channels, 5, g, kDouble),
                   Tanh()};
  net.discriminator = {Conv2d(channels, width, 5, g, kHalve),
                       LeakyReLU(kSlope),
                       Conv2d(width, w2, 5, g, kHalve),
                       BatchNorm(w2),
                       LeakyReLU(kSlope),
                       Flatten(),
                       Linear(7 * 7 * w2, 1, g)};
}

/// side x side, a power of two: images of 4x4 at the one end, the fewest channels (width) at the other.
void define_power_of_two(GanNetwork& net, std::int64_t side, std::int64_t channels, std::int64_t latent,
                         std::int64_t width, Generator& g) {
  net.noise = {1, 1, latent};
  std::int64_t in = latent;
  for (std::int64_t s = 4; s < side; s *= 2) {
    const std::int64_t out = width * side / (2 * s);
    net.generator.add(ConvTranspose2d(in, out, 4, g, s == 4 ? kWhole : kStep))
        .add(BatchNorm(out))
        .add(ReLU());
    in = out;
  }
  net.generator.add(ConvTranspose2d(in, channels, 4, g, kStep)).add(Tanh());

  in = channels;
  for (std::int64_t s = side / 2; s >= 4; s /= 2) {
    const std::int64_t out = width * side / (2 * s);
    net.discriminator.add(Conv2d(in, out, 4, g, kStep));
    if (s < side / 2) net.discriminator.add(BatchNorm(out));
    net.discriminator.add(LeakyReLU(kSlope));
    in = out;
  }
  net.discriminator.add(Conv2d(in, 1, 4, g, kWhole)).add(Flatten());
}

}  // namespace

std::vector<Option> dcgan_options() {
  return gan_options({width_option()}, {.latent = "100", .slow_d = "1", .beta1 = "0.5"});
}

GanNetwork dcgan(const Recipe& recipe, Generator& g, Generator&) {
  const std::int64_t side = recipe.image[0], channels = recipe.image[2];
  if (recipe.image[1] != side || (side != 28 && side != 32 && side != 64))
    throw UsageError("dcgan makes images of 28x28, 32x32 or 64x64; these are {}x{}", side, recipe.image[1]);
  const std::int64_t latent = recipe.options.count("latent"), width = scaled(64, recipe.options);
  GanNetwork net;
  net.name = "Dcgan";
  net.image = recipe.image;
  if (side == 28)
    define_28(net, channels, latent, width, g);
  else
    define_power_of_two(net, side, channels, latent, width, g);
  start_as_radford(net, g);
  return net;
}

void start_as_radford(nn::Module& m, Generator& g) {
  for (const auto& [name, w] : nn::named_parameters(m)) {
    Tensor& value = w->mutable_value();
    if (name.ends_with("bias"))
      nn::init::constant(value, 0);
    else
      nn::init::normal(value, g, w->rank() == 1 ? 1 : 0, 0.02);
  }
}

}  // namespace gesso::models
