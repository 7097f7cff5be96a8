#include "kernels/cuda/optim.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

/// w -= dw / 2 for two parameters at once
void test::run_kernels() {
  const auto w = test::integers<float>(1100, 1), dw = test::integers<float>(1100, 2);
  const test::DeviceArray<float> w0(w), dw0(dw);
  const test::DeviceArray<float> w1(std::vector<float>(w.begin(), w.begin() + 10));
  const test::DeviceArray<float> dw1(std::vector<float>(dw.begin(), dw.begin() + 10));
  const ParameterSlice<float> parameters[] = {{1100, w0.data(), dw0.data(), nullptr, nullptr},
                                              {10, w1.data(), dw1.data(), nullptr, nullptr}};
  emu::sgd<float>(SgdStep{.lr = 0.5,
                          .momentum = 0,
                          .dampening = 0,
                          .weight_decay = 0,
                          .nesterov = false,
                          .first = true,
                          .grad_scale = 1},
                  2, parameters);
  std::vector<double> wanted(1100);
  for (int i = 0; i < 1100; ++i) wanted[i] = w[i] - 0.5 * dw[i];
  test::expect("first parameter", w0, wanted);
  wanted.resize(10);
  test::expect("second parameter", w1, wanted);
}
