// Convolutions with fewer multiplications: Winograd's minimal filtering F(2,r), nested along both axes (Winograd 1980, Arithmetic
// Complexity of Computations; Lavin & Gray 2016, arXiv:1509.09308). Two neighbouring outputs of a filter of r taps take r + 1
// multiplications instead of 2 r,
//
//   y (2) = A' ((G w (r)) . (B' x (r+1)))
//
// so a tile of 2x2 outputs takes (r+1)^2 instead of 4 r^2: 9/16 of them for 2 taps, 4/9 for 3. As a domain: X = B' x B, U = G w G',
// Y = A y A' for every tile. A convolution of stride s is the sum of s s convolutions of stride 1, between those pixels and taps
// whose places leave the same remainders, its *phases*; they are added up there.
//
// All numbers in A, B and G are 0, 1, -1 and 1/2: small integers stay exact, and the error is that of adding up directly. Larger
// tiles save more and lose digits: F(4,3) has two to four times the error.
#pragma once

#include "kernels/cpu/conv_domain.h"

namespace gesso::kernels::GESSO_LEVEL {

template <int rows, int columns>
struct Matrix {
  float at[rows][columns];
};
template <int rows, int columns>
constexpr Matrix<columns, rows> transposed(const Matrix<rows, columns>& m) {
  Matrix<columns, rows> y{};
  for (int i = 0; i < rows; ++i)
    for (int j = 0; j < columns; ++j) y.at[j][i] = m.at[i][j];
  return y;
}

/// B', G and A of F(2,taps).
template <int taps>
struct Minimal;
template <>
struct Minimal<2> {
  static constexpr Matrix<3, 3> image{{{1, -1, 0}, {0, 1, 0}, {0, -1, 1}}};
  static constexpr Matrix<3, 2> filter{{{1, 0}, {1, 1}, {0, 1}}};
  static constexpr Matrix<3, 2> output{{{1, 0}, {1, 1}, {0, 1}}};
};
template <>
struct Minimal<3> {
  static constexpr Matrix<4, 4> image{{{1, 0, -1, 0}, {0, 1, 1, 0}, {0, -1, 1, 0}, {0, -1, 0, 1}}};
  static constexpr Matrix<4, 3> filter{{{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}}};
  static constexpr Matrix<4, 2> output{{{1, 0}, {1, 1}, {1, -1}, {0, 1}}};
};

/// sum + row i of m times x, from element j on; without multiplications by 0, 1 and -1.
template <Matrix m, int i, int j, bool started, class V, int n>
[[gnu::always_inline]] inline V row_times(const V (&x)[n], V sum) {
  if constexpr (j == n) {
    return sum;
  } else {
    constexpr float c = m.at[i][j];
    if constexpr (c == 0) return row_times<m, i, j + 1, started>(x, sum);
    V term = x[j];
    if constexpr (c != 1 && c != -1) term *= c < 0 ? -c : c;
    if constexpr (started)
      sum = c > 0 ? sum + term : sum - term;
    else
      sum = c > 0 ? term : -term;
    return row_times<m, i, j + 1, true>(x, sum);
  }
}
/// y = m x m'
template <int to, int from, Matrix<to, from> m, class V>
[[gnu::always_inline]] inline void both_ways(const V (&x)[from][from], V (&y)[to][to]) {
  V half[to][from];
  const auto rows = [&]<int... i>(std::integer_sequence<int, i...>) {
#pragma GCC unroll 4
    for (int v = 0; v < from; ++v) {
      V column[from];
#pragma GCC unroll 4
      for (int u = 0; u < from; ++u) column[u] = x[u][v];
      ((half[i][v] = row_times<m, i, 0, false>(column, V{})), ...);
    }
#pragma GCC unroll 4
    for (int u = 0; u < to; ++u) ((y[u][i] = row_times<m, i, 0, false>(half[u], V{})), ...);
  };
  rows(std::make_integer_sequence<int, to>{});
}

/// Every step-th place of an axis of `size` places, from begin on; those outside are zeros. They lie `apart` elements apart.
struct Line {
  std::int64_t begin, step, size, apart;
};
/// The addresses of n x n places; null outside.
template <int n, class T>
struct Window {
  T* at[n][n];
  Window(T* p, const Line& down, const Line& across) {
    for (int u = 0; u < n; ++u)
      for (int v = 0; v < n; ++v) {
        const std::int64_t i = down.begin + u * down.step, j = across.begin + v * across.step;
        const bool inside = i >= 0 && i < down.size && j >= 0 && j < across.size;
        at[u][v] = inside ? p + i * down.apart + j * across.apart : nullptr;
      }
  }
};

/// Element c of row (u, v) of y, which lie `apart` elements apart, is that of (m x m')[u][v]; for channels in whole vectors.
template <int to, int from, Matrix<to, from> m, class T>
void there(const Window<from, const T>& x, std::int64_t channels, T* y, std::int64_t apart) {
  for (std::int64_t c = 0; c < channels; c += kLanes<T>) {
    Vector<T> in[from][from], out[to][to];
#pragma GCC unroll 4
    for (int u = 0; u < from; ++u)
#pragma GCC unroll 4
      for (int v = 0; v < from; ++v) in[u][v] = x.at[u][v] ? load(x.at[u][v] + c) : Vector<T>{};
    both_ways<to, from, m>(in, out);
#pragma GCC unroll 4
    for (int u = 0; u < to; ++u)
#pragma GCC unroll 4
      for (int v = 0; v < to; ++v) store(y + (u * to + v) * apart + c, out[u][v]);
  }
}
/// The way back: x = m' y m, added to what x holds or not.
template <int to, int from, Matrix<to, from> m, bool adds, class T>
void back(const T* y, std::int64_t apart, std::int64_t channels, const Window<from, T>& x) {
  for (std::int64_t c = 0; c < channels; c += kLanes<T>) {
    Vector<T> in[to][to], out[from][from];
#pragma GCC unroll 4
    for (int u = 0; u < to; ++u)
#pragma GCC unroll 4
      for (int v = 0; v < to; ++v) in[u][v] = load(y + (u * to + v) * apart + c);
    both_ways<from, to, transposed(m)>(in, out);
#pragma GCC unroll 4
    for (int u = 0; u < from; ++u)
#pragma GCC unroll 4
      for (int v = 0; v < from; ++v)
        if (T* y_out = x.at[u][v]) store(y_out + c, adds ? load(y_out + c) + out[u][v] : out[u][v]);
  }
}

/// The domain: X has a row for each tile of an image, and D = phases C.
template <class T, int taps>
struct Winograd {
  using F = Minimal<taps>;
  static constexpr int size = taps + 1;

