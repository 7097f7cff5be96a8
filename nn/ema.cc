#include "nn/ema.h"

#include <algorithm>

namespace gesso::nn {
namespace {

/// The module's parameters as tensors that share its storage; throws unless names, shapes and dtypes are the
/// average's.
State matching(Module& m, const State& average) {
  State weights;
  for (const auto& [name, w] : named_parameters(m)) weights.emplace(name, w->value());
  const std::string problems = state_mismatch(average, weights);
  check(problems.empty(), "Ema: the module does not fit the average: {}", problems);
  return weights;
}

}  // namespace

Ema::Ema(Module& m, EmaOptions options) : options_(options), updates_(tensor::zeros({}, DType::i64)) {
  check(options.decay >= 0 && options.decay <= 1, "Ema: a decay of {} is not between 0 and 1", options.decay);
  for (const auto& [name, w] : named_parameters(m)) average_.emplace(name, w->value().clone());
}

void Ema::update(Module& m) {
  const State weights = matching(m, average_);
  std::int64_t& n = *updates_.mutable_data<std::int64_t>();
  const double warm = static_cast<double>(1 + n) / static_cast<double>(10 + n);
  const double decay = options_.warm_start ? std::min(options_.decay, warm) : options_.decay;
  for (auto& [name, e] : average_) tensor::lerp_(e, weights.at(name), 1 - decay);
  ++n;
}

void Ema::copy_to(Module& m) {
  State weights = matching(m, average_);
  for (auto& [name, w] : weights) tensor::copy_(w, average_.at(name));
}

void Ema::swap(Module& m) {
  State weights = matching(m, average_);
  for (auto& [name, w] : weights) {
    const Tensor before = w.clone();
    tensor::copy_(w, average_.at(name));
    tensor::copy_(average_.at(name), before);
  }
}

State Ema::state() const {
  State s = average_;
  s.emplace("updates", updates_);
  return s;
}

void Ema::load_state(const State& s) {
  State own = state();
  const std::string problems = state_mismatch(own, s);
  check(problems.empty(), "load_state: the state does not fit the average: {}", problems);
  for (auto& [name, t] : own)
    if (t.raw() != s.at(name).raw()) tensor::copy_(t, s.at(name));
}

}  // namespace gesso::nn
