// Every public op as a row: its name, its formula with its gradient, a function to call it, and samples to call it with. The
// command line explains an op from its row and checks it live; the tests go over all rows, so a new op is a new row.
#pragma once

#include "autograd/conv.h"
#include "autograd/ops.h"

#include <functional>
#include <string>
#include <vector>

namespace gesso {

/// What an op is called with besides its inputs. Each uses the members its formula names.
struct OpOptions {
  double a = 0, b = 0;
  int axis = 0, correction = 1;
  std::vector<int> axes = {};            // to reduce or to flip, or an order of axes
  std::vector<std::int64_t> sizes = {};  // a shape, the parts of a split, or an interval
  Padding padding = {};
  bool keep = false, reverse = false, transpose_a = false, transpose_b = false;
  Activation activation = Activation::none;
  Conv2dGeometry conv = {};
  DType dtype = DType::f64;
  Tensor fixed = {};  // what no gradient flows into: indices, a mask, a forward value
};

/// One call to try. The inputs are f64 parameters, away from the kinks of the op by ten times gradcheck's eps.
struct OpSample {
  std::vector<Var> inputs;
  OpOptions options = {};

  /// "(3,5), (5); a = 0.2, keep"
  std::string text() const;
};

enum class Linear : std::uint8_t {
  no,
  jointly,     // f(x + x', y + y') = f(x, y) + f(x', y')
  separately,  // linear in each input while the others are fixed
};

struct Op {
  const char* name;
  const char* formula;
  std::function<std::vector<Var>(const std::vector<Var>& inputs, const OpOptions& options)> f;
  /// Scalars, 0-sized, broadcast and odd sizes, and each option; another generator gives other shapes and values.
  std::function<std::vector<OpSample>(Generator& g)> samples;
  Linear linear = Linear::no;
  /// False where the value is a mask or an index, or where the gradient is defined rather than derived.
  bool derivable = true;

  std::vector<Var> operator()(const OpSample& s) const { return f(s.inputs, s.options); }
};

const std::vector<Op>& ops_table();
/// The op of that name, or null.
const Op* find_op(const std::string& name);

}  // namespace gesso
