// Folds (sums and extrema) of contiguous numbers, in an order that is a function of their count alone: four vectors take
// turns over a run, runs are joined pairwise in a balanced tree, and the lanes of the last vector are joined pairwise too.
// So the rounding error grows with the logarithm of the count, and threads change nothing.
#pragma once

#include "kernels/cpu/gemm_vector.h"
#include "kernels/cpu/level.h"
#include "kernels/cpu/parallel.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {

/// What a fold does with two numbers or two vectors, and what it starts from. An extremum has a quick form too: one
/// instruction, which loses a NaN.
struct Sum {
  template <class T>
  static constexpr T start = T(0);
  template <class V>
  static V join(V a, V b) {
    return a + b;
  }
};
struct Max {
  template <class T>
  static constexpr T start = -T(INFINITY);
  template <class V>
  static V join(V a, V b) {
    return max(a, b);
  }
  template <class V>
  static V quick(V a, V b) {
    return b > a ? b : a;
  }
};
struct Min {
  template <class T>
  static constexpr T start = T(INFINITY);
  template <class V>
  static V join(V a, V b) {
    return min(a, b);
  }
  template <class V>
  static V quick(V a, V b) {
    return b < a ? b : a;
  }
};

constexpr std::int64_t kRun =
    1024;  // elements between joins in the tree: the joins cost little, and a run stays in L1

template <class Op, class T>
T fold_lanes(Vector<T> v) {
  T lane[kLanes<T>];
  store(lane, v);
  for (int half = kLanes<T> / 2; half; half /= 2)
    for (int j = 0; j < half; ++j) lane[j] = Op::join(lane[j], lane[j + half]);
  return lane[0];
}

/// The fold of x[0..n) into states that each take vectors, padded at the end by vectors of `start`.
template <class T, class State, class Take, class Join>
State fold_vectors(const T* x, std::int64_t n, T start, const State& empty, const Take& take,
                   const Join& join) {
  constexpr int L = kLanes<T>;
  State a = empty, b = empty, c = empty, d = empty;
  std::int64_t i = 0;
  for (; i + 4 * L <= n; i += 4 * L) {
    take(a, load(x + i));
    take(b, load(x + i + L));
    take(c, load(x + i + 2 * L));
    take(d, load(x + i + 3 * L));
  }
  for (; i + L <= n; i += L) take(a, load(x + i));
  if (i < n) {
    T rest[L];
    for (int j = 0; j < L; ++j) rest[j] = i + j < n ? x[i + j] : start;
    take(b, load(rest));
  }
  return join(join(a, b), join(c, d));
}

/// The fold of x[0..n), lane by lane. An extremum is taken the quick way, unless the sum taken beside it says that there may
/// be a NaN: it is NaN when there is one (and when infinities meet, which then costs time but changes nothing).
template <class Op, class T>
Vector<T> fold_run(const T* x, std::int64_t n) {
  using V = Vector<T>;
  constexpr T start = Op::template start<T>;
  if constexpr (requires(T v) { Op::quick(v, v); }) {
    struct Watched {
      V extreme, sum;
    };
    const Watched w = fold_vectors(
        x, n, start, Watched{start - V{}, V{}},
        [](Watched& s, V v) { s.extreme = Op::quick(s.extreme, v), s.sum += v; },
        [](const Watched& s, const Watched& t) {
          return Watched{Op::quick(s.extreme, t.extreme), s.sum + t.sum};
        });
    const T sum = fold_lanes<Sum, T>(w.sum - w.sum);  // 0, or NaN: an infinity too calls for the careful way
    if (sum == 0) return w.extreme;
  }
  return fold_vectors(
      x, n, start, start - V{}, [](V& s, V v) { s = Op::join(s, v); },
      [](V s, V t) { return Op::join(s, t); });
}

/// The runs [begin, begin + kRun), .. joined in a balanced tree; run(begin, end) gives the fold of one.
template <class Op, class T, class Run>
Vector<T> fold_tree(std::int64_t begin, std::int64_t end, const Run& run) {
  if (end - begin <= kRun) return run(begin, end);
  const std::int64_t half = ((end - begin) / kRun + 1) / 2 * kRun;
  const Vector<T> left = fold_tree<Op, T>(begin, begin + half, run);
  return Op::join(left, fold_tree<Op, T>(begin + half, end, run));
}

/// The fold of x[0..n), by one thread.
template <class Op, class T>
T fold(const T* x, std::int64_t n) {
  return fold_lanes<Op, T>(fold_tree<Op, T>(
      0, n, [x](std::int64_t begin, std::int64_t end) { return fold_run<Op>(x + begin, end - begin); }));
}

/// The fold of runs that together cover [0, n), in parallel: one partial result for each of at most 256 blocks.
template <class Op, class T, class Run>
T fold_blocks(std::int64_t n, std::int64_t grain, const Run& run) {
  constexpr int kBlocks = 256;
  const std::int64_t block = (n / kBlocks < grain ? grain : n / kBlocks + kRun) / kRun * kRun;
  T partial[kBlocks];
  parallel_blocks(n, block, [&](std::int64_t begin, std::int64_t end) {
    partial[begin / block] = fold_lanes<Op, T>(fold_tree<Op, T>(begin, end, run));
  });
  return fold<Op>(partial, (n + block - 1) / block);
}

}  // namespace gesso::kernels::GESSO_LEVEL
