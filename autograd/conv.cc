#include "autograd/conv.h"

#include "autograd/fused.h"
#include "autograd/ops.h"

namespace gesso {

using tensor::Conv2dEpilogue;

namespace {

Conv2dEpilogue epilogue(const char* op, const Var& b, Activation act, double slope) {
  check(slope >= 0, "{}: slope {} is negative", op, slope);
  return {b.defined() ? b.value() : Tensor(), act, slope};
}

/// The gradient of a bias: one number a channel.
Var over_channels(const Var& dp) { return sum(dp, {0, 1, 2}); }

}  // namespace

// Each op in p, with y = act(p):   dx = conv2d_input(dp, w), dw = conv2d_filter(x, dp)
Var conv2d(const Var& x, const Var& w, const Conv2dGeometry& g, const Var& b, Activation act, double slope) {
  Tensor y = tensor::conv2d(x.value(), w.value(), g, epilogue("conv2d", b, act, slope));
  return make_activated(
      "conv2d", std::move(y), act, slope, edge(x, [=](const Var& dp) { return conv2d_input(dp, w, g); }),
      edge(w, [=](const Var& dp) { return conv2d_filter(x, dp, g); }), edge(b, over_channels));
}

//   dy = conv2d(dp, w), dw = conv2d_filter(dp, y)
Var conv2d_input(const Var& y, const Var& w, const Conv2dGeometry& g, const Var& b, Activation act,
                 double slope) {
  Tensor x = tensor::conv2d_input(y.value(), w.value(), g, epilogue("conv2d_input", b, act, slope));
  return make_activated(
      "conv2d_input", std::move(x), act, slope, edge(y, [=](const Var& dp) { return conv2d(dp, w, g); }),
      edge(w, [=](const Var& dp) { return conv2d_filter(dp, y, g); }), edge(b, over_channels));
}

//   dx = conv2d_input(y, dw), dy = conv2d(x, dw)
Var conv2d_filter(const Var& x, const Var& y, const Conv2dGeometry& g) {
  return make("conv2d_filter", tensor::conv2d_filter(x.value(), y.value(), g),
              edge(x, [=](const Var& dw) { return conv2d_input(y, dw, g); }),
              edge(y, [=](const Var& dw) { return conv2d(x, dw, g); }));
}

}  // namespace gesso
