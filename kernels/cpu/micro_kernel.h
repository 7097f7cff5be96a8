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

/// K is cut into blocks of at most KC: few enough visits to C, and a panel of A fits into half of L1.
template <class T>
inline constexpr int KC = 2048 / int(sizeof(T));
/// The same where A is read where it lies: its rows come from memory, once if K is one block. Four times KC made convolutions
/// of 64 and 128 channels 4 to 10% faster than KC; more leaves no room in L2 for a sliver of B beside a panel of A.
template <class T>
inline constexpr int kInPlaceKC = 4 * KC<T>;

/// n terms of each sum of a tile: columns [a, a + n) of A times n rows of B from element b on. What no piece covers is zero.
struct Piece {
  std::int64_t a, b, n;
};

/// What a micro-kernel multiplies: element (i, k) of A at a[i][k * a_col], row k of B at b[k * b_row], over `count` pieces
/// of K. The elements of A are read one by one, so any strides will do. `kept`, if asked for, receives B's rows side by side;
/// `next`, if asked for, are the rows of A that the next tile reads.
template <class T>
struct Factors {
  const T* a[MR];
  const T* const* next;
  std::int64_t a_col;
  const T* b;
  std::int64_t b_row;
  T* kept;
  const Piece* pieces;
  std::int64_t count;
};

/// Where a tile's rows go to, each up to NV vectors long, and the row that all of them are added to, or instead what is there
/// already, which blocks of K before have left: at the end, so that a product has the same bits whichever way round it is done.
/// And whether they go further away than L2, which is worth fetching early.
template <class T>
struct Tile {
  T* const* out;
  const T* start;
  bool adds = false, far = false;
};

/// What a micro-kernel does beside multiplying: keep B, or bring the next rows of A into the cache.
enum class Also { nothing, keep, fetch };

/// out (rows, vectors * L) = start + A (rows, K) * B (K, vectors * L), or that added to it
template <class T, int rows, int vectors, Also also>
[[gnu::noinline]] void micro_kernel(const Factors<T>& f, const Tile<T>& tile) {
  constexpr int L = kLanes<T>;
  T* kept = f.kept;
  Vector<T> sum[rows][vectors];
  if (tile.far) {
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i)
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) __builtin_prefetch(tile.out[i] + v * L, 1);
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i)
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) sum[i][v] = Vector<T>{};
#pragma GCC unroll 1
  for (const Piece *piece = f.pieces, *end = piece + f.count; piece < end; ++piece) {
    if constexpr (also != Also::fetch)  // f is read again: what is kept of it spills into vector registers
      asm volatile("" : : : "memory");
    const std::int64_t a_col = f.a_col, b_row = f.b_row;
    const T *b = f.b + piece->b, *a[rows];
#pragma GCC unroll 16
    for (int i = 0; i < rows; ++i) a[i] = f.a[i];
    std::int64_t at = piece->a * a_col;
#pragma GCC unroll 1
    for (std::int64_t k = piece->n; k > 0; --k, at += a_col, b += b_row) {
      if constexpr (also != Also::fetch) {
        asm("" : "+r"(at));  // one offset for all rows, not a pointer to advance for each
      } else {
        if (k % (64 / int(sizeof(T))) == 0) {  // once a cache line
#pragma GCC unroll 16
          for (int i = 0; i < rows; ++i) __builtin_prefetch(f.next[i] + at);
        }
      }
      Vector<T> bk[vectors];
#pragma GCC unroll 3
      for (int v = 0; v < vectors; ++v) {
        bk[v] = load(b + v * L);
        if constexpr (also == Also::keep) store(kept + v * L, bk[v]);
      }
      if constexpr (also == Also::keep) kept += vectors * L;
#pragma GCC unroll 16
      for (int i = 0; i < rows; ++i)
#pragma GCC unroll 3
        for (int v = 0; v < vectors; ++v) sum[i][v] += a[i][at] * bk[v];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; ++i) {
    T* const out = tile.out[i];
    const T* const to = tile.adds ? out : tile.start;
#pragma GCC unroll 3
    for (int v = 0; v < vectors; ++v) store(out + v * L, load(to + v * L) + sum[i][v]);
  }
}

template <class T>
using MicroKernel = void (*)(const Factors<T>& f, const Tile<T>& tile);

/// The micro-kernels of every size, [also][vectors - 1][rows - 1]: tiles are made even, not padded with zeros.
template <class T>
struct MicroKernels {
  MicroKernel<T> at[3][NV][MR] = {};

  template <int rows, int vectors>
  constexpr void fill() {
    at[int(Also::nothing)][vectors - 1][rows - 1] = micro_kernel<T, rows, vectors, Also::nothing>;
    at[int(Also::keep)][vectors - 1][rows - 1] = micro_kernel<T, rows, vectors, Also::keep>;
    at[int(Also::fetch)][vectors - 1][rows - 1] = micro_kernel<T, rows, vectors, Also::fetch>;
    if constexpr (rows > 1) fill<rows - 1, vectors>();
    if constexpr (rows == MR && vectors > 1) fill<rows, vectors - 1>();
  }
  constexpr MicroKernels() { fill<MR, NV>(); }
};
template <class T>
inline constexpr MicroKernels<T> kMicroKernels;

}  // namespace gesso::kernels::GESSO_LEVEL
