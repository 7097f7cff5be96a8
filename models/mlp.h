// What the multilayer models share: stacks of layers and their widths.
#pragma once

#include "models/options.h"
#include "nn/layers.h"

#include <vector>

namespace gesso::models {

struct MlpOptions {
  double slope = 0;            // of LeakyReLU after each Linear; 0 is ReLU
  double dropout = 0;          // probability, after each activation; 0: no such layer
  Generator* noise = nullptr;  // what Dropout draws from
};
/// (N,in) -> (N,hidden.back()); weights drawn from g.
nn::Sequential mlp(std::int64_t in, const std::vector<std::int64_t>& hidden, const MlpOptions& options,
                   Generator& g);

/// The options `hidden` and `width` that every such model has.
std::vector<Option> hidden_options(const char* hidden, const char* help);
/// hidden, each times width.
std::vector<std::int64_t> hidden_widths(const Options& options);
std::vector<std::int64_t> reversed(std::vector<std::int64_t> widths);

}  // namespace gesso::models
