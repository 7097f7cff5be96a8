#include "models/mlp_gan.h"

#include "models/mlp.h"

namespace gesso::models {

// Of LeakyReLU, as is usual for GANs: D passes gradients on where a ReLU is flat.
constexpr double kSlope = 0.2;

std::vector<Option> mlp_gan_options() {
  std::vector<Option> all =
      hidden_options("128,256,512", "hidden layers of the generator; the discriminator mirrors them");
  all.push_back(
      {"dropout", "0.4", "how much of each hidden layer the discriminator does without; 0 for none"});
  return gan_options(std::move(all), {.latent = "100", .slow_d = "0.5", .beta1 = "0.9"});
}

GanNetwork mlp_gan(const Recipe& recipe, Generator& g, Generator& noise) {
  const std::vector<std::int64_t> hidden = hidden_widths(recipe.options);
  const std::int64_t latent = recipe.options.count("latent"), pixels = recipe.pixels();
  GanNetwork net;
  net.name = "MlpGan";
  net.noise = {latent};
  net.image = {pixels};
  net.one_batch = true;
  net.generator = mlp(latent, hidden, {.slope = kSlope}, g);
  net.discriminator =
      mlp(pixels, reversed(hidden),
          {.slope = kSlope, .dropout = recipe.options.between("dropout", 0, 0.99), .noise = &noise}, g);
  net.generator.add(nn::Linear(hidden.back(), pixels, g)).add(nn::Tanh());
  net.discriminator.add(nn::Linear(hidden.front(), 1, g));
  return net;
}

}  // namespace gesso::models
