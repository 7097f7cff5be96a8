#include "kernels/cuda/gemm_tf32.cu"

#include "tests/simt/planted/product.h"

using namespace gesso;
using namespace gesso::kernels;

void test::run_kernels() {
  using Tile = emu::TensorTiles::Medium;
  const auto run = [](const MatMul<float>& p) {
    emu::with_views(p, [&](const auto& a, auto a_along_k, const auto& b, auto b_along_k) {
      emu::run_tf32<Tile, decltype(a_along_k)::value, decltype(b_along_k)::value>(
          emu::extents_of(p), {1, 1, 160}, emu::tf32_shape<Tile>(0.5), a, b, emu::rows_out(p));
    });
  };
  test::product(45, 36, 132, true, false, run);
}
