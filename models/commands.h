// The commands beside `gesso train`. Results go to stdout.
#pragma once

#include "tensor/tensor.h"

#include <cstdint>
#include <optional>
#include <string>

namespace gesso::models {

/// New images as a PNG; prints its name.
void sample(const std::string& run, Device device, std::int64_t count, std::uint64_t seed,
            const std::string& out);
/// Test images, each followed by what the model makes of it, as a PNG; prints its name.
void reconstruct(const std::string& run, Device device, std::int64_t count,
                 const std::optional<std::string>& data, const std::string& out);
/// The losses on all test images.
void evaluate(const std::string& run, Device device, const std::optional<std::string>& data, bool json);
/// All models, or one with its options and layers.
void list_models(const std::string& name);
/// What is in a run folder or a .safetensors file.
void info(const std::string& path);

}  // namespace gesso::models
