#include "kernels/cuda/quantize.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

void test::run_kernels() {
  constexpr std::int64_t M = 70, K = 67, D = 19;  // tiles and depths that are not full
  const auto z = integers<float>(M * D, 1), codes = integers<float>(K * D, 2);
  std::vector<double> nearest(M), counted(K, 0.0);
  for (std::int64_t m = 0; m < M; ++m) {
    double least = HUGE_VAL;
    for (std::int64_t j = 0; j < K; ++j) {
      double distance = 0;
      for (std::int64_t d = 0; d < D; ++d)
        distance += std::pow(double(z[m * D + d]) - double(codes[j * D + d]), 2);
      if (distance < least) least = distance, nearest[m] = double(j);
    }
    ++counted[std::size_t(nearest[m])];
  }
  const DeviceArray<float> dz(z), de(codes);
  const DeviceArray<std::int64_t> index(M), counts(K);
  emu::quantize<float>(M, K, D, dz.data(), de.data(), index.data(), counts.data());
  expect("index", index, nearest);
  expect("counts", counts, counted);
}
