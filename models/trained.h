// What commands do with a run: test images for it, and pictures of what its model makes.
#pragma once

#include "models/pictures.h"
#include "models/run_folder.h"
#include "nn/data.h"

namespace gesso::models {

/// The test images of a run's own data set, or of another one with images of the same size.
nn::ImageSet test_images(const Config& config, const std::optional<std::string>& data);

/// Throws a UsageError about --out where a file's name promises another type of picture.
void expect_png(const std::filesystem::path& path);
/// Writes the picture and prints the name of its file.
void write_picture(const Picture& picture, const std::filesystem::path& path);

}  // namespace gesso::models
