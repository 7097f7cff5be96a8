// Sums and extrema over one axis.
#include "kernels/cpu/fold.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr std::int64_t kGrain = 32768;  // elements a thread reads at a time: a few microseconds
constexpr std::int64_t kMaxColumns =
    1024;  // columns folded together: long enough to stream, and their sums stay in L1
constexpr std::int64_t kRowsInSequence = 64;  // more are joined in a balanced tree

/// y[k] = fold of x[i * stride + k] over the rows i; at most kMaxColumns columns. Eight rows at a time, so that y is loaded
/// and stored once for eight loads of x.
template <class Op, class T>
void fold_columns(const T* x, std::int64_t rows, std::int64_t stride, std::int64_t columns, T* y) {
  if (rows > kRowsInSequence) {
    T bottom[kMaxColumns];
    const std::int64_t half = (rows / kRowsInSequence + 1) / 2 * kRowsInSequence;
    fold_columns<Op>(x, half, stride, columns, y);
    fold_columns<Op>(x + half * stride, rows - half, stride, columns, bottom);
#pragma omp simd
    for (std::int64_t k = 0; k < columns; ++k) y[k] = Op::join(y[k], bottom[k]);
    return;
  }
  for (std::int64_t k = 0; k < columns; ++k) y[k] = Op::template start<T>;
  std::int64_t i = 0;
  for (; i + 8 <= rows; i += 8) {
    const T* r = x + i * stride;
    const T *r1 = r + stride, *r2 = r1 + stride, *r3 = r2 + stride, *r4 = r3 + stride, *r5 = r4 + stride,
            *r6 = r5 + stride, *r7 = r6 + stride;
#pragma omp simd
    for (std::int64_t k = 0; k < columns; ++k) {
      const T low = Op::join(Op::join(r[k], r1[k]), Op::join(r2[k], r3[k]));
      const T high = Op::join(Op::join(r4[k], r5[k]), Op::join(r6[k], r7[k]));
      y[k] = Op::join(y[k], Op::join(low, high));
    }
  }
  for (; i < rows; ++i) {
#pragma omp simd
    for (std::int64_t k = 0; k < columns; ++k) y[k] = Op::join(y[k], x[i * stride + k]);
  }
}

constexpr std::int64_t kWide =
    640;  // not a power of two: eight rows 4096 bytes apart would share one set of the L1 cache
/// fold_columns for few columns, rows close together (stride = columns): several rows are seen as one long one.
template <class Op, class T>
void fold_narrow(const T* x, std::int64_t rows, std::int64_t columns, T* y) {
  if (2 * columns > kWide || rows * columns < 8 * kWide)
    return fold_columns<Op>(x, rows, columns, columns, y);
  const std::int64_t together = kWide / columns, wide_rows = rows / together;
  T wide[kMaxColumns], rest[kMaxColumns];
  fold_columns<Op>(x, wide_rows, together * columns, together * columns, wide);
  fold_columns<Op>(wide, together, columns, columns, y);
  fold_columns<Op>(x + wide_rows * together * columns, rows % together, columns, columns, rest);
  for (std::int64_t k = 0; k < columns; ++k) y[k] = Op::join(y[k], rest[k]);
}

/// y[k] = fold over the n rows of x (n, inner), for the columns [begin, end).
template <class Op, class T>
void fold_part(const T* x, std::int64_t n, std::int64_t inner, std::int64_t begin, std::int64_t end, T* y) {
  if (end - begin == inner) return fold_narrow<Op>(x, n, inner, y);
  fold_columns<Op>(x + begin, n, inner, end - begin, y);
}

