// Products and convolutions on tensor cores, as the emulated GPU runs them. Small integers are TF32 numbers, and so are their
// sums floats: what comes out is exact, in any order of threads.
#include "kernels/cuda/conv.cuh"
#include "kernels/cuda/gemm.cuh"
#include "kernels/device.h"
#include "tests/simt/device_array.h"

#include <doctest/doctest.h>

#include <cmath>
#include <random>
#include <vector>

using namespace gesso::kernels;
using gesso::test::DeviceArray;

namespace {

std::vector<float> integers(std::int64_t n, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = float(int(random() % 7) - 3);
  return x;
}

/// f() in every order that tests use.
template <class F>
void in_every_order(const F& f) {
  for (const char* order : {"forward", "reverse", "random:1"}) {
    CAPTURE(std::string(order));
    gesso::simt::set_order(gesso::simt::parse_order(order));
    f();
  }
  gesso::simt::set_order({});
}

/// f(where it belongs on the device) writes what `expected` is.
template <class F>
void check_result(const std::vector<float>& expected, const F& f) {
  const DeviceArray<float> y(std::vector<float>(expected.size(), NAN));
  f(y.data());
  CHECK((y.host() == expected));
}

// Channels of DCGAN's kind, sides of 1 and 3 channels, several slices of K, groups, phases of different sizes, dilation.
const Conv2dGeometry kGeometries[] = {{3, 8, 8, 16, 40, 4, 4, 4, 4, 2, 1, 1, 1},
                                      {2, 9, 9, 3, 20, 5, 5, 5, 5, 2, 2, 1, 1},
                                      {30, 7, 7, 8, 1, 5, 5, 7, 7, 1, 2, 1, 1},
                                      {2, 11, 10, 24, 16, 3, 3, 4, 3, {3, 2}, {1, 0}, {1, 2}, 2}};

}  // namespace

TEST_CASE("convolutions on tensor cores are exact on small integers") {
  in_every_order([] {
    for (const Conv2dGeometry& g : kGeometries) {
      CAPTURE(g.C);
      const std::vector<float> x = integers(g.N * g.H * g.W * g.C, 1),
                               w = integers(g.K * g.R * g.S * g.C / g.groups, 2),
                               y = integers(g.N * g.P * g.Q * g.K, 3), bias = integers(g.C + g.K, 4);
      const DeviceArray<float> dx(x), dw(w), dy(y), dbias(bias);
      const Epilogue<float> de{dbias.data(), Activation::leaky_relu, 0.5f};
      // The CPU's convolutions may round where they multiply less; in double, by less than a quarter of the halves these sums are.
      const auto exact = [](std::size_t n, const auto& f) {
        std::vector<double> sums(n);
        f(sums.data());
        std::vector<float> halves(n);
        for (std::size_t i = 0; i < n; ++i) halves[i] = static_cast<float>(std::nearbyint(2 * sums[i]) / 2);
        return halves;
      };
      const std::vector<double> x64(x.begin(), x.end()), w64(w.begin(), w.end()), y64(y.begin(), y.end()),
          bias64(bias.begin(), bias.end());
      const Epilogue<double> e{bias64.data(), Activation::leaky_relu, 0.5};
      const Kernels<double>& k = cpu<double>();
      const std::vector<float>
          to_y = exact(y.size(), [&](double*to) { k.conv2d(g, x64.data(), w64.data(), e, to); }),
          to_x = exact(x.size(), [&](double*to) { k.conv2d_input(g, y64.data(), w64.data(), e, to); }),
          to_w = exact(w.size(), [&](double*to) { k.conv2d_filter(g, x64.data(), y64.data(), to); });
      check_result(to_y, [&](float* to) { emu::conv2d_tf32(g, dx.data(), dw.data(), de, to); });
      check_result(to_x, [&](float* to) { emu::conv2d_input_tf32(g, dy.data(), dw.data(), de, to); });
      check_result(to_w, [&](float* to) { emu::conv2d_filter_tf32(g, dx.data(), dy.data(), to); });
    }
  });
}

TEST_CASE("where TF32 is allowed, convolutions and products take it; otherwise none does") {
  // 1 + 2^-12 is no TF32 number, so a sum of products with it tells which factors were rounded
  const Conv2dGeometry g{1, 4, 4, 4, 4, 3, 3, 4, 4, 1, 1, 1, 1};
  const DeviceArray<float> x(std::vector<float>(64, 1 + 0x1p-12f)), w(std::vector<float>(144, 1.f)), y(64);
  const Kernels<float>& k = *backend(Device::emu)->f32;
  const auto corner = [&] {  // 4 taps of 4 channels
    k.conv2d(g, x.data(), w.data(), {}, y.data());
    return y.host()[0];
  };
  const DeviceArray<float> u(std::vector<float>(16, 1.f)), z(64);
  const Conv2dGeometry one{.N = 1, .H = 4, .W = 4, .C = 4, .K = 4, .R = 1, .S = 1, .P = 4, .Q = 4};
  const auto plain = [&] {  // a convolution that is a matrix product
    k.conv2d(one, x.data(), u.data(), {}, z.data());
    return z.host()[0];
  };
  const auto product = [&] {
    k.matmul({.batch = 1,
              .M = 16,
              .N = 4,
              .K = 4,
              .a = x.data(),
              .a_row = 4,
              .a_col = 1,
              .b = u.data(),
              .b_row = 4,
              .b_col = 1,
              .c = z.data(),
              .c_row = 4});
    return z.host()[0];
  };
  const auto check_rounded = [&](Tf32 most, bool convolutions, bool products) {
    emu::allow_tf32(most);
    CHECK(corner() == (convolutions ? 16 : 16 + 0x1p-8f));
    CHECK(plain() == (convolutions ? 4 : 4 + 0x1p-10f));
    CHECK(product() == (products ? 4 : 4 + 0x1p-10f));
  };
  check_rounded(Tf32::none, false, false);
  check_rounded(Tf32::convolutions, true, false);
  check_rounded(Tf32::all, true, true);
  emu::allow_tf32(Tf32::none);
}
