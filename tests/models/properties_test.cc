#include "models/properties.h"

#include "models/options.h"
#include "nn/sprites.h"

#include <doctest/doctest.h>

namespace gesso::models {
namespace {

using Numbers = std::vector<std::int64_t>;

nn::ImageSet labelled(const Numbers& labels, const std::vector<std::string>& names) {
  const auto N = static_cast<std::int64_t>(labels.size());
  return {.name = "set",
          .images = Tensor({N, 1, 1, 1}, DType::u8),
          .labels = Tensor::from(labels, {N}),
          .class_names = names};
}

TEST_CASE("properties: a label by its number and by its name") {
  const nn::ImageSet set = labelled({2, 0, 2, 3}, {"Cat", "dog", "Ankle boot"});
  CHECK(images_with(set, "set", "--add", "2") == Numbers{0, 2});
  CHECK(images_with(set, "set", "--add", "ankle BOOT") == Numbers{0, 2});
  CHECK(images_with(set, "set", "--add", "cat") == Numbers{1});
  CHECK(images_with(set, "set", "--add", "3") == Numbers{3});  // has no name
  CHECK(images_with(labelled({1, 0}, {"0", "1"}), "mnist", "--add", "1") == Numbers{0});
}

TEST_CASE("properties: what no image has is an error with the nearest that one has") {
  const nn::ImageSet set = labelled({2, 0, 2, 3}, {"Cat", "dog", "Ankle boot"});
  CHECK_THROWS_WITH_AS(images_with(set, "set", "--add", "ankel boot"),
                       "--add ankel boot: no image in set is called that; did you mean \"ankle boot\"?",
                       UsageError);
  CHECK_THROWS_WITH_AS(images_with(set, "set", "--to", "aeroplane"),
                       "--to aeroplane: no image in set is called that; there is: 0, cat, 2, ankle boot, 3",
                       UsageError);
  CHECK_THROWS_AS(images_with(set, "set", "--to", "dog"), UsageError);  // a name, but no image
  nn::ImageSet bare = set;
  bare.labels = {};
  CHECK_THROWS_WITH_AS(images_with(bare, "set", "--to", "cat"),
                       "--to cat: nothing is known of the images in set but their pixels", UsageError);
}

TEST_CASE("properties: the factors of sprites") {
  const nn::SpriteOptions options{.size = 8, .channels = 1, .count = 202};
  const nn::ImageSet set = nn::sprites(options, nn::Split::test);
  const std::string data = "sprites:8x1";
  const std::vector<double> factors = nn::factors_of_sprites(options, nn::Split::test).to_vector<double>();
  const auto of = [&](std::int64_t image, std::size_t factor) {
    return factors[static_cast<std::size_t>(image) * 6 + factor];
  };
  const Numbers stars = images_with(set, data, "--add", "shape=star");
  CHECK(stars == images_with(set, data, "--add", "star"));
  REQUIRE(!stars.empty());
  for (const std::int64_t i : stars) CHECK(nn::sprite_shapes()[static_cast<std::size_t>(of(i, 0))] == "star");

  const Numbers small = images_with(set, data, "--add", "diameter=low"),
                large = images_with(set, data, "--add", "diameter=high");
  CHECK(small.size() == 51);  // a quarter of 202, rounded up
  CHECK(large.size() == 51);
  double largest_of_small = 0, smallest_of_large = 1;
  for (const std::int64_t i : small) largest_of_small = std::max(largest_of_small, of(i, 2));
  for (const std::int64_t i : large) smallest_of_large = std::min(smallest_of_large, of(i, 2));
  std::int64_t between = 0;
  for (std::int64_t i = 0; i < 202; ++i)
    between += of(i, 2) > largest_of_small && of(i, 2) < smallest_of_large;
  CHECK(between == 100);
  CHECK(std::is_sorted(small.begin(), small.end()));
  CHECK_THROWS_WITH_AS(images_with(set, data, "--add", "diametre=low"),
                       "--add diametre=low: no image in sprites:8x1 is called that; did you mean "
                       "\"diameter=low\"?",
                       UsageError);
}

}  // namespace
}  // namespace gesso::models
