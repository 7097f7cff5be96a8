// Packing: the operands of a matrix product, copied through their views into the order in which the
// micro-kernel reads them. The operand that is read one element at a time (A) needs rows or columns side by
// side, whichever the view has; the one that is read in vectors (B) needs its columns side by side, so a
// transposed view is turned in registers.
#pragma once

#include "kernels/cpu/gemm_vector.h"
#include "kernels/cpu/micro_kernel.h"
#include "kernels/gemm.h"

#include <cstdint>

namespace gesso::kernels::GESSO_LEVEL {

template <int n, class T>
[[gnu::always_inline]] inline void copy_tail(const T* x, std::int64_t count, T* y) {
  if constexpr (n > 0) {
    if (count & n) __builtin_memcpy(y, x, n * sizeof(T));
    const std::int64_t done = count & n;
    copy_tail<n / 2>(x + done, count, y + done);
  }
}
/// y[0..n) = x[0..n)
template <class T>
inline void copy(const T* x, std::int64_t n, T* y) {
  std::int64_t i = 0;
  for (; i + kLanes<T> <= n; i += kLanes<T>) store(y + i, load(x + i));
  copy_tail<kLanes<T> / 2>(x + i, n, y + i);
}
/// y[0..n) = elements j .. j + n of a row of a view
template <class T, class Row>
inline void copy_row(const Row& row, std::int64_t j, std::int64_t n, T* y) {
  while (n > 0) {
    const Run<T> run = row.run(j);
    const std::int64_t some = run.n < n ? run.n : n;
    if (run.p)
      copy(run.p, some, y);
    else
      for (std::int64_t i = 0; i < some; ++i) y[i] = 0;
    j += some, n -= some, y += some;
  }
}
/// Elements j .. j + L of a row of a view
template <class T, class Row>
[[gnu::always_inline]] inline Vector<T> load_row(const Row& row, std::int64_t j) {
  const Run<T> run = row.run(j);
  if (run.n >= kLanes<T>) return run.p ? load(run.p) : Vector<T>{};
  T x[kLanes<T>];
  copy_row(row, j, kLanes<T>, x);
  return load(x);
}

/// n things in parts of at most `most`, as even as can be.
struct Parts {
  std::int64_t count, each, larger;  // the first `larger` parts have one more
  Parts(std::int64_t n, std::int64_t most)
      : count((n + most - 1) / most), each(n / count), larger(n % count) {}
  std::int64_t begin(std::int64_t i) const { return i * each + (i < larger ? i : larger); }
  std::int64_t size(std::int64_t i) const { return each + (i < larger); }
};

/// The slivers of N columns: whole vectors, but for the last one's end.
template <class T>
struct Slivers {
  std::int64_t N;
  Parts vectors{(N + kLanes<T> - 1) / kLanes<T>, NV};
  std::int64_t count = vectors.count;
  std::int64_t vectors_before(std::int64_t j) const { return vectors.begin(j); }
  std::int64_t begin(std::int64_t j) const { return vectors.begin(j) * kLanes<T>; }
  std::int64_t size(std::int64_t j) const {
    const std::int64_t n = vectors.size(j) * kLanes<T>, rest = N - begin(j);
    return rest < n ? rest : n;
  }
};
/// How a view wants its rows, as A, and its columns, as B, cut into panels and slivers.
template <class T, class View>
Parts panels_of(const View&, std::int64_t M) {
  return {M, MR};
}
template <class T, class View>
Slivers<T> slivers_of(const View&, std::int64_t N) {
  return {N};
}

/// The pieces of a block of K that are not zero, where B's rows lie b_row elements apart.
template <class T>
struct Pieces {
  std::int64_t b_row, count = 0;
  Piece list[kInPlaceKC<T>];

  explicit Pieces(std::int64_t row) : b_row(row) {}
  void add(std::int64_t a, std::int64_t b, std::int64_t n) {
    Piece* last = count > 0 ? &list[count - 1] : nullptr;
    if (last && last->a + last->n == a && last->b + last->n * b_row == b)
      last->n += n;
    else
      list[count++] = {a, b, n};
  }
};
/// For n columns of B from n0 on: everything, unless the view knows better.
template <class T, class View>
void pieces_of(const View&, std::int64_t, std::int64_t K, std::int64_t, std::int64_t, Pieces<T>& pieces) {
  pieces.count = 0;
  if (K > 0) pieces.add(0, 0, K);
}

/// Whether a view is packed as A, or always read where it lies.
template <class View>
inline constexpr bool kPacked = true;

/// Where the rows of a panel of A, if they are read in place, and of C lie.
template <class T>
struct Located {
  const T* a[MR];
  T* out[MR];
};

/// Locates one panel after another.
template <class T, class Sink>
struct DenseSpot {
  const Sink* c;
  const Parts* panels;
  std::int64_t p;

