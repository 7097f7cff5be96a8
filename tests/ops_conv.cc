// Convolutions as seven nested loops over the one trilinear form, each term added to whichever operand is left open.
#include "autograd/conv.h"
#include "tests/ops.h"

#include <cmath>

namespace gesso::tests {
namespace {

/// Calls f(place in x, place in w, place in y) for every term of the form.
template <class F>
void for_each_term(const Conv2dGeometry& g, const F& f) {
  const Shape x{g.N, g.H, g.W, g.C}, w{g.K, g.R, g.S, g.C / g.groups}, y{g.N, g.P, g.Q, g.K};
  for_each_index({g.N, g.P, g.Q, g.K}, [&](const Index& at) {
    const std::int64_t n = at[0], p = at[1], q = at[2], k = at[3];
    const std::int64_t group = k / (g.K / g.groups);
    for_each_index({g.R, g.S, g.C / g.groups}, [&](const Index& tap) {
      const std::int64_t r = tap[0], s = tap[1], c = tap[2];
      const std::int64_t h = p * g.stride.h + r * g.dilation.h - g.padding.h;
      const std::int64_t v = q * g.stride.w + s * g.dilation.w - g.padding.w;
      if (h < 0 || h >= g.H || v < 0 || v >= g.W) return;
      f(static_cast<std::size_t>(place(x, {n, h, v, group * (g.C / g.groups) + c})),
        static_cast<std::size_t>(place(w, {k, r, s, c})), static_cast<std::size_t>(place(y, {n, p, q, k})));
    });
  });
}

/// Sums of products, with what bounds their error: 2 n sum |terms|.
class Sums {
 public:
  explicit Sums(const Shape& shape)
      : shape_(shape), sum_(static_cast<std::size_t>(shape.size())), size_(sum_), terms_(sum_) {}
  void add(std::size_t at, double term) {
    sum_[at] += term;
    size_[at] += std::abs(term);
    terms_[at] += 1;
  }
  Expected expected() const {
    Expected out{shape_, {}};
    for (std::size_t i = 0; i < sum_.size(); ++i) out.v.push_back({sum_[i], 2 * terms_[i] * size_[i]});
    return out;
  }

