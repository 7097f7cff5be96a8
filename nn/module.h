// A module names its parts once; parameters, buffers, state files, printing and train/eval all follow from
// that.
//
//   struct Mlp : Layer {
//     Linear hidden{784, 400}, out{400, 10};
//     void parts(Parts& p) override { p("hidden", hidden), p("out", out); }
//     Var operator()(const Var& x) override { return out(relu(hidden(x))); }
//   };
#pragma once

#include "autograd/ops.h"

#include <functional>
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

class Module {
 public:
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

/// Names as in PyTorch's state files: "encoder.0.weight". The pointers live as long as the module.
std::vector<std::pair<std::string, Var*>> named_parameters(Module& m);
std::vector<std::pair<std::string, Tensor*>> named_buffers(Module& m);
std::vector<Var> parameters(Module& m);
std::int64_t parameter_count(Module& m);

/// Parameters and buffers by name; the tensors share storage with the module.
using State = std::map<std::string, Tensor>;
State state(Module& m);
/// Copies every tensor in place. Throws, changing nothing, unless names, shapes and dtypes are the module's
/// own.
void load_state(Module& m, const State& s);

void set_training(Module& m, bool training);
void zero_grad(Module& m);
/// Parameters and buffers converted to f32 or f64.
void to(Module& m, DType dtype);

/// As PyTorch prints: children nested by two spaces.
std::string text(Module& m);

}  // namespace gesso::nn