  std::int64_t m0() const { return panels->begin(p); }
  std::int64_t rows() const { return panels->size(p); }
  void next() { ++p; }
  /// The pieces of K of this panel, where they differ from those of the panel before.
  void pieces_in(std::int64_t, std::int64_t, Pieces<T>&) {}
  void locate(Located<T>& at, std::int64_t n0) const {
    if constexpr (requires { c->row(p); })
      for (std::int64_t i = 0; i < rows(); ++i) at.out[i] = c->row(m0() + i) + n0;
  }
};
template <class T, class A, class Sink>
DenseSpot<T, Sink> first_spot(const A&, const Sink& c, const Parts& panels, std::int64_t p) {
  return {&c, &panels, p};
}

/// A panel of A in memory: element (i, k) at p[i * row + k * col].
template <class T>
struct Panel {
  const T* p;
  std::int64_t row, col;
};

/// Whether elements (i, j), (i, j + 1), .. of a view lie side by side in memory.
template <class View>
inline constexpr bool kInRows = false;
template <class T>
inline constexpr bool kInRows<Dense<T>> = true;

/// Whether rows of a view are columns in memory, so that panels of it lie side by side.
template <class View>
inline constexpr bool kInColumns = false;
template <class View>
inline constexpr bool kInColumns<Transposed<View>> = true;

/// The panel that begins at element (i, j) of a view, where it lies; none if the view is not dense.
template <class T, class View>
Panel<T> panel_in_place(const View&, std::int64_t, std::int64_t) {
  return {};
}
template <class T>
Panel<T> panel_in_place(const Dense<T>& a, std::int64_t i, std::int64_t j) {
  return {a.p + i * a.ld + j, a.ld, 1};
}
template <class T>
Panel<T> panel_in_place(const Transposed<Dense<T>>& a, std::int64_t i, std::int64_t j) {
  return {a.v.p + j * a.v.ld + i, 1, a.v.ld};
}
/// A sliver of B in memory: rows [k0, k0 + K) and columns [n0, n0 + n) lie in the given pieces of it. Whether it does.
template <class T, class View>
bool sliver_in_place(const View&, std::int64_t, std::int64_t, std::int64_t, std::int64_t, const T**,
                     Pieces<T>&) {
  return false;
}
template <class T>
bool sliver_in_place(const Dense<T>& b, std::int64_t k0, std::int64_t K, std::int64_t n0, std::int64_t,
                     const T** p, Pieces<T>& pieces) {
  *p = b.p + k0 * b.ld + n0;
  pieces.b_row = b.ld;
  if (K > 0) pieces.add(0, 0, K);
  return true;
}

/// A matrix (K, N) as B, in slivers one after the other, each as pack_b leaves it.
template <class T>
struct InSlivers {
  using Element = T;
  const T* p;
  std::int64_t K, batch;

