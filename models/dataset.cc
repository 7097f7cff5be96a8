#include "models/dataset.h"

#include "models/options.h"
#include "nn/picture_folder.h"

#include <filesystem>

namespace gesso::models {

namespace fs = std::filesystem;

bool in_random_order(const std::string& data) { return nn::has_name(data); }

std::string dataset_name(const std::string& data) {
  if (in_random_order(data)) return data;
  std::error_code missing;
  const nn::SizedFolder given = nn::sized_folder(data);
  const fs::path folder = fs::canonical(given.folder, missing);
  if (missing || !fs::is_directory(folder))
    throw UsageError("--data {}: neither a data set nor a folder{}", data,
                     suggestion(data, {"fashion", "mnist", "cifar10", "sprites", "moving"}));
  return folder.string() + (given.size ? "@" + std::to_string(given.size) : "");
}

Shape image_shape(const nn::ImageSet& set) {
  return {set.images.dim(1), set.images.dim(2), set.images.dim(3)};
}

Tensor pixels(const nn::ImageSet& set, std::int64_t begin, std::int64_t end) {
  set.wait_for(end);
  return nn::to_float(set.images.slice(begin, end)).reshape({end - begin, -1});
}

}  // namespace gesso::models
