#include "kernels/cuda/reduce.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

namespace {

/// x (outer, n, inner) from `shift` elements into an allocation on.
void sum_of(Slab s, std::size_t shift) {
  const auto x = test::integers<float>(shift + std::size_t(s.outer * s.n * s.inner), 1);
  std::vector<double> wanted(std::size_t(s.outer * s.inner), 0.0);
  for (std::int64_t o = 0; o < s.outer; ++o)
    for (std::int64_t i = 0; i < s.n; ++i)
      for (std::int64_t k = 0; k < s.inner; ++k)
        wanted[o * s.inner + k] += x[shift + (o * s.n + i) * s.inner + k];
  const test::DeviceArray<float> dx(x), y(wanted.size());
  emu::reduce<float>(Reduction::sum, s, dx.data() + shift, y.data());
  test::expect("sum", y, wanted);
}

}  // namespace

void test::run_kernels() {
  sum_of({3, 21, 1}, 0);
  sum_of({1, 41, 1}, 1);
  sum_of({2, 1501, 1}, 0);
  sum_of({2, 60, 21}, 0);
}
