// The commands beside `gesso train`. Results go to stdout.
#pragma once

#include "tensor/tensor.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gesso::models {

/// New images as a PNG; prints its name.
void sample(const std::string& run, Device device, std::int64_t count, std::uint64_t seed,
            const std::string& out);
/// Test images, each followed by what the model makes of it, as a PNG; prints its name.
void reconstruct(const std::string& run, Device device, std::int64_t count,
                 const std::optional<std::string>& data, const std::string& out);
struct EvalOptions {
  std::optional<std::string> data;                    // another data set than the run's own
  std::optional<std::int64_t> images;                 // the first so many test images; all
  std::vector<std::int64_t> importance_samples = {};  // see evaluate.h
  bool json = false;
};
/// The figures of evaluate.h on test images.
void evaluate(const std::string& run, Device device, const EvalOptions& options);
/// All models, or one with its options and layers.
void list_models(const std::string& name);
/// What is in a run folder or a .safetensors file.
void info(const std::string& path);

}  // namespace gesso::models
