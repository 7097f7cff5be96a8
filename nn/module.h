// A module names its parts once; parameters, buffers, state files, printing and train/eval all follow from
// that.
//
//   struct Mlp : Layer {
//     Linear hidden, out;
//     explicit Mlp(Generator& g) : hidden(784, 400, g), out(400, 10, g) {}
//     void parts(Parts& p) override { p("hidden", hidden), p("out", out); }
//     std::string title() const override { return "Mlp"; }
//     Var operator()(const Var& x) override { return out(hidden(x, kRelu)); }
//   };
#pragma once

#include "autograd/ops.h"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace gesso::nn {

class Module;

/// What Module::parts() is called with: one call per part, in the order of definition.
class Parts {
 public:
  virtual ~Parts() = default;
  virtual void operator()(const std::string& name, Var& parameter) = 0;  // undefined ones are passed over
  virtual void operator()(const std::string& name, Tensor& buffer) = 0;  // state that is not trained
  virtual void operator()(const std::string& name, Module& child) = 0;
};

/// Modules move but do not copy: a copy would share its parameters with the original.
class Module {
 public:
  Module() = default;
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  virtual ~Module() = default;
  virtual void parts(Parts& p) = 0;
  /// The line that stands for this module in print: "Linear(in_features=784, out_features=400, bias=True)",
  /// or just its name when it has children.
  virtual std::string title() const = 0;

  bool training = true;  // Dropout and the like behave differently in evaluation; see set_training()
};

/// A module that is a function of one Var.
class Layer : public Module {
 public:
  virtual Var operator()(const Var& x) = 0;
};

/// Names as in PyTorch's state files: "encoder.0.weight". A parameter that stands in several places (tied
/// weights) is listed at the first. The pointers live as long as the module and are void once it moves.
std::vector<std::pair<std::string, Var*>> named_parameters(Module& m);
std::vector<std::pair<std::string, Tensor*>> named_buffers(Module& m);
std::vector<Var> parameters(Module& m);
std::int64_t parameter_count(Module& m);

/// Parameters and buffers by name, tied ones under each of their names; the tensors share storage with the
/// module.
using State = std::map<std::string, Tensor>;
State state(Module& m);
/// Copies every tensor in place. Throws, changing nothing, unless names, shapes and dtypes are the module's
/// own.
void load_state(Module& m, const State& s);

/// What keeps `given` from being loaded where `wanted` is: missing and unexpected names, other shapes or
/// dtypes. Empty if nothing does.
std::string state_mismatch(const State& wanted, const State& given);

void set_training(Module& m, bool training);
void zero_grad(Module& m);
/// Parameters and buffers converted to f32 or f64; integers stay. The parameters become new leaves without
/// gradients, and tied ones stay tied. Vars copied before (an optimizer holds such copies) keep the old
/// values and no longer belong to the module, so convert first and make the optimizer then.
void to(Module& m, DType dtype);
/// Parameters and buffers copied to a device; the same holds for them.
void to(Module& m, Device device);
/// The module, moved to a device: `net_(on(device, Network(..)))`.
template <class M>
M on(Device device, M module) {
  to(module, device);
  return module;
}

/// As PyTorch prints: children nested by two spaces.
std::string text(Module& m);

}  // namespace gesso::nn
