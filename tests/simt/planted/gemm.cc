#include "kernels/cuda/gemm.cu"

#include "tests/simt/planted/product.h"

using namespace gesso;
using namespace gesso::kernels;

void kernels::emu::matmul_tf32(const MatMul<float>&) {}  // not under test here

void test::run_kernels() {
  using Tile = emu::SimtTiles<float>::Small;
  const auto run_in = [](int slices, int slice) {
    return [=](const MatMul<float>& p) {
      emu::with_views(p, [&](const auto& a, auto a_along_k, const auto& b, auto b_along_k) {
        emu::run_simt<float, Tile, decltype(a_along_k)::value, decltype(b_along_k)::value>(
            emu::extents_of(p), {2, slices, slice}, emu::simt_shape<float, Tile>(0.5), a, b,
            emu::rows_out(p));
      });
    };
  };
  test::product(45, 36, 72, true, true, run_in(1, 80));
  test::product(20, 33, 50, false, false, run_in(2, 32));
}
