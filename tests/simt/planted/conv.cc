#include "kernels/cuda/conv.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

// Not under test here.
namespace gesso::kernels::emu {
template <class T>
void matmul(const MatMul<T>&, Tf32) {}
bool tf32_allowed(Tf32) { return false; }
void conv2d_tf32(const Conv2dGeometry&, const float*, const float*, const Epilogue<float>&, float*) {}
void conv2d_input_tf32(const Conv2dGeometry&, const float*, const float*, const Epilogue<float>&, float*) {}
void conv2d_filter_tf32(const Conv2dGeometry&, const float*, const float*, float*) {}
}  // namespace gesso::kernels::emu

namespace {

/// With the smallest tile, and K in this many slices.
auto multiply(int slices, int slice) {
  return [=](const emu::Extents& e, const auto& a, auto a_along_k, const auto& b, auto b_along_k,
             const auto& c) {
    using Tile = emu::SimtTiles<float>::Small;
    emu::run_simt<float, Tile, decltype(a_along_k)::value, decltype(b_along_k)::value>(
        e, {2, slices, slice}, emu::simt_shape<float, Tile>(0.5), a, b, c);
  };
}

struct Case {
  Conv2dGeometry g;
  std::vector<float> x, w, y;
  std::vector<double> to_x, to_w, to_y;

  explicit Case(const Conv2dGeometry& geometry) : g(geometry) {
    x = test::integers<float>(std::size_t(g.N * g.H * g.W * g.C), 1);
    w = test::integers<float>(std::size_t(g.K * g.R * g.S * g.C / g.groups), 2);
    y = test::integers<float>(std::size_t(g.N * g.P * g.Q * g.K), 3);
    to_x.resize(x.size()), to_w.resize(w.size()), to_y.resize(y.size());
    const std::int64_t Cg = g.C / g.groups, Kg = g.K / g.groups;
    for (std::int64_t o = 0; o < g.N * g.P * g.Q; ++o)
      for (std::int64_t r = 0; r < g.R; ++r)
        for (std::int64_t s = 0; s < g.S; ++s) {
          const std::int64_t h = o / g.Q % g.P * g.stride.h + r - g.padding.h,
                             v = o % g.Q * g.stride.w + s - g.padding.w;
          if (h < 0 || h >= g.H || v < 0 || v >= g.W) continue;
          for (std::int64_t k = 0; k < g.K; ++k)
            for (std::int64_t c = 0; c < Cg; ++c) {
              const std::int64_t i = ((o / g.Q / g.P * g.H + h) * g.W + v) * g.C + k / Kg * Cg + c,
                                 j = ((k * g.R + r) * g.S + s) * Cg + c, l = o * g.K + k;
              to_x[i] += w[j] * y[l], to_w[j] += x[i] * y[l], to_y[l] += x[i] * w[j];
            }
        }
  }
};

void products(const Conv2dGeometry& g) {
  const Case c(g);
  const test::DeviceArray<float> x(c.x), w(c.w), y(c.y), to_x(x.host().size()), to_w(w.host().size()),
      to_y(y.host().size());
  emu::conv2d_product<float>(g, x.data(), w.data(), {}, to_y.data(), multiply(1, 1024));
  test::expect("conv2d", to_y, c.to_y);
  emu::conv2d_input_product<float>(g, y.data(), w.data(), {}, to_x.data(), multiply(1, 1024));
  test::expect("conv2d_input", to_x, c.to_x);
  emu::conv2d_filter_product<float>(g, x.data(), y.data(), to_w.data(), multiply(2, 32));
  test::expect("conv2d_filter", to_w, c.to_w);
}

void depthwise(const Conv2dGeometry& g) {
  const Case c(g);
  const test::DeviceArray<float> x(c.x), w(c.w), y(c.y), to_w(c.w.size()), to_y(c.y.size());
  emu::depthwise<float>({emu::forward(g),
                         0,
                         emu::input_layout(g),
                         emu::output_layout(g),
                         x.data(),
                         w.data(),
                         int(g.R),
                         int(g.S),
                         {},
                         to_y.data()});
  test::expect("depthwise", to_y, c.to_y);
  emu::depthwise_filter<float>(emu::forward(g), emu::input_layout(g), x.data(), y.data(), to_w.data());
  test::expect("depthwise_filter", to_w, c.to_w);
}

}  // namespace

void test::run_kernels() {
  products({2, 5, 7, 8, 12, 3, 3, 3, 4, 2, 1, 1, 1});  // packs of channels; phases of different sizes
  products({1, 6, 4, 10, 6, 3, 2, 4, 3, 1, 0, 1, 2});  // single channels, groups
  depthwise({2, 5, 5, 33, 33, 3, 3, 3, 3, 2, 1, 1, 33});
}
