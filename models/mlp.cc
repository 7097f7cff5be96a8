#include "models/mlp.h"

#include <algorithm>

namespace gesso::models {

nn::Sequential mlp(std::int64_t in, const std::vector<std::int64_t>& hidden, const MlpOptions& options,
                   Generator& g) {
  nn::Sequential net;
  for (const std::int64_t out : hidden) {
    net.add(nn::Linear(in, out, g));
    if (options.slope == 0)
      net.add(nn::ReLU());
    else
      net.add(nn::LeakyReLU(options.slope));
    if (options.dropout > 0) net.add(nn::Dropout(options.dropout, *options.noise));
    in = out;
  }
  return net;
}

std::vector<Option> hidden_options(const char* hidden, const char* help) {
  return {{"hidden", hidden, help}, width_option()};
}

std::vector<std::int64_t> hidden_widths(const Options& options) {
  std::vector<std::int64_t> hidden = options.counts("hidden");
  for (std::int64_t& h : hidden) h = scaled(h, options);
  return hidden;
}

std::vector<std::int64_t> reversed(std::vector<std::int64_t> widths) {
  std::reverse(widths.begin(), widths.end());
  return widths;
}

}  // namespace gesso::models
