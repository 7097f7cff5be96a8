#include "autograd/conv.h"
#include "autograd/ops_samples.h"

#include <algorithm>
#include <cmath>

namespace gesso {
namespace {

/// A convolution to try: shapes x (N,H,W,C), w (K,R,S,C/groups), and how they meet.
struct Case {
  Shape x, w;
  Conv2dOptions options = {};
  bool transposed = false;  // x is given by y and w, with an output padding
};

Conv2dGeometry geometry(const Case& c) {
  return c.transposed ? tensor::conv2d_transposed_geometry(c.x, c.w, c.options)
                      : tensor::conv2d_geometry(c.x, c.w, c.options);
}

/// Strides, paddings, dilations and groups of every kind; odd sizes, rectangular filters, filters that cover one pixel or all
/// of the image, taps that never meet it, no images at all.
std::vector<Case> cases(Draw& d) {
  const std::int64_t n = d.integer(1, 3), c = d.integer(1, 3), k = d.integer(1, 4);
  return {
      {{n, 5, 6, c}, {k, 3, 3, c}},
      {{n, 7, 5, c}, {k, 3, 2, c}, {.stride = 2, .padding = 1}},
      {{n, 6, 6, 3}, {k, 4, 4, 3}, {.stride = 2, .padding = 1}},
      {{n, 7, 7, 1}, {k, 5, 5, 1}, {.stride = 2, .padding = 2}},
      {{n, 6, 9, c}, {k, 2, 3, c}, {.stride = {1, 3}, .padding = {0, 2}, .dilation = {2, 1}}},
      {{n, 7, 6, c}, {k, 3, 2, c}, {.stride = {2, 3}, .padding = {2, 1}, .dilation = {2, 3}}},
      {{n, 5, 5, 4}, {6, 3, 3, 2}, {.padding = 1, .groups = 2}},
      {{n, 5, 4, 3}, {3, 3, 3, 1}, {.stride = {2, 1}, .padding = 1, .groups = 3}},
      {{n, 6, 5, 3}, {6, 2, 3, 1}, {.dilation = 2, .groups = 3}},
      {{n, 4, 3, c}, {k, 1, 1, c}},
      {{n, 5, 5, c}, {k, 1, 1, c}, {.stride = 3}},
      {{n, 3, 4, c}, {k, 3, 4, c}},
      {{n, 1, 1, c}, {k, 3, 3, c}, {.padding = 2}},
      {{0, 5, 5, 2}, {3, 3, 3, 2}, {.stride = 2, .padding = 1}},
      {{0, 4, 4, 2}, {2, 3, 3, 1}, {.groups = 2}},
      {{n, 3, 3, k}, {k, 5, 5, c}, {.stride = 2, .padding = 2, .output_padding = 1}, true},
      {{n, 2, 3, k}, {k, 3, 2, c}, {.stride = {3, 2}, .dilation = {1, 3}, .output_padding = {2, 1}}, true},
      {{n, 1, 1, k}, {k, 3, 2, c}, {}, true},
      {{n, 3, 2, 4}, {4, 1, 3, 3}, {.stride = 2, .groups = 2, .output_padding = 1}, true},
  };
}

struct Operands {
  Shape x, w, y;
};
Operands operands(const Conv2dGeometry& g) {
  return {{g.N, g.H, g.W, g.C}, {g.K, g.R, g.S, g.C / g.groups}, {g.N, g.P, g.Q, g.K}};
}

/// The samples of an op whose inputs are the two of its operands that `pick` picks.
template <class Pick>
Samples samples_of(const Pick& pick) {
  return [pick](Generator& g) {
    Draw d(g);
    std::vector<OpSample> out;
    for (const Case& c : cases(d)) {
      OpOptions o;
      o.conv = geometry(c);
      const auto [first, second] = pick(operands(o.conv));
      out.push_back({{d.values(first), d.values(second)}, o});
    }
    return out;
  };
}

using Convolution = Var (*)(const Var&, const Var&, const Conv2dGeometry&, const Var&, Activation, double);

/// Bias and activation too, on inputs whose sums stay clear of 0, where leaky ReLU has its kink.
template <class Pick>
Samples layer_samples(Convolution f, const Pick& pick, std::int64_t Conv2dGeometry::*channels) {
  return [=](Generator& g) {
    Draw d(g);
    std::vector<OpSample> out;
    for (const Activation act :
         {Activation::none, Activation::leaky_relu, Activation::tanh, Activation::sigmoid})
      for (const Case& c : {Case{{2, 4, 4, 2}, {3, 3, 3, 2}, {.stride = 2, .padding = 1}},
                            Case{{1, 3, 3, 2}, {4, 3, 3, 1}, {.padding = 1, .groups = 2}},
                            Case{{2, 3, 2, 2}, {2, 2, 2, 1}, {.groups = 2}}, Case{{3, 2, 2, 2}, {3, 1, 1, 2}},
                            Case{{3, 2, 2, 2}, {3, 2, 2, 2}}, Case{{0, 3, 3, 2}, {2, 3, 3, 2}}}) {
        OpOptions o;
        o.conv = geometry(c), o.activation = act, o.a = act == Activation::leaky_relu ? 0.2 : 0;
        const auto [first, second] = pick(operands(o.conv));
        std::vector<Var> x;
        bool clear = false;
        while (!clear) {
          x = {d.values(first), d.values(second), d.values({o.conv.*channels})};
          const std::vector<double> p =
              f(x[0], x[1], o.conv, x[2], Activation::none, 0).value().to_vector<double>();
          clear = std::all_of(p.begin(), p.end(), [](double e) { return std::abs(e) > 1e-4; });
        }
        out.push_back({x, o});
      }
    return out;
  };
}

constexpr auto kOfY = [](const Operands& o) { return std::pair(o.x, o.w); };
constexpr auto kOfX = [](const Operands& o) { return std::pair(o.y, o.w); };
constexpr auto kOfW = [](const Operands& o) { return std::pair(o.x, o.y); };

OpFunction layer(Convolution f) {
  return one([f](auto& x, auto& o) { return f(x[0], x[1], o.conv, x[2], o.activation, o.a); });
}

}  // namespace

std::vector<Op> conv_rows() {
  return {
      {"conv2d", "y = x * w;  dx = conv2d_input(dy, w), dw = conv2d_filter(x, dy)",
       one([](auto& x, auto& o) { return conv2d(x[0], x[1], o.conv); }), samples_of(kOfY),
       Linear::separately},
      {"conv2d_input",
       "x = the adjoint of conv2d in x, of y and w;  dy = conv2d(dx, w), dw = conv2d_filter(dx, y)",
       one([](auto& x, auto& o) { return conv2d_input(x[0], x[1], o.conv); }), samples_of(kOfX),
       Linear::separately},
      {"conv2d_filter",
       "w = the adjoint of conv2d in w, of x and y;  dx = conv2d_input(y, dw), dy = conv2d(x, dw)",
       one([](auto& x, auto& o) { return conv2d_filter(x[0], x[1], o.conv); }), samples_of(kOfW),
       Linear::separately},
      {"conv2d_layer", "y = act(p), p = x * w + b;  dp = dy act'(p), db = the sum of dp over n, p, q",
       layer(conv2d), layer_samples(conv2d, kOfY, &Conv2dGeometry::K)},
      {"conv2d_input_layer",
       "x = act(p), p = conv2d_input(y, w) + b;  dp = dx act'(p), db = the sum of dp over n, h, w",
       layer(conv2d_input), layer_samples(conv2d_input, kOfX, &Conv2dGeometry::C)},
  };
}

}  // namespace gesso
