#include "models/trained.h"

#include "models/dataset.h"
#include "nn/atomic_file.h"

#include <cstdio>

namespace gesso::models {

nn::ImageSet test_images(const Config& config, const std::optional<std::string>& data) {
  const std::string name = dataset_name(data.value_or(config.data));
  nn::ImageSet images = nn::load_images(name, nn::Split::test);
  check(image_shape(images) == config.image, "--data {}: images of {}, but the model is for {}", name,
        image_shape(images), config.image);
  return images;
}

void expect_png(const std::filesystem::path& path) {
  const std::string type = path.extension().string();
  if (!type.empty() && type != ".png" && type != ".apng")
    throw UsageError("--out {}: pictures are written as PNG; expected a name that ends in .png",
                     path.string());
}

void write_picture(const Picture& picture, const std::filesystem::path& path) {
  expect_png(path);
  nn::write_file(path, picture.png);
  fmt::print("{}\n", path.string());
}

}  // namespace gesso::models
