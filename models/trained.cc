#include "models/trained.h"

#include "models/dataset.h"
#include "nn/atomic_file.h"

#include <cstdio>

namespace gesso::models {

Trained load(const std::string& path, Device device) {
  RunFolder run(path);
  Config config = run.load_config();
  auto model = find_model(config.model).make(config.recipe(device));
  run.load_model(*model);
  return {std::move(run), std::move(config), std::move(model)};
}

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
