#include "kernels/cuda/random.cu"

#include "tests/simt/planted/driver.h"

using namespace gesso;
using namespace gesso::kernels;

namespace {

/// Elements of a stream drawn together and one by one are the same.
void draw(std::size_t shift, std::uint64_t offset, std::int64_t n) {
  const test::DeviceArray<float> y(shift + std::size_t(n)), one(1);
  emu::uniform<float>({7, offset}, 0, 1, n, y.data() + shift);
  std::vector<double> wanted;
  for (std::int64_t i = 0; i < n; ++i) {
    emu::uniform<float>({7, offset + std::uint64_t(i)}, 0, 1, 1, one.data());
    wanted.push_back(one.host()[0]);
  }
  const std::vector<float> all = y.host();
  test::expect("uniform",
               test::DeviceArray<float>(std::vector<float>(all.begin() + std::int64_t(shift), all.end())),
               wanted);
}

}  // namespace

void test::run_kernels() {
  draw(0, 0, 9);
  draw(1, 0, 8);
  draw(0, 3, 7);
}
