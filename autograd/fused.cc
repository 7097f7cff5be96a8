#include "autograd/fused.h"

#include "autograd/ops.h"

namespace gesso {

using kernels::Binary;

namespace {

Tensor value(Binary op, const Var& p, const Var& q, kernels::Scalars s = {}) {
  return tensor::binary(op, p.value(), q.value(), s);
}

}  // namespace

Var leaky_relu_grad(const Var& dy, const Var& q, double slope) {
  return make("leaky_relu_grad", value(Binary::leaky_relu_grad, dy, q, {slope}),
              edge(dy, [=](const Var& g) { return leaky_relu_grad(g, q, slope); }));
}

Var clamp_grad(const Var& dy, const Var& x, double low, double high) {
  return make("clamp_grad", value(Binary::clamp_grad, dy, x, {low, high}),
              edge(dy, [=](const Var& g) { return clamp_grad(g, x, low, high); }));
}

Var sigmoid_grad(const Var& dy, const Var& y) {
  return make("sigmoid_grad", value(Binary::sigmoid_grad, dy, y),
              edge(dy, [=](const Var& g) { return sigmoid_grad(g, y); }),
              edge(y, [=](const Var& g) { return g * dy * (1 - 2 * y); }));
}

Var tanh_grad(const Var& dy, const Var& y) {
  return make("tanh_grad", value(Binary::tanh_grad, dy, y),
              edge(dy, [=](const Var& g) { return tanh_grad(g, y); }),
              edge(y, [=](const Var& g) { return g * dy * (-2 * y); }));
}

Var elu_grad(const Var& dy, const Var& y, double alpha) {
  return make("elu_grad", value(Binary::elu_grad, dy, y, {alpha}),
              edge(dy, [=](const Var& g) { return elu_grad(g, y, alpha); }), edge(y, [=](const Var& g) {
                const Var zero = tensor::zeros({}, y.dtype(), y.device());
                return where(y > zero, zero, g * dy);
              }));
}

Var make_activated(const char* name, Tensor y, Activation act, double slope, std::vector<Edge> edges) {
  if (act == Activation::none) return make(name, std::move(y), std::move(edges));
  const Var p = without_value(name, y.shape(), y.dtype(), std::move(edges));
  switch (act) {
    case Activation::tanh:
      return make("tanh", std::move(y), edge(p, tanh_grad));
    case Activation::sigmoid:
      return make("sigmoid", std::move(y), edge(p, sigmoid_grad));
    default:
      return make("leaky_relu", std::move(y), edge(p, [slope](const Var& dy, const Var& out) {
                    return leaky_relu_grad(dy, out, slope);
                  }));
  }
}

Var bce_with_logits_grad(const Var& logit, const Var& target) {
  return make(
      "bce_with_logits_grad", value(Binary::bce_with_logits_grad, logit, target),
      edge(logit, [=](const Var& g) { return sum_to(sigmoid_grad(g, sigmoid(logit)), logit.shape()); }),
      edge(target, [s = target.shape()](const Var& g) { return -sum_to(g, s); }));
}

}  // namespace gesso
