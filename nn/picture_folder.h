// A folder of PNG and JPEG pictures as a data set.
#pragma once

#include "nn/data.h"

#include <optional>

namespace gesso::nn {

/// All pictures of `folder`; nothing if it has none. Where it has subfolders with pictures, these are the classes. A subfolder
/// "test" (with "train", if there is one) has the test set; otherwise every tenth picture, by name, is one.
/// Pictures become squares of `size` pixels; where that is 0, as large as the first to learn from if that is a
/// square, else of 64. Throws where there are pictures, but fewer than ten, so that none is left for the tests.
std::optional<ImageSet> load_picture_folder(const std::filesystem::path& folder, Split split,
                                            std::int64_t size = 0);

/// "DIR@SIZE" as a folder and a size; the size is 0 where none is given.
struct SizedFolder {
  std::filesystem::path folder;
  std::int64_t size = 0;
};
SizedFolder sized_folder(const std::string& data);

}  // namespace gesso::nn
