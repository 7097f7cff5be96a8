#include "kernels/cuda/gemm.cu"

#include "tests/simt/planted/product.h"

using namespace gesso;
using namespace gesso::kernels;

void kernels::emu::matmul_tf32(const MatMul<float>&) {}  // not under test here

void test::run_kernels() {
  using Tile = emu::Tiles<float>::Small;
  const auto run_in = [](int slices, int slice) {
    return [=](const MatMul<float>& p) {
      emu::run<float, Tile>(p, {2, slices, slice}, emu::shape<float, Tile>(0.5));
    };
  };
  test::product(45, 36, 72, true, true, run_in(1, 80));
  test::product(20, 33, 50, false, false, run_in(2, 32));
}
