#include "nn/ema.h"

#include "kernels/profile.h"
#include "tensor/replay.h"

#include <algorithm>

namespace gesso::nn {

Ema::Ema(Module& average, Module& m, EmaOptions options)
    : options_(options),
      average_(nn::state(average)),
      weights_(nn::state(m)),
      updates_(tensor::zeros({}, DType::i64)) {
  check(options.decay >= 0 && options.decay <= 1, "Ema: a decay of {} is not between 0 and 1", options.decay);
  const std::string problems = state_mismatch(average_, weights_);
  check(problems.empty(), "Ema: the module does not fit the average: {}", problems);
  nn::load_state(average, weights_);
}

void Ema::update() {
  const kernels::Phase phase("optimizer");
  check(!tensor::Replay::recording(), "Ema: its updates weigh otherwise each time, and cannot be recorded");
  std::int64_t& n = *updates_.mutable_data<std::int64_t>();
  const double warm = static_cast<double>(1 + n) / static_cast<double>(10 + n);
  const double decay = options_.warm_start ? std::min(options_.decay, warm) : options_.decay;
  for (auto& [name, e] : average_) {
    if (e.dtype() == DType::i64)
      tensor::copy_(e, weights_.at(name));
    else
      tensor::lerp_(e, weights_.at(name), 1 - decay);
  }
  ++n;
}

void Ema::load_state(const State& s) {
  const std::string problems = state_mismatch(state(), s);
  check(problems.empty(), "load_state: the state does not fit the average: {}", problems);
  if (updates_.raw() != s.at("updates").raw()) tensor::copy_(updates_, s.at("updates"));
}

}  // namespace gesso::nn
