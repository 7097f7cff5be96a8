#include "kernels/cuda/rows.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

namespace {

/// Lines of n: by lanes of a warp where n is small, by a block where it is large.
void softmax_of(std::int64_t lines, std::int64_t n) {
  const auto x = test::integers<float>(std::size_t(lines * n), 1);
  std::vector<double> wanted(x.size());
  for (std::int64_t l = 0; l < lines; ++l) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += std::exp(double(x[l * n + i]));
    for (std::int64_t i = 0; i < n; ++i) wanted[l * n + i] = std::exp(double(x[l * n + i])) / sum;
  }
  const test::DeviceArray<float> dx(x), y(x.size());
  emu::softmax<float>({lines, n, 1}, dx.data(), y.data());
  test::expect("softmax", y, wanted, 1e-6);
}

void cumsum_of(std::int64_t lines, std::int64_t n) {
  const auto x = test::integers<float>(std::size_t(lines * n), 2);
  std::vector<double> wanted(x.size());
  for (std::int64_t l = 0; l < lines; ++l)
    for (std::int64_t i = 0; i < n; ++i) wanted[l * n + i] = x[l * n + i] + (i ? wanted[l * n + i - 1] : 0);
  const test::DeviceArray<float> dx(x), y(x.size());
  emu::cumsum<float>({lines, n, 1}, false, dx.data(), y.data());
  test::expect("cumsum", y, wanted);
}

void add_rows_of(std::int64_t n, std::int64_t rows, std::int64_t width) {
  const auto x = test::integers<float>(std::size_t(n * width), 3);
  std::vector<std::int64_t> index(n);
  std::vector<double> wanted(std::size_t(rows * width), 0.0);
  for (std::int64_t i = 0; i < n; ++i) {
    index[i] = i * 7 % rows;
    for (std::int64_t k = 0; k < width; ++k) wanted[index[i] * width + k] += x[i * width + k];
  }
  const test::DeviceArray<std::int64_t> to(index);
  const test::DeviceArray<float> dx(x), y(wanted.size());
  emu::add_rows<float>(n, rows, width, to.data(), dx.data(), y.data());
  test::expect("add_rows", y, wanted);
}

}  // namespace

void test::run_kernels() {
  softmax_of(3, 13);
  softmax_of(2, 1100);
  cumsum_of(2, 1100);
  add_rows_of(45, 5, 40);
}