  const Conv2dGeometry& g;
  std::int64_t down = (g.P + 1) / 2, across = (g.Q + 1) / 2, phases = g.stride.h * g.stride.w;
  std::int64_t places = size * size, rows = down * across, D = phases * g.C, K = g.K;

  /// Whether a convolution has this domain.
  static bool fits(const Conv2dGeometry& g) {
    const auto of_phase = [](std::int64_t all, std::int64_t stride) { return (all + stride - 1) / stride; };
    return of_phase(g.R, g.stride.h) == taps && of_phase(g.S, g.stride.w) == taps;
  }
  /// In multiply-adds; to bring an element there or back takes as long as some twelve.
  double cost() const { return domain_cost(*this, g.N, 12); }

  template <class P>
  Window<size, P> image_window(P* image, std::int64_t i, std::int64_t j, std::int64_t phase) const {
    return {image,
            {2 * i * g.stride.h + phase / g.stride.w - g.padding.h, g.stride.h, g.H, g.W * g.C},
            {2 * j * g.stride.w + phase % g.stride.w - g.padding.w, g.stride.w, g.W, g.C}};
  }
  template <class P>
  Window<2, P> output_window(P* output, std::int64_t i, std::int64_t j) const {
    return {output, {2 * i, 1, g.P, g.Q * g.K}, {2 * j, 1, g.Q, g.K}};
  }
  template <class P>
  Window<taps, P> filter_window(P* filter, std::int64_t phase) const {
    return {
        filter, {phase / g.stride.w, g.stride.h, g.R, g.S * g.C}, {phase % g.stride.w, g.stride.w, g.S, g.C}};
  }

  /// Calls f(n, i, j, row of X and Y) for tile (i, j) of image n, and so for all.
  template <class Fn>
  void for_each_tile(std::int64_t all, const Fn& f) const {
    parallel_blocks(all / across, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        for (std::int64_t j = 0; j < across; ++j) f(i / down, i % down, j, i * across + j);
    });
  }
  void image(const T* x, const Places<T>& X) const {
    for_each_tile(X.rows, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t tile) {
      for (std::int64_t f = 0; f < phases; ++f)
        there<size, size, F::image>(image_window(x + n * g.H * g.W * g.C, i, j, f), g.C, X.at(tile, f * g.C),
                                    X.apart());
    });
  }
  /// Tiles overlap here, so one thread makes all of an image.
  void image_back(const Places<T>& X, const Rows<T>& x) const {
    const std::int64_t pixels = g.H * g.W;
    parallel_blocks(X.rows / rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        T* const image = x.row(n * pixels);
        for (std::int64_t i = 0; i < pixels; ++i) start(x, image + i * g.C, g.C);
        for (std::int64_t t = 0; t < rows; ++t)
          for (std::int64_t f = 0; f < phases; ++f)
            back<size, size, F::image, true>(X.at(n * rows + t, f * g.C), X.apart(), g.C,
                                             image_window(image, t / across, t % across, f));
        x.finish(image, pixels * g.C);
      }
    });
  }
  void output(const T* y, const Places<T>& Y) const {
    for_each_tile(Y.rows, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t tile) {
      there<size, 2, F::output>(output_window(y + n * g.P * g.Q * g.K, i, j), g.K, Y.at(tile, 0), Y.apart());
    });
  }
  void output_back(const Places<T>& Y, const Rows<T>& y) const {
    for_each_tile(Y.rows, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t tile) {
      const Window<2, T> window = output_window(y.row(n * g.P * g.Q), i, j);
      for (const auto& pixels : window.at)
        for (T* pixel : pixels)
          if (pixel) start(y, pixel, g.K);
      back<size, 2, F::output, true>(Y.at(tile, 0), Y.apart(), g.K, window);
      for (const auto& pixels : window.at)
        for (T* pixel : pixels)
          if (pixel) y.finish(pixel, g.K);
    });
  }
  template <class Fn>
  void for_each_filter(const Fn& f) const {
    parallel_blocks(g.K, 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * phases; i < end * phases; ++i) f(i / phases, i % phases);
    });
  }
  void filter(const T* w, const Places<T>& U) const {
    for_each_filter([&](std::int64_t k, std::int64_t f) {
      there<size, taps, F::filter>(filter_window(w + k * g.R * g.S * g.C, f), g.C, U.at(k, f * g.C),
                                   U.apart());
    });
  }
  void filter_back(const Places<T>& U, T* w) const {
    for_each_filter([&](std::int64_t k, std::int64_t f) {
      back<size, taps, F::filter, false>(U.at(k, f * g.C), U.apart(), g.C,
                                         filter_window(w + k * g.R * g.S * g.C, f));
    });
  }
};

}  // namespace gesso::kernels::GESSO_LEVEL