 private:
  Shape shape_;
  std::vector<double> sum_, size_, terms_;
};

Expected conv2d(const Array& x, const Array& w, const Conv2dGeometry& g) {
  Sums y({g.N, g.P, g.Q, g.K});
  for_each_term(g, [&](std::size_t i, std::size_t j, std::size_t o) { y.add(o, x.v[i] * w.v[j]); });
  return y.expected();
}
Expected conv2d_input(const Array& y, const Array& w, const Conv2dGeometry& g) {
  Sums x({g.N, g.H, g.W, g.C});
  for_each_term(g, [&](std::size_t o, std::size_t j, std::size_t i) { x.add(o, y.v[i] * w.v[j]); });
  return x.expected();
}
Expected conv2d_filter(const Array& x, const Array& y, const Conv2dGeometry& g) {
  Sums w({g.K, g.R, g.S, g.C / g.groups});
  for_each_term(g, [&](std::size_t i, std::size_t o, std::size_t j) { w.add(o, x.v[i] * y.v[j]); });
  return w.expected();
}

std::vector<Expected> layer(Expected p, const Array& bias, const OpOptions& o) {
  for (std::size_t i = 0; i < p.v.size(); ++i) p.v[i] = with_epilogue(p.v[i], bias.v[i % bias.v.size()], o);
  return {p};
}

Var zeros(const Shape& shape, DType dtype = DType::f32) { return tensor::zeros(shape, dtype); }

}  // namespace

References conv_references() {
  return {
      {"conv2d", [](auto& x, auto& o) { return std::vector{conv2d(x[0], x[1], o.conv)}; }},
      {"conv2d_input", [](auto& x, auto& o) { return std::vector{conv2d_input(x[0], x[1], o.conv)}; }},
      {"conv2d_filter", [](auto& x, auto& o) { return std::vector{conv2d_filter(x[0], x[1], o.conv)}; }},
      {"conv2d_layer", [](auto& x, auto& o) { return layer(conv2d(x[0], x[1], o.conv), x[2], o); }},
      {"conv2d_input_layer",
       [](auto& x, auto& o) { return layer(conv2d_input(x[0], x[1], o.conv), x[2], o); }},
  };
}

std::vector<Mistake> conv_mistakes() {
  using tensor::conv2d_geometry;
  using tensor::conv2d_transposed_geometry;
  static const Conv2dGeometry g = conv2d_geometry({2, 5, 5, 3}, {4, 3, 3, 3}, {});
  std::vector<Mistake> all;
  struct Misfit {
    const char* op;
    Shape image, w;
    Conv2dOptions options;
    const char* message;
  };
  static const std::vector<Misfit> misfits = {
      {"conv2d",
       {2, 5, 5},
       {4, 3, 3, 3},
       {},
       "conv2d: images (2,5,5) and filters (4,3,3,3) must be (N,H,W,C)"},
      {"conv2d",
       {8, 32, 32, 3},
       {64, 4, 4, 1},
       {},
       "conv2d: x (8,32,32,3) has 3 channels, w (64,4,4,1) in 1 groups wants 1"},
      {"conv2d",
       {2, 5, 5, 4},
       {3, 3, 3, 2},
       {.groups = 2},
       "has 3 filters, which is no multiple of 2 groups"},
      {"conv2d", {2, 5, 5, 4}, {3, 3, 3, 4}, {.groups = 0}, "no multiple of 0 groups"},
      {"conv2d", {2, 5, 5, 3}, {4, 3, 3, 3}, {.stride = {1, 0}}, "stride (1,0) must be at least 1"},
      {"conv2d", {2, 5, 5, 3}, {4, 3, 3, 3}, {.padding = -1}, "padding (-1,-1) must be at least 0"},
      {"conv2d", {2, 5, 5, 3}, {4, 3, 3, 3}, {.dilation = 0}, "dilation (0,0) must be at least 1"},
      {"conv2d",
       {2, 5, 5, 3},
       {4, 3, 3, 3},
       {.dilation = {1, 3}},
       "w (4,3,3,3) with dilation (1,3) is larger than x (2,5,5,3)"},
      {"conv2d", {2, 5, 5, 3}, {4, 0, 3, 3}, {}, "without elements"},
      {"conv2d", {2, 5, 5, 3}, {4, 3, 3, 3}, {.output_padding = 1}, "is for transposed convolutions"},
      {"conv2d_input",
       {2, 5, 5, 3},
       {4, 3, 3, 3},
       {},
       "conv2d_input: y (2,5,5,3) has 3 channels, w (4,3,3,3) wants 4"},
      {"conv2d_input",
       {2, 5, 5, 4},
       {4, 3, 3, 3},
       {.stride = 2, .output_padding = 2},
       "output padding (2,2) must be below stride (2,2)"},
      {"conv2d_input",
       {2, 1, 1, 4},
       {4, 3, 3, 3},
       {.padding = 2},
       "padding (2,2) leaves nothing of y (2,1,1,4)"},
  };
  for (const Misfit& m : misfits)
    all.push_back({m.op,
                   [&m] {
                     const bool transposed = std::string(m.op) == "conv2d_input";
                     (transposed ? conv2d_transposed_geometry : conv2d_geometry)(m.image, m.w, m.options);
                   },
                   m.message});
  all.push_back({"conv2d",
                 [] {
                   conv2d(zeros({2, 5, 6, 3}), zeros({4, 3, 3, 3}), g);
                 },
                 "conv2d: x is (2,5,6,3), the geometry has (2,5,5,3)"});
  all.push_back({"conv2d",
                 [] {
                   conv2d(zeros({2, 5, 5, 3}), zeros({4, 3, 3, 3}), g, zeros({3}));
                 },
                 "conv2d: bias (3) for 4 channels"});
  all.push_back({"conv2d",
                 [] {
                   conv2d(zeros({2, 5, 5, 3}), zeros({4, 3, 3, 3}, DType::f64), g);
                 },
                 "convert one"});
  all.push_back({"conv2d",
                 [] {
                   conv2d(zeros({2, 5, 5, 3}), zeros({4, 3, 3, 3}), g, {}, Activation::leaky_relu, -1);
                 },
                 "slope -1 is negative"});
  all.push_back({"conv2d_input",
                 [] {
                   conv2d_input(zeros({2, 3, 3, 4}), zeros({4, 3, 2, 3}), g);
                 },
                 "conv2d_input: w is (4,3,2,3), the geometry has (4,3,3,3)"});
  all.push_back({"conv2d_input",
                 [] {
                   conv2d_input(zeros({2, 3, 3, 4}), zeros({4, 3, 3, 3}), g, zeros({4}));
                 },
                 "conv2d_input: bias (4) for 3 channels"});
  all.push_back({"conv2d_filter",
                 [] {
                   conv2d_filter(zeros({2, 5, 5, 3}), zeros({2, 3, 3, 3}), g);
                 },
                 "conv2d_filter: y is (2,3,3,3), the geometry has (2,3,3,4)"});
  return all;
}

}  // namespace gesso::tests
