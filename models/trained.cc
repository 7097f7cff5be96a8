#include "models/trained.h"

#include "models/dataset.h"
#include "nn/atomic_file.h"

#include <cstdio>

namespace gesso::models {

nn::ImageSet test_images(const Config& config, const std::optional<std::string>& data) {
  nn::ImageSet images = nn::load_images(dataset_name(data.value_or(config.data)), nn::Split::test);
  check(image_shape(images) == config.image, "{}: images of {}, but the model is for {}",
        images.folder.string(), image_shape(images), config.image);
  return images;
}

void write_picture(const Picture& picture, const std::filesystem::path& path) {
  nn::write_file(path, picture.png);
  fmt::print("{}\n", path.string());
}

}  // namespace gesso::models
