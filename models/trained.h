// A run to be used: its settings and its trained model, test images for it, and pictures of what it makes.
#pragma once

#include "models/pictures.h"
#include "models/run_folder.h"
#include "nn/data.h"

namespace gesso::models {

struct Trained {
  RunFolder run;
  Config config;
  std::unique_ptr<Model> model;
};
Trained load(const std::string& run, Device device);

/// The test images of a run's own data set, or of another one with images of the same size.
nn::ImageSet test_images(const Config& config, const std::optional<std::string>& data);

/// Writes the picture and prints the name of its file.
void write_picture(const Picture& picture, const std::filesystem::path& path);

}  // namespace gesso::models
