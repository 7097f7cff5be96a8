// Checks of gradients against central differences, in float64
// (PyTorch's gradcheck: eps 1e-6, atol 1e-5, rtol 1e-3).
#pragma once

#include "autograd/var.h"

#include <functional>
#include <string>
#include <vector>

namespace gesso {

/// A differentiable function of several inputs to one or several outputs.
using Function = std::function<std::vector<Var>(const std::vector<Var>&)>;

struct GradcheckOptions {
  double eps = 1e-6, atol = 1e-5, rtol = 1e-3;
  /// Inputs with more elements than this are checked along random directions instead of element by element.
  std::int64_t directional_above = 64;
  int directions = 3;
  std::uint64_t seed = 0;
};

/// Compares v^T J u by the edges with (f(x + eps u) - f(x - eps u)) / (2 eps), for every
/// input that is f64 and requires a gradient, and demands bit-equal re-runs. Returns an
/// empty string, or what differs: output, input, element, both numbers.
std::string gradcheck(const Function& f, const std::vector<Var>& inputs,
                      const GradcheckOptions& options = {});

/// gradcheck of the gradient: of (x, v) -> J(x)^T v, with v random.
std::string gradgradcheck(const Function& f, const std::vector<Var>& inputs,
                          const GradcheckOptions& options = {});

}  // namespace gesso
