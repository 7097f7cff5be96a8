#include "kernels/cuda/norm.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

namespace {

/// A column of integers whose mean is one, too, so that all sums are exact.
void norm_of(std::int64_t rows, std::int64_t C) {
  std::vector<float> x(rows * C);
  const auto dy = test::integers<float>(x.size(), 2);
  for (std::int64_t i = 0; i < rows * C; ++i) x[i] = float(i % C) + (i / C % 2 ? 2.f : -2.f);
  std::vector<double> mean(C), var(C, 4.0), dgamma(C), dbeta(C), y(x.size());
  for (std::int64_t c = 0; c < C; ++c) mean[c] = double(c);
  for (std::int64_t i = 0; i < rows * C; ++i) {
    const double p = (x[i] - mean[i % C]) / 2, dp = p > 0 ? dy[i] : 0.5 * dy[i];
    y[i] = p > 0 ? p : 0.5 * p, dgamma[i % C] += dp * p, dbeta[i % C] += dp;
  }
  const test::DeviceArray<float> x0(x), dy0(dy), m(C), v(C), to(x.size()), a(C), b(C);
  emu::moments<float>(rows, C, x0.data(), m.data(), v.data());
  test::expect("mean", m, mean, 1e-3), test::expect("variance", v, var, 1e-3);
  BatchNorm<float> given{rows, C, x0.data(), m.data(), v.data()};
  given.slope = 0.5f;
  emu::batch_norm<float>(given, to.data());
  test::expect("batch_norm", to, y, 1e-3);
  emu::batch_norm_sums<float>(given, dy0.data(), a.data(), b.data());
  test::expect("dgamma", a, dgamma, 1e-1), test::expect("dbeta", b, dbeta, 1e-1);
}

}  // namespace

void test::run_kernels() {
  norm_of(20, 37);   // more columns than a block has, its last threads without one
  norm_of(602, 12);  // packs; of 256 threads the last has nothing to do
  norm_of(9000, 3);  // slices
}
