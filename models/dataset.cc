#include "models/dataset.h"

#include "models/options.h"

#include <filesystem>

namespace gesso::models {

namespace fs = std::filesystem;

// What has no name of its own is looked for in one place, the folder itself.
bool in_random_order(const std::string& data) {
  return nn::image_folders(data) != std::vector<fs::path>{data};
}

std::string dataset_name(const std::string& data) {
  if (in_random_order(data)) return data;
  std::error_code missing;
  const fs::path folder = fs::canonical(data, missing);
  if (missing || !fs::is_directory(folder))
    throw UsageError("--data {}: neither a data set nor a folder{}", data,
                     suggestion(data, {"fashion", "mnist"}));
  return folder.string();
}

Shape image_shape(const nn::ImageSet& set) {
  return {set.images.dim(1), set.images.dim(2), set.images.dim(3)};
}

Tensor pixels(const nn::ImageSet& set, std::int64_t begin, std::int64_t end) {
  set.wait_for(end);
  return nn::to_float(set.images.slice(begin, end)).reshape({end - begin, -1});
}

}  // namespace gesso::models