/// Columns are cut into even parts of at most kMaxColumns. Where there are too few parts for the threads, the rows are cut
/// into blocks too.
template <class Op, class T>
void reduce_columns(Slab s, const T* x, T* y) {
  const std::int64_t parts = (s.inner + kMaxColumns - 1) / kMaxColumns;
  const std::int64_t width = ((s.inner + parts - 1) / parts + 15) / 16 * 16;
  const auto columns = [&](std::int64_t part, const auto& f) {  // f(outer index, first column, end)
    const std::int64_t begin = part % parts * width, end = begin + width < s.inner ? begin + width : s.inner;
    if (begin < end) f(part / parts, begin, end);
  };
  constexpr std::int64_t kRowBlocks = 16;
  const std::int64_t elements = s.n * (width < s.inner ? width : s.inner);  // of one part
  if (s.outer * parts >= 8 || elements < 2 * kGrain) {
    parallel_blocks(
        s.outer * parts, (kGrain + elements - 1) / elements, [&](std::int64_t first, std::int64_t last) {
          for (std::int64_t part = first; part < last; ++part)
            columns(part, [&](std::int64_t o, std::int64_t begin, std::int64_t end) {
              fold_part<Op>(x + o * s.n * s.inner, s.n, s.inner, begin, end, y + o * s.inner + begin);
            });
        });
    return;
  }
  const std::int64_t blocks = elements / kGrain < kRowBlocks ? elements / kGrain : kRowBlocks;
  const std::int64_t rows = (s.n + blocks - 1) / blocks;
  for (std::int64_t part = 0; part < s.outer * parts; ++part)
    columns(part, [&](std::int64_t o, std::int64_t begin, std::int64_t end) {
      T partial[kRowBlocks][kMaxColumns];
      parallel_blocks(s.n, rows, [&](std::int64_t first, std::int64_t last) {
        fold_part<Op>(x + (o * s.n + first) * s.inner, last - first, s.inner, begin, end,
                      partial[first / rows]);
      });
      fold_columns<Op>(partial[0], (s.n + rows - 1) / rows, kMaxColumns, end - begin,
                       y + o * s.inner + begin);
    });
}

/// Rows too short for vectors of their own: the rows side by side are the lanes.
constexpr std::int64_t kShortRow = 32;
template <class Op, class T>
void fold_short_rows(const T* x, std::int64_t rows, std::int64_t n, T* y) {
  for (std::int64_t o = 0; o < rows; ++o) y[o] = x[o * n];
  for (std::int64_t begin = 0; begin < rows; begin += 64) {
    const std::int64_t end = begin + 64 < rows ? begin + 64 : rows;
    for (std::int64_t i = 1; i < n; ++i) {
#pragma omp simd
      for (std::int64_t o = begin; o < end; ++o) y[o] = Op::join(y[o], x[o * n + i]);
    }
  }
}

template <class Op, class T>
void reduce_rows(Slab s, const T* x, T* y) {
  if (s.n >= 4 * kGrain) {  // each row by all threads
    for (std::int64_t o = 0; o < s.outer; ++o)
      y[o] = fold_blocks<Op, T>(s.n, kGrain, [&](std::int64_t begin, std::int64_t end) {
        return fold_run<Op>(x + o * s.n + begin, end - begin);
      });
    return;
  }
  parallel_blocks(s.outer, kGrain / s.n + 1, [&](std::int64_t first, std::int64_t last) {
    if (s.n <= kShortRow) return fold_short_rows<Op>(x + first * s.n, last - first, s.n, y + first);
    for (std::int64_t o = first; o < last; ++o) y[o] = fold<Op>(x + o * s.n, s.n);
  });
}

template <class T>
void reduce(Reduction op, Slab s, const T* x, T* y) {
  const auto with = [&](auto fold_op) {
    using Op = decltype(fold_op);
    if (s.n == 0) {
      for (std::int64_t i = 0; i < s.outer * s.inner; ++i) y[i] = Op::template start<T>;
    } else if (s.inner == 1) {
      reduce_rows<Op>(s, x, y);
    } else if (s.inner > 0) {
      reduce_columns<Op>(s, x, y);
    }
  };
  if (op == Reduction::sum) with(Sum{});
  if (op == Reduction::max) with(Max{});
  if (op == Reduction::min) with(Min{});
}

