// An exponential moving average of a module's weights, which often evaluates better than the weights
// themselves.
#pragma once

#include "nn/module.h"

namespace gesso::nn {

struct EmaOptions {
  double decay = 0.999;
  /// Uses min(decay, (1 + n) / (10 + n)) at update n = 0, 1, .., so that the first average is not mostly
  /// initialisation.
  bool warm_start = false;
};

/// e <- decay e + (1 - decay) w, starting as a copy of w. Polyak & Juditsky 1992. Floating-point parameters
/// only: buffers follow the module, as they are averages already or counters.
class Ema {
 public:
  explicit Ema(Module& m, EmaOptions options = {});

  void update(Module& m);
  void copy_to(Module& m);
  /// Exchanges the average with the module's own parameters, in place. Swapping again restores both, bit for
  /// bit.
  void swap(Module& m);

  /// "NAME" for each average and "updates" (i64); shares storage with this object, to be saved and loaded.
  State state() const;
  void load_state(const State& s);

 private:
  EmaOptions options_;
  State average_;
  Tensor updates_;  // () i64
};

/// While it lives, the module computes with the average.
class WithEma {
 public:
  WithEma(Ema& ema, Module& m) : ema_(ema), module_(m) { ema_.swap(module_); }
  ~WithEma() { ema_.swap(module_); }
  WithEma(const WithEma&) = delete;
  WithEma& operator=(const WithEma&) = delete;

 private:
  Ema& ema_;
  Module& module_;
};

}  // namespace gesso::nn
