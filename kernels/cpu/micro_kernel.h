// The innermost loops of the matrix product: a tile of C held in registers while K passes by.
#pragma once

#include "kernels/cpu/gemm_vector.h"

#include <cstdint>

namespace gesso::kernels::GESSO_LEVEL {

/// A tile has up to MR rows and NV vectors of columns. With the 32 registers of AVX-512, 8 x 3 sums, 3 vectors of B and
/// one broadcast element of A: 11 loads for 24 multiply-adds, and rows of C long enough that few of them share a set of
/// L1 when they lie a power of two apart. With 16 registers, 6 x 2 + 2 + 1: 8 loads for 12.
inline constexpr int MR = kVectorBytes == 64 ? 8 : 6;
inline constexpr int NV = kVectorBytes == 64 ? 3 : 2;
template <class T>
inline constexpr int NR = NV* kLanes<T>;

/// K is cut into blocks of at most KC, so that a block of A of a few hundred rows stays in L2.
template <class T>
inline constexpr int KC = 2048 / int(sizeof(T));
/// Rows of A packed by rows lie this far apart: a cache line more than KC, so that they fall into different sets of L1.
template <class T>
inline constexpr int kPitch = KC<T> + 64 / int(sizeof(T));

/// How the elements of a panel of A lie: A is read one element at a time, so either is as good as it lies in
/// memory.
enum class Panel : int {
  by_rows,     // element (i, k) at a[i * kPitch + k]
  by_columns,  // element (i, k) at a[i + k * a_step]
};

/// Where a tile comes from and goes to: its rows, each up to NV vectors long.
template <class T>
struct Tile {
  const T* init[MR];
  T* out[MR];
};

/// out (rows, vectors * L) = init + A (rows, K) * B (K, vectors * L); rows of B are b_step apart.
template <class T, int rows, int vectors, Panel panel>
[[gnu::noinline]] void micro_kernel(std::int64_t K, const T* a, std::int64_t a_step, const T* b,
                                    std::int64_t b_step, const Tile<T>& tile) {
  constexpr int L = kLanes<T>, row_step = panel == Panel::by_rows ? kPitch<T> : 1;
  if constexpr (panel == Panel::by_rows) a_step = 1;
  Vector<T> sum[rows][vectors];
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) sum[i][v] = Vector<T>{};
#pragma GCC unroll 1
  for (std::int64_t k = 0; k < K; ++k, a += a_step, b += b_step) {
    Vector<T> bk[vectors];
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) bk[v] = load(b + v * L);
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) sum[i][v] += a[i * row_step] * bk[v];
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) store(tile.out[i] + v * L, load(tile.init[i] + v * L) + sum[i][v]);
}

template <class T>
using MicroKernel = void (*)(std::int64_t K, const T* a, std::int64_t a_step, const T* b, std::int64_t b_step,
                             const Tile<T>& tile);

/// The micro-kernels of every size, [panel][vectors - 1][rows - 1]: tiles are made even, not padded with zeros.
template <class T>
struct MicroKernels {
  MicroKernel<T> at[2][NV][MR] = {};

  template <int rows, int vectors>
  constexpr void fill() {
    at[0][vectors - 1][rows - 1] = micro_kernel<T, rows, vectors, Panel::by_rows>;
    at[1][vectors - 1][rows - 1] = micro_kernel<T, rows, vectors, Panel::by_columns>;
    if constexpr (rows > 1) fill<rows - 1, vectors>();
    if constexpr (rows == MR && vectors > 1) fill<rows, vectors - 1>();
  }
  constexpr MicroKernels() { fill<MR, NV>(); }
};
template <class T>
inline constexpr MicroKernels<T> kMicroKernels;

}  // namespace gesso::kernels::GESSO_LEVEL