/// The first place in x[0..n) of its extreme, or of its first NaN: blocks are folded at full speed, and only the block that
/// holds the extreme is searched.
template <class Op, class T>
std::int64_t arg_row(const T* x, std::int64_t n) {
  T best = Op::template start<T>;
  std::int64_t block = 0;
  for (std::int64_t i = 0; i < n; i += kRun) {
    const T extreme = fold_lanes<Op, T>(fold_run<Op>(x + i, n - i < kRun ? n - i : kRun));
    const T joined = Op::join(best, extreme);
    if (i == 0 || (joined != best && best == best)) block = i, best = joined;
  }
  constexpr int kStep = 128;
  for (;; block += kStep) {
    const int m = n - block < kStep ? int(n - block) : kStep;
    int place = kStep;
#pragma omp simd reduction(min : place)
    for (int i = 0; i < m; ++i) {
      const bool here = (x[block + i] == best) | (x[block + i] != x[block + i]);
      place = here && i < place ? i : place;
    }
    if (place < m) return block + place;
  }
}

/// The same down the columns [begin, end) of x (n, inner); y[k] belongs to column begin + k.
template <class Op, class T>
void arg_columns(const T* x, std::int64_t n, std::int64_t inner, std::int64_t columns, std::int64_t* y) {
  T best[kMaxColumns];
  for (std::int64_t k = 0; k < columns; ++k) best[k] = x[k], y[k] = 0;
  for (std::int64_t i = 1; i < n; ++i) {
#pragma omp simd
    for (std::int64_t k = 0; k < columns; ++k) {
      const T joined = Op::join(best[k], x[i * inner + k]);
      const bool better = (joined != best[k]) & (best[k] == best[k]);
      best[k] = joined;
      y[k] = better ? i : y[k];
    }
  }
}

template <class T>
void arg_reduce(ArgReduction op, Slab s, const T* x, std::int64_t* y) {
  const auto with = [&](auto fold_op) {
    using Op = decltype(fold_op);
    if (s.inner == 1) {
      parallel_blocks(s.outer, kGrain / (s.n + 1) + 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t o = first; o < last; ++o) y[o] = arg_row<Op>(x + o * s.n, s.n);
      });
      return;
    }
    const std::int64_t parts = (s.inner + kMaxColumns - 1) / kMaxColumns;
    parallel_blocks(
        s.outer * parts, kGrain / (s.n * kMaxColumns) + 1, [&](std::int64_t first, std::int64_t last) {
          for (std::int64_t part = first; part < last; ++part) {
            const std::int64_t o = part / parts, begin = part % parts * kMaxColumns;
            const std::int64_t columns = s.inner - begin < kMaxColumns ? s.inner - begin : kMaxColumns;
            arg_columns<Op>(x + o * s.n * s.inner + begin, s.n, s.inner, columns, y + o * s.inner + begin);
          }
        });
  };
  op == ArgReduction::argmax ? with(Max{}) : with(Min{});
}

template <class T>
void sum_binary(Binary name, Scalars s, std::int64_t n, const T* a, const T* b, T* y) {
  const T sa = T(s.a), sb = T(s.b);
  with_op(name, [&](auto tag) {
    y[0] = fold_blocks<Sum, T>(n, kGrain / 2, [&](std::int64_t begin, std::int64_t end) {
      alignas(64) T value[kRun];
#pragma omp simd
      for (std::int64_t i = begin; i < end; ++i)
        value[i - begin] = apply<decltype(tag)::op>(a[i], b[i], sa, sb);
      return fold_run<Sum>(value, end - begin);
    });
  });
}

}  // namespace

template <class T>
void install_reduce(Kernels<T>& k) {
  k.reduce = reduce<T>;
  k.arg_reduce = arg_reduce<T>;
  k.sum_binary = sum_binary<T>;
}
template void install_reduce(Kernels<float>&);
template void install_reduce(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
