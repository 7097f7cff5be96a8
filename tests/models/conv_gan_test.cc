#include "models/conv_gan.h"

#include "tests/models/support.h"

namespace gesso::models {
namespace {

GanNetwork network(const Shape& image, const std::vector<std::string>& set) {
  Generator g(1), noise(2);
  return conv_gan(recipe_of(conv_gan_options(), set, image), g, noise);
}

TEST_CASE("conv-gan: the layers of 100x100x3") {
  GanNetwork net = network({100, 100, 3}, {"latent=4"});
  const nn::State s = nn::state(net);
  const std::map<std::string, Shape> wanted = {
      {"generator.0.weight", {25 * 25 * 128, 4}},   {"generator.4.weight", {128, 4, 4, 64}},
      {"generator.7.weight", {64, 4, 4, 3}},        {"discriminator.0.weight", {32, 4, 4, 3}},
      {"discriminator.2.weight", {64, 4, 4, 32}},   {"discriminator.4.weight", {128, 4, 4, 64}},
      {"discriminator.6.weight", {256, 4, 4, 128}}, {"discriminator.9.weight", {1, 6 * 6 * 256}}};
  for (const auto& [name, shape] : wanted) {
    CAPTURE(name);
    REQUIRE(s.contains(name));
    CHECK(s.at(name).shape() == shape);
  }
}

TEST_CASE("conv-gan: images of all sizes that are divisible by 4, and a logit for each") {
  for (const Shape& image : {Shape{4, 4, 1}, {8, 12, 3}, {28, 28, 1}, {20, 64, 2}, {100, 100, 3}}) {
    CAPTURE(image.text());
    const Recipe r = recipe_of(conv_gan_options(), {"width=0.0625", "latent=3"}, image);
    Gan gan(r, conv_gan);
    Generator noise(1);
    CHECK(gan.sample(3, noise).shape() == Shape{3, image.size()});
    for (const Loss& loss : gan.step(tensor::uniform(noise, {3, image.size()})))
      CHECK(std::isfinite(loss.value));
    GanNetwork net = network(image, {"width=0.0625", "latent=3"});
    CHECK(net.discriminator(tensor::uniform(noise, {3, image[0], image[1], image[2]})).shape() ==
          Shape{3, 1});
  }
  CHECK_THROWS_WITH_AS(network({30, 28, 1}, {}),
                       "conv-gan makes images whose sides are divisible by 4; these are 30x28", UsageError);
}

}  // namespace
}  // namespace gesso::models

TEST_SUITE("train") {
  TEST_CASE("conv-gan learns to draw squares of many places") {
    using namespace gesso::models;
    Gan gan(recipe_of(conv_gan_options(), {"width=0.5", "latent=8"}, {8, 8, 1}, 1e-3, 0), conv_gan);
    const gesso::Tensor x = squares(512, 8, 1);
    gesso::Generator noise(9);
    for (int step = 0; step < 1000; ++step) gan.step(x.slice(step % 16 * 32, step % 16 * 32 + 32));
    const Likeness after = like_squares(gan.sample(64, noise), 8);
    MESSAGE("distance ", after.distance, ", kinds ", after.kinds);
    // The mean picture is at 0.24, and of one kind; there are 25 places.
    CHECK(!!(after.distance < 0.2));
    CHECK(after.kinds >= 12);
  }
}
