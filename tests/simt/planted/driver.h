// What the drivers of planted bugs share. A driver is a program that includes a kernel file, mutated or not, runs its kernels on
// small problems in every order of threads, and says by its exit status what came of it: 0 all right, 3 a wrong result, 4 a
// broken rule; a sanitizer ends it with a status of its own.
#pragma once

#include "kernels/cuda/runtime.cu"
#include "tests/simt/device_array.h"

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace gesso::test {

void run_kernels();

template <class T>
void expect(const char* what, const DeviceArray<T>& got, const std::vector<double>& wanted,
            double tolerance = 0) {
  const std::vector<T> values = got.host();
  for (std::size_t i = 0; i < wanted.size(); ++i)
    if (!(std::abs(double(values[i]) - wanted[i]) <= tolerance)) {
      std::fprintf(stderr, "%s: element %zu is %g, not %g\n", what, i, double(values[i]), wanted[i]);
      std::exit(3);
    }
}

/// Small integers, whose sums and products are exact.
template <class T>
std::vector<T> integers(std::size_t n, int seed) {
  std::vector<T> x(n);
  for (std::size_t i = 0; i < n; ++i) x[i] = T(int((i * 37 + std::size_t(seed) * 11) % 19) - 9);
  return x;
}

}  // namespace gesso::test

/// Arguments are the orders to run in; without any, all that tests use.
int main(int argc, char** argv) {
  std::vector<std::string> orders(argv + 1, argv + argc);
  if (orders.empty()) orders = {"forward", "reverse", "random:1", "random:2", "random:3"};
  try {
    for (const std::string& order : orders) {
      gesso::simt::set_order(gesso::simt::parse_order(order));
      gesso::test::run_kernels();
    }
  } catch (const gesso::simt::EmulationError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 4;
  }
}
