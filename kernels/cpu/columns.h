// Work column by column on x (rows, C): pairs of sums over the rows, and arrays written with numbers kept for each column.
//
// Rows are summed leaf by leaf: a leaf is small enough for its second pass to find it in a cache, so that x comes from memory
// once. Leaves are joined in a balanced tree whose shape depends on (rows, C) alone.
#pragma once

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"

namespace gesso::kernels::GESSO_LEVEL {

// On the lambdas of innermost loops: one that is called instead of inlined keeps its loop from becoming vector code.
#define GESSO_INLINE __attribute__((always_inline))

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

/// The terms of n sums.
template <class T, int n>
struct Terms;
template <class T>
struct Terms<T, 1> {
  T a;
  [[gnu::always_inline]] Terms operator+(Terms t) const { return {a + t.a}; }
};
template <class T>
struct Terms<T, 2> {
  T a, b;
  [[gnu::always_inline]] Terms operator+(Terms t) const { return {a + t.a, b + t.b}; }
};

/// One element of an array, or as many as V has lanes.
template <class V, class T>
[[gnu::always_inline]] inline V elements(const T* p) {
  if constexpr (sizeof(V) == sizeof(T))
    return *p;
  else
    return load(p);
}

/// sums[j][k] = sum of the j-th of f's terms over the elements of column k in the rows [begin, end); begin is a whole number of
/// wide rows. run(i) gives the f of the elements from i on, f(V{}, e, k) for element i + e, which is in wide column k, or for
/// the vector V of elements from there on. Four wide rows at a time: what is kept for each column is then loaded once for all.
/// Prefetchers do not foresee this order, so it asks for the `read` arrays a leaf ahead.
template <class T, int n, int arrays, class F>
void sum_rows(const Part& p, std::int64_t begin, std::int64_t end, T* const (&sums)[n],
              const T* const (&read)[arrays], const F& run) {
  constexpr int L = kLanes<T>;
  alignas(64) T wide[n][kWidth];
  for (int j = 0; j < n; ++j)
    for (std::int64_t k = 0; k < p.width; ++k) wide[j][k] = 0;
  // adds terms(V{}, k) to the sums of the columns [0, count)
  const auto add = [&wide](std::int64_t count, const auto& terms) GESSO_INLINE {
    std::int64_t k = 0;
    for (; k + L <= count; k += L) {
      const Terms<Vector<T>, n> t = terms(Vector<T>{}, k);
      store(wide[0] + k, load(wide[0] + k) + t.a);
      if constexpr (n > 1) store(wide[1] + k, load(wide[1] + k) + t.b);
    }
    for (; k < count; ++k) {
      const Terms<T, n> t = terms(T{}, k);
      wide[0][k] += t.a;
      if constexpr (n > 1) wide[1][k] += t.b;
    }
  };
  const std::int64_t step = p.C * p.together, ahead = p.rows(kLeaf) * p.C;
  std::int64_t i = begin, at = begin * p.C + p.first;
  for (; i + 4 * p.together <= end; i += 4 * p.together, at += 4 * step)
    add(p.width, [f = run(at), step, ahead, at, &read](auto v, std::int64_t k) GESSO_INLINE {
      for (const T* x : read)
        for (int r = 0; r < 4; ++r) ask_for(x + at + k + r * step + ahead);
      return (f(v, k, k) + f(v, k + step, k)) + (f(v, k + 2 * step, k) + f(v, k + 3 * step, k));
    });
  for (; i < end; i += p.together, at += step)
    add(i + p.together <= end ? p.width : (end - i) * p.columns,
        [f = run(at)](auto v, std::int64_t k) GESSO_INLINE { return f(v, k, k); });
  for (int j = 0; j < n; ++j) {
    for (std::int64_t m = p.together; m > 1; m = (m + 1) / 2) {  // the rows that were seen as one, pairwise
      const std::int64_t below = (m + 1) / 2 * p.columns;
#pragma omp simd
      for (std::int64_t k = 0; k < m * p.columns - below; ++k) wide[j][k] += wide[j][below + k];
    }
    for (std::int64_t k = 0; k < p.columns; ++k) sums[j][k] = wide[j][k];
  }
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
