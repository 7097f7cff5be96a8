// Threads that treat one line of a slab (kernels/kernels.h) together: the lanes of a warp where lines are short, a block's
// threads where they are long. Thread `lane` of `lanes` takes the elements lane, lane + lanes, ..; fold joins what they found
// in a fixed tree, and gives the result to all of them.
#pragma once

#include "kernels/cuda/division.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/kernels.h"

namespace gesso::kernels::GESSO_LEVEL {

/// Threads of a block whose threads work together.
inline constexpr int kTeamThreads = 512;

/// 2^log lanes of a warp to a line. Neighbouring teams have neighbouring lines.
class WarpTeam {
 public:
  static constexpr int kBlock = kThreads;
  static std::int64_t threads(Slab s, int log) {
    return ceil_div((s.outer * s.inner) << log, kBlock) * kBlock;  // whole warps, for the shuffles
  }

  __device__ WarpTeam(Slab s, int log) : lanes(1 << log), lane(int(threadIdx.x) & (lanes - 1)) {
    const std::int64_t line = thread_number() >> log;
    inside = line < s.outer * s.inner;
    const Quotient q = divide(inside ? line : 0, s.inner);
    o = q.quotient, k = q.rest;
  }

  template <class Fold, class V>
  __device__ V fold(V v) const {
    for (int half = lanes / 2; half > 0; half /= 2) v = Fold::join(v, Fold::exchange(v, half));
    return v;
  }

  int lanes, lane;
  bool inside;        // whether there is a line; all threads take part in a fold
  std::int64_t o, k;  // the line's outer and inner index
};

/// A block to 2^log neighbouring lines (inner > 1), or to one.
class BlockTeam {
 public:
  static constexpr int kBlock = kTeamThreads;
  static std::int64_t threads(Slab s, int log) {
    return s.outer * ceil_div(s.inner, std::int64_t{1} << log) * kBlock;
  }

  __device__ BlockTeam(Slab s, int log)
      : lanes(kTeamThreads >> log), lane(int(threadIdx.x) >> log), columns_(1 << log) {
    const Quotient q = divide(blockIdx.x, ceil_div(s.inner, columns_));
    o = q.quotient, k = q.rest * columns_ + (int(threadIdx.x) & (columns_ - 1));
    inside = k < s.inner;
  }

  template <class Fold, class V>
  __device__ V fold(V v) const {
    GESSO_SHARED(V, part, [kTeamThreads]);
    const int i = int(threadIdx.x);
    part[i] = v;
    for (int half = lanes / 2; half > 0; half /= 2) {
      __syncthreads();
      if (lane < half) part[i] = Fold::join(part[i], part[i + half * columns_]);
    }
    __syncthreads();
    const V all = part[i & (columns_ - 1)];
    __syncthreads();  // before the next fold writes
    return all;
  }

  int lanes, lane;
  bool inside;
  std::int64_t o, k;

 private:
  int columns_;
};

/// The smallest p with 2^p >= n.
inline int log2_up(std::int64_t n) {
  int p = 0;
  while ((std::int64_t{1} << p) < n) ++p;
  return p;
}

/// How the lines of a slab are given to threads: to lanes of warps (2^log to a line), or to blocks (2^log lines to one).
struct Teams {
  bool blocks;
  int log;
};
template <class T>
Teams teams(Slab s) {
  constexpr std::int64_t kLongRow = 1024, kLongColumn = 16, kManyColumns = 1 << 18;
  if (s.inner == 1) {
    const int log = log2_up(ceil_div(s.n, kPack<T>));
    return s.n > kLongRow ? Teams{true, 0} : Teams{false, log < 5 ? log : 5};
  }
  // a thread to a column where that gives enough threads, or where there is not enough to do for more
  if (s.n <= kLongColumn || (s.outer * s.inner >= kManyColumns && s.n <= kLongRow)) return {false, 0};
  const int log = log2_up(s.inner);
  return {true, log < 5 ? log : 5};
}

}  // namespace gesso::kernels::GESSO_LEVEL
