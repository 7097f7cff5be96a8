#include "kernels/cuda/move.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

namespace {

/// y (columns, rows) = the transpose of x
void transpose_of(std::int64_t rows, std::int64_t columns) {
  const auto x = test::integers<float>(std::size_t(rows * columns), 1);
  std::vector<double> wanted(x.size());
  for (std::int64_t i = 0; i < rows; ++i)
    for (std::int64_t j = 0; j < columns; ++j) wanted[j * rows + i] = x[i * columns + j];
  const test::DeviceArray<float> dx(x), y(x.size());
  emu::copy_elements(Walk{2, {columns, rows}, {{1, columns}, {rows, 1}}}, dx.data(), y.data());
  test::expect("transpose", y, wanted);
}

/// Every third element, which cannot be copied in packs.
void thin_out(std::int64_t n) {
  const auto x = test::integers<float>(std::size_t(3 * n - 2), 1);
  std::vector<double> wanted(n);
  for (std::int64_t i = 0; i < n; ++i) wanted[i] = x[3 * i];
  const test::DeviceArray<float> dx(x), y(wanted.size());
  emu::copy_elements(Walk{1, {n}, {{3}, {1}}}, dx.data(), y.data());
  test::expect("strided copy", y, wanted);
}

/// The same elements from `shift` on.
void copy_from(std::size_t shift, std::int64_t n) {
  const auto x = test::integers<float>(shift + std::size_t(n), 1);
  const test::DeviceArray<float> dx(x), y(std::size_t(n) + 0);
  emu::copy_elements(Walk{1, {n}, {{1}, {1}}}, dx.data() + shift, y.data());
  test::expect("copy", y, std::vector<double>(x.begin() + std::int64_t(shift), x.end()));
}

}  // namespace

void test::run_kernels() {
  transpose_of(37, 50);
  thin_out(77);
  copy_from(0, 35);
  copy_from(1, 32);
}