  const T* sliver(std::int64_t k0, std::int64_t n0, std::int64_t width) const {
    return p + n0 * K + k0 * width;
  }
  InSlivers at(std::int64_t b) const { return {p + b * batch, K, batch}; }
};
template <class View>
inline constexpr bool kInSlivers = false;
template <class T>
inline constexpr bool kInSlivers<InSlivers<T>> = true;
template <class T>
inline constexpr bool kInRows<InSlivers<T>> = true;

/// How far apart in memory a block of M rows and K columns of a view lies, in elements; endless if it is not dense.
template <class View>
std::int64_t stretch(const View&, std::int64_t, std::int64_t) {
  return kEndless / 16;
}
template <class T>
std::int64_t stretch(const Dense<T>& a, std::int64_t M, std::int64_t) {
  return M * a.ld;
}
template <class T>
std::int64_t stretch(const Transposed<Dense<T>>& a, std::int64_t, std::int64_t K) {
  return K * a.v.ld;
}

/// Packed rows lie this far apart: a cache line more than they are long, for other sets of L1.
template <class T>
constexpr std::int64_t packed_row(std::int64_t K) {
  return (K + kLanes<T> - 1) / kLanes<T> * kLanes<T> + 64 / std::int64_t(sizeof(T));
}

/// Packs rows [m0, m0 + rows), columns [k0, k0 + K) of A; rows or columns are copied as they lie, packed_row apart. Rows ahead
/// are fetched: they come from memory, in pieces too short for the processor to foresee.
template <class T, class View>
void pack_a(const View& a, std::int64_t m0, std::int64_t rows, std::int64_t k0, std::int64_t K, T* y) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const T* ahead = a.row(m0 + MR + i).run(k0).p;
    for (std::int64_t k = 0; k < K; k += kLanes<T>) __builtin_prefetch(ahead + k, 0, 2);
    copy_row(a.row(m0 + i), k0, K, y + i * packed_row<T>(K));
  }
}
template <class T, class View>
void pack_a(const Transposed<View>& a, std::int64_t m0, std::int64_t rows, std::int64_t k0, std::int64_t K,
            T* y) {
  for (std::int64_t k = 0; k < K; ++k) copy_row(a.v.row(k0 + k), m0, rows, y + k * packed_row<T>(rows));
}
template <class T, class View>
std::int64_t packed_size(const View&, std::int64_t rows, std::int64_t K) {
  return rows * packed_row<T>(K);
}
template <class T, class View>
std::int64_t packed_size(const Transposed<View>&, std::int64_t rows, std::int64_t K) {
  return K * packed_row<T>(rows);
}
/// The panel that begins i rows after the first of those packed together.
template <class T, class View>
Panel<T> packed_panel(const View&, const T* p, std::int64_t i, std::int64_t, std::int64_t K) {
  return {p + i * packed_row<T>(K), packed_row<T>(K), 1};
}
template <class T, class View>
Panel<T> packed_panel(const Transposed<View>&, const T* p, std::int64_t i, std::int64_t rows, std::int64_t) {
  return {p + i, 1, packed_row<T>(rows)};
}

/// Packs rows [k0, k0 + K), columns [n0, n0 + n) of B: a sliver, y[k * width + j], zeros in columns n to width. A view
/// that knows pieces of K packs only those.
template <class T, class View>
void pack_b(const View& b, std::int64_t k0, std::int64_t K, std::int64_t n0, std::int64_t n,
            std::int64_t width, T* y) {
  for (std::int64_t k = 0; k < K; ++k, y += width) {
    copy_row(b.row(k0 + k), n0, n, y);
    for (std::int64_t j = n; j < width; ++j) y[j] = 0;
  }
}
template <class T, class View>
void pack_b(const Transposed<View>& b, std::int64_t k0, std::int64_t K, std::int64_t n0, std::int64_t n,
            std::int64_t width, T* y) {
  constexpr int L = kLanes<T>;
  using Row = decltype(b.v.row(0));
  for (std::int64_t j = 0; j < width; j += L) {
    Row row[L];
    for (int i = 0; i < L; ++i)
      row[i] = b.v.row(n0 + (j + i < n ? j + i : n - 1));  // what pads is never stored in C
    for (std::int64_t k = 0; k < K; k += L) {
      Vector<T> x[L];
      if (K < L) {
        T part[L] = {};
        for (int i = 0; i < L; ++i) {
          copy_row(row[i], k0, K, part);
          x[i] = load(part);
        }
      } else {
        if (k > K - L) k = K - L;  // the last square overlaps the one before
#pragma GCC unroll 16
        for (int i = 0; i < L; ++i) x[i] = load_row<T>(row[i], k0 + k);
      }
      transpose<T>(x);
#pragma GCC unroll 16
      for (int i = 0; i < L; ++i)
        if (i < K) store(y + (k + i) * width + j, x[column<T>(i)]);
    }
  }
}

/// Packs all of B (K, N), N whole vectors: y is then InSlivers.
template <class T, class View>
void pack_slivers(const View& b, std::int64_t K, std::int64_t N, T* y) {
  const Slivers<T> slivers{N};
  for (std::int64_t j = 0; j < slivers.count; ++j)
    pack_b(b, 0, K, slivers.begin(j), slivers.size(j), slivers.size(j), y + slivers.begin(j) * K);
}

}  // namespace gesso::kernels::GESSO_LEVEL
