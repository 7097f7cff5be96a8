// An exponential moving average of a module's weights, which often evaluates better than the weights themselves.
#pragma once

#include "nn/module.h"

namespace gesso::nn {

struct EmaOptions {
  double decay = 0.999;
  /// Uses min(decay, (1 + n) / (10 + n)) at update n = 0, 1, .., so that the first average is not mostly
  /// initialisation.
  bool warm_start = false;
};

/// e <- decay e + (1 - decay) w, starting as a copy of w. Polyak & Juditsky 1992. The average is a module like the one it is made
/// of, to be run, printed and saved like any other. Batch norm's running statistics are averaged as weights are, because
/// they belong to them; counters are copied.
class Ema {
 public:
  /// Both modules must stay where they are, on one device.
  Ema(Module& average, Module& m, EmaOptions options = {});

  void update();

  /// "updates" (i64), how many there were; the average is the state of its module. Shares storage with this object.
  State state() const { return {{"updates", updates_}}; }
  void load_state(const State& s);

 private:
  EmaOptions options_;
  State average_, weights_;  // share storage with the modules
  Tensor updates_;           // () i64
};

}  // namespace gesso::nn
