// Optimizers: w <- w - step(dw), one pass over memory for all parameters. Formulas and defaults are
// PyTorch's.
//
//   Optimizer adam(named_parameters(model), Adam{.lr = 1e-3});
//   loss.backward();
//   adam.step();
//   adam.zero_grad();
//
// In every rule g = grad_scale dw, plus weight_decay w where the decay is not decoupled; t counts the
// parameter's steps from 1.
#pragma once

#include "nn/module.h"

#include <variant>

namespace gesso::nn {

/// m <- momentum m + (1 - dampening) g (m <- g at first);
/// w <- w - lr m, or with nesterov w <- w - lr (g + momentum m).
struct Sgd {
  double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false;
};
/// m <- beta1 m + (1 - beta1) g; v <- beta2 v + (1 - beta2) g^2;
/// w <- w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps). Kingma & Ba 2015, algorithm 1.
struct Adam {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};
/// Adam after w <- w - lr weight_decay w. Loshchilov & Hutter 2019, algorithm 2.
struct AdamW {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0.01;
};
/// v <- alpha v + (1 - alpha) g^2; w <- w - lr g / (sqrt(v) + eps). Tieleman & Hinton 2012, lecture 6.5.
struct Rmsprop {
  double lr = 1e-2, alpha = 0.99, eps = 1e-8, weight_decay = 0;
};

class Optimizer {
 public:
  using Rule = std::variant<Sgd, Adam, AdamW, Rmsprop>;
  using Parameters = std::vector<std::pair<std::string, Var*>>;  // as of named_parameters()

  /// Throws if a constant of the rule is out of its range, or if a name or a parameter is given twice.
  Optimizer(const Parameters& parameters, const Rule& rule);

  /// Moves every parameter that has a gradient; the others and their state stay as they are.
  void step(double grad_scale = 1);
  void zero_grad();

  /// All there is to resume, by name: "NAME.step", how many steps the parameter took (i64), "NAME.m" and
  /// "NAME.v" as far as the rule has them. The tensors share storage with the optimizer. The rule and lr are
  /// the caller's to keep.
  State state() const;
  /// Copies in place. Throws, changing nothing, unless names, shapes and dtypes are the optimizer's own.
  void load_state(const State& s);

  double lr;  // at first the rule's; a schedule changes it between steps

 private:
  struct Slot {
    std::string name;
    Var w;
    Tensor m, v;  // undefined where the rule has none
    Tensor step;  // () i64
  };
  Rule rule_;
  std::vector<Slot> slots_;
};

/// sqrt(sum dw^2) over all gradients there are.
double grad_norm(const std::vector<Var>& parameters);
/// min(1, max_norm / (norm + 1e-6)), for Optimizer::step: clipping without a pass of its own. NaN if the norm
/// is.
double clip_coefficient(double norm, double max_norm);
/// Scales all gradients so that their norm is at most max_norm, and returns the norm before. The gradients
/// are replaced, not overwritten, because others may share them. Pascanu et al. 2013, algorithm 1.
double clip_grad_norm(const std::vector<Var>& parameters, double max_norm);
/// dw <- min(max(dw, -limit), limit), likewise.
void clip_grad_value(const std::vector<Var>& parameters, double limit);

}  // namespace gesso::nn
