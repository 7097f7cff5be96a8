// Work column by column on x (rows, C): pairs of sums over the rows, and arrays written with numbers kept for each column.
//
// Rows are summed leaf by leaf: a leaf is small enough for its second pass to find it in a cache, so that x comes from memory
// once. Leaves are joined in a balanced tree whose shape depends on (rows, C) alone.
#pragma once

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"

namespace gesso::kernels::GESSO_LEVEL {

constexpr std::int64_t kWidth = 512;          // columns treated together: what is kept for each stays in L1
constexpr std::int64_t kLeaf = 8192;          // elements of a leaf: 32 KiB of floats
constexpr std::int64_t kColumnGrain = 32768;  // elements a thread takes at a time: a few microseconds
constexpr std::int64_t kBlocks = 16;          // of rows, where there are too few columns for the threads

/// Columns [first, first + columns) of x (rows, C). Where C is small, `together` rows, which lie behind each other, are seen
/// as one of `width` wide columns, so that loops over columns are long enough for vectors.
struct Part {
  Part(std::int64_t c, std::int64_t number)
      : C(c),
        first(number * kWidth),
        columns(C - first < kWidth ? C - first : kWidth),
        together(columns == C ? kWidth / C : 1),
        width(columns * together) {}
  /// How many rows have about that many elements.
  std::int64_t rows(std::int64_t elements) const {
    return (elements / width < 1 ? 1 : elements / width) * together;
  }
  std::int64_t C, first, columns, together, width;
};
inline std::int64_t part_count(std::int64_t C) { return (C + kWidth - 1) / kWidth; }

/// wide[k] = f(the column that k stands for)
template <class T, class F>
void spread(const Part& p, T* wide, const F& f) {
  for (std::int64_t k = 0; k < p.columns; ++k) wide[k] = f(p.first + k);
  for (std::int64_t k = p.columns; k < p.width; ++k) wide[k] = wide[k - p.columns];
}

/// sum[k] = sum of f(i, wide column) over the elements i of column k in the rows [begin, end); begin is a whole number of
/// wide rows. run(i, column) gives the f of the elements from i on, f(k) for element i + k: a value of its own, because a
/// pointer behind a reference would be loaded anew for each element, and that makes no vector code.
template <class T, class F>
void sum_rows(const Part& p, std::int64_t begin, std::int64_t end, T* sum, const F& run) {
  T wide[kWidth];
  for (std::int64_t k = 0; k < p.width; ++k) wide[k] = 0;
  std::int64_t at = begin * p.C + p.first;
  for (std::int64_t i = begin; i + p.together <= end; i += p.together, at += p.C * p.together) {
    const auto f = run(at, 0);
#pragma omp simd
    for (std::int64_t k = 0; k < p.width; ++k) wide[k] += f(k);
  }
  const std::int64_t rest = (end - begin) % p.together * p.columns;
  const auto f = run(at, 0);
#pragma omp simd
  for (std::int64_t k = 0; k < rest; ++k) wide[k] += f(k);
  for (std::int64_t m = p.together; m > 1; m = (m + 1) / 2) {  // the rows that were seen as one, pairwise
    const std::int64_t below = (m + 1) / 2 * p.columns;
#pragma omp simd
    for (std::int64_t k = 0; k < m * p.columns - below; ++k) wide[k] += wide[below + k];
  }
  for (std::int64_t k = 0; k < p.columns; ++k) sum[k] = wide[k];
}

/// Two numbers for each column of a part, which stand for some of its rows.
template <class T>
struct Pairs {
  T a[kWidth], b[kWidth];
};

/// leaf(begin, end, pairs) makes those of few rows, join(part, above, rows, below, rows) makes those of both in `above`.
template <class T, class Leaf, class Join>
void fold_rows(const Part& p, std::int64_t begin, std::int64_t end, Pairs<T>& pairs, const Leaf& leaf,
               const Join& join) {
  const std::int64_t leaf_rows = p.rows(kLeaf);
  if (end - begin <= leaf_rows) return leaf(begin, end, pairs);
  const std::int64_t half = begin + ((end - begin) / leaf_rows + 1) / 2 * leaf_rows;
  Pairs<T> below;
  fold_rows(p, begin, half, pairs, leaf, join);
  fold_rows(p, half, end, below, leaf, join);
  join(p, pairs, half - begin, below, end - half);
}

/// done(part, pairs) for all parts of x (rows, C), in parallel over parts where they are many, else over rows. make(part)
/// gives the part's `leaf`.
template <class T, class Make, class Join, class Done>
void fold_columns(std::int64_t rows, std::int64_t C, const Make& make, const Join& join, const Done& done) {
  const std::int64_t parts = part_count(C), size = rows * (C < kWidth ? C : kWidth);
  if (parts >= 8 || size < 4 * kColumnGrain) {
    parallel_blocks(parts, kColumnGrain / (size + 1) + 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const Part p(C, i);
        Pairs<T> pairs;
        fold_rows(p, 0, rows, pairs, make(p), join);
        done(p, pairs);
      }
    });
    return;
  }
  for (std::int64_t i = 0; i < parts; ++i) {
    const Part p(C, i);
    const std::int64_t unit = p.rows(kColumnGrain), block = (rows / unit / kBlocks + 1) * unit;
    const auto leaf = make(p);
    Pairs<T> pairs[kBlocks];
    parallel_blocks(rows, block, [&](std::int64_t begin, std::int64_t end) {
      fold_rows(p, begin, end, pairs[begin / block], leaf, join);
    });
    for (std::int64_t at = block; at < rows; at += block)
      join(p, pairs[0], at, pairs[at / block], rows - at < block ? rows - at : block);
    done(p, pairs[0]);
  }
}

/// y[i + k] = make(part)(i, wide column)(k) for all elements of an array (rows, C): make prepares what is kept for each column,
/// and then what a run of elements needs, as in sum_rows.
template <class T, class Make>
void write_columns(std::int64_t rows, std::int64_t C, T* y, const Make& make) {
  const bool past = rows * C * std::int64_t(sizeof(T)) >= kStreamBytes;
  const std::int64_t block = Part(C, 0).rows(kColumnGrain), blocks = (rows + block - 1) / block;
  parallel_blocks(part_count(C) * blocks, 1, [&](std::int64_t task, std::int64_t last) {
    for (; task < last; ++task) {
      const Part p(C, task / blocks);
      const auto start_run = make(p);
      const std::int64_t begin = task % blocks * block, end = begin + block < rows ? begin + block : rows;
      const auto run = [&](std::int64_t i, std::int64_t column, std::int64_t n, T* to) {
        const auto f = start_run(i, column);
#pragma omp simd
        for (std::int64_t k = 0; k < n; ++k) to[k] = f(k);
      };
      if (p.columns < C) {
        for (std::int64_t r = begin; r < end; ++r) run(r * C + p.first, 0, p.columns, y + r * C + p.first);
        continue;
      }
      const std::int64_t start = begin * C;
      write((end - begin) * C, y + start, past, [&](std::int64_t i, std::int64_t n, T* to) {
        for (const T* stop = to + n; to < stop;) {
          const std::int64_t k = i % p.width, m = p.width - k < stop - to ? p.width - k : stop - to;
          run(start + i, k, m, to);
          to += m, i += m;
        }
      });
    }
  });
}

}  // namespace gesso::kernels::GESSO_LEVEL
