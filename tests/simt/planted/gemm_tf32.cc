#include "kernels/cuda/gemm_tf32.cu"

#include "tests/simt/planted/product.h"

using namespace gesso;
using namespace gesso::kernels;

void test::run_kernels() {
  const auto run = [](const MatMul<float>& p) {
    emu::run<emu::Medium>(p, {1, 1, 160}, emu::shape<emu::Medium>(0.5));
  };
  test::product(45, 36, 132, true, false, run);
}
