// C (M,N) = act(A (M,K) * B (K,N) + bias (N)): the matrix product on the ordinary cores, and the choice between it, the
// tensor cores and cuBLAS.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_launch.cuh"
#include "kernels/cuda/gemm_simt.cuh"

#include <cstdlib>
#include <cstring>

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// From large to small. A double is two words: half the tile in the same registers. Lines of a panel along K are 64 bytes,
/// two sectors of L2.
template <class T>
struct Tiles;
template <>
struct Tiles<float> {
  using Large = SimtTile<128, 128, 16, 8, 8, 4>;
  using Medium = SimtTile<64, 64, 16, 8, 4, 4>;
  using Small = SimtTile<32, 32, 16, 4, 4, 4>;
};
template <>
struct Tiles<double> {
  using Large = SimtTile<64, 64, 8, 4, 4, 4>;
  using Medium = SimtTile<32, 64, 8, 4, 4, 4>;
  using Small = SimtTile<32, 32, 8, 4, 4, 4>;
};

/// A multiprocessor does 128 multiply-adds in float a cycle and 64 in double; `share` of them is what a tile reaches,
/// estimated from how often it waits for shared memory.
template <class T, class Tile>
constexpr TileShape shape(double share) {
  return {Tile::BM, Tile::BN, Tile::BK,
          double(Tile::BM * Tile::BN) * Tile::BK / ((sizeof(T) == 4 ? 128 : 64) * share)};
}

template <class T, class Tile>
void run(const MatMul<T>& p, const Plan& plan, const TileShape& tile) {
  in_slices(p, plan, tile, [](const auto& product, dim3 grid, auto a_along_k, auto b_along_k) {
    using View = Lines<T>;
    constexpr bool a_along = decltype(a_along_k)::value, b_along = decltype(b_along_k)::value;
    constexpr std::size_t bytes = shared_bytes<Tile, SimtPanel<T, Tile::BM, Tile::BK, a_along>,
                                               SimtPanel<T, Tile::BN, Tile::BK, b_along>, T>();
    simt::launch(gemm_simt<T, Tile, a_along, b_along, View, View, RowsOut<T>>, grid, dim3(Tile::threads),
                 bytes, stream(), product);
  });
}

bool tf32_switch = false;

#ifdef __CUDACC__
/// $GESSO_GEMM: "own" for gesso's kernels, "cublas" for cuBLAS.
bool prefer_cublas() {
  static const bool prefer = [] {
    const char* wanted = std::getenv("GESSO_GEMM");
    return !wanted || std::strcmp(wanted, "own") != 0;
  }();
  return prefer;
}
#endif

template <class T>
void matmul(const MatMul<T>& p) {
#ifdef __CUDACC__
  if (prefer_cublas()) return matmul_cublas(p);
#endif
  if constexpr (sizeof(T) == 4)
    if (tf32_allowed()) return matmul_tf32(p);
  matmul_simt(p);
}

}  // namespace

void allow_tf32(bool allowed) { tf32_switch = allowed; }
bool tf32_allowed() { return tf32_switch; }

template <class T>
void matmul_simt(const MatMul<T>& p) {
  using Large = typename Tiles<T>::Large;
  using Medium = typename Tiles<T>::Medium;
  using Small = typename Tiles<T>::Small;
  static constexpr TileShape tiles[] = {shape<T, Large>(0.9), shape<T, Medium>(0.75), shape<T, Small>(0.5)};
  const Plan best = plan(tiles, p.batch, p.M, p.N, p.K, int(sizeof(T)));
  if (best.tile == 0) return run<T, Large>(p, best, tiles[0]);
  if (best.tile == 1) return run<T, Medium>(p, best, tiles[1]);
  run<T, Small>(p, best, tiles[2]);
}
template void matmul_simt(const MatMul<float>&);
template void matmul_simt(const MatMul<double>&);

template <class T>
void install_gemm(Kernels<T>& k) {
  k.matmul = matmul<T>;
}
template void install_gemm(Kernels<float>&);
template void install_gemm(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
