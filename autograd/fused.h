// First-order gradients that are one kernel each, so that a backward pass reads and writes memory once.
// They are ops like any other and can be differentiated again. Internal to autograd/.
#pragma once

#include "autograd/var.h"
#include "tensor/ops.h"

namespace gesso {

/// q > 0 ? dy : slope dy, where q is the input or, for slope >= 0,
/// the output. Its gradient for q is zero by structure.
Var leaky_relu_grad(const Var& dy, const Var& q, double slope);
/// low <= x <= high ? dy : 0
Var clamp_grad(const Var& dy, const Var& x, double low, double high);
/// dy y (1 - y)
Var sigmoid_grad(const Var& dy, const Var& y);
/// dy (1 - y^2)
Var tanh_grad(const Var& dy, const Var& y);
/// y > 0 ? dy : dy (y + alpha)
Var elu_grad(const Var& dy, const Var& y, double alpha);
/// The Var of y = act(p) where one kernel computed p and applied act: the edges are those of p, which is never stored,
/// because every act'(p) is a function of y. Two nodes, so that dp is computed once for all the edges.
Var make_activated(const char* name, Tensor y, Activation act, double slope, std::vector<Edge> edges);
template <class... Edges>
Var make_activated(const char* name, Tensor y, Activation act, double slope, Edges... edges) {
  return make_activated(name, std::move(y), act, slope, std::vector<Edge>{std::move(edges)...});
}
/// sigmoid(logit) - target
Var bce_with_logits_grad(const Var& logit, const Var& target);

}  // namespace gesso
