// Convolutions with fewer multiplications: Winograd's minimal filtering F(m,r), nested along both axes (Winograd 1980, Arithmetic
// Complexity of Computations; Lavin & Gray 2016, arXiv:1509.09308). m neighbouring outputs of a filter of r taps take n = m + r - 1
// multiplications instead of m r,
//
//   y (m) = A' ((G w (r)) . (B' x (n))) / scale
//
// so a tile of mxm outputs takes n^2 instead of (m r)^2: of 2x2 outputs 9/16 for 2 taps and 4/9 for 3, of 4x4 outputs 25/64 and
// 1/4. As a domain: X = B' x B, U = G w G', Y = A y A' for every tile. A convolution of stride s is the sum of s s convolutions of
// stride 1, between those pixels and taps whose places leave the same remainders, its *phases*; they are added up there.
#pragma once

#include "kernels/cpu/conv_domain.h"
#include "kernels/cpu/stream.h"

#include <numeric>

namespace gesso::kernels::GESSO_LEVEL {

template <int rows, int columns>
struct Matrix {
  int at[rows][columns];
};

/// Place num / den of the projective line; infinity is 1 / 0.
struct Point {
  int num, den;
};

/// F(tile,taps) by Toom and Cook: outputs and taps are the coefficients of two polynomials, whose product is known by its values at
/// n points, num/den. The transposed way round, with f = prod (num den' - num' den) over the other points num'/den',
///
///   a point's row of A: den^(m-1), den^(m-2) num, .., num^(m-1)     of G: scale/|f| times the same for r
///   of B': the coefficients of sign(f) prod (den' x - num')
///
/// All are integers. Three and four points keep the factors 0, 1, -1 and 2; five and six are those that lose least digits among
/// +-1/3, 1/2, 2/3, 3/4, 1 and their reciprocals, in a trial of 400 sums of 256 random terms.
template <int tile_size, int filter_size>
struct Minimal {
  static constexpr int tile = tile_size, taps = filter_size, size = tile + taps - 1;
  static_assert(size >= 3 && size <= 6);
  Matrix<size, size> image{};
  Matrix<size, taps> filter{};
  Matrix<size, tile> output{};
  int scale = 1;

  static constexpr Point point(int i) {
    constexpr Point three[] = {{0, 1}, {1, 1}, {1, 0}}, four[] = {{0, 1}, {1, 1}, {-1, 1}, {1, 0}},
                    five[] = {{1, 2}, {-1, 2}, {4, 3}, {-4, 3}, {1, 0}},
                    six[] = {{0, 1}, {2, 3}, {-2, 3}, {3, 2}, {-3, 2}, {1, 0}};
    return size == 3 ? three[i] : size == 4 ? four[i] : size == 5 ? five[i] : six[i];
  }
  /// Whether the next point is the negative of point i.
  static constexpr bool paired(int i) {
    return i + 1 < size && point(i).num > 0 && point(i + 1).num == -point(i).num;
  }

  constexpr Minimal() {
    int f[size] = {};
    for (int i = 0; i < size; ++i) {
      const Point p = point(i);
      int* const B = image.at[i];
      B[0] = f[i] = 1;
      for (int k = 0, degree = 0; k < size; ++k) {
        if (k == i) continue;
        const Point q = point(k);
        f[i] *= p.num * q.den - q.num * p.den;
        ++degree;
        for (int j = degree; j >= 0; --j) B[j] = (j ? q.den * B[j - 1] : 0) - q.num * B[j];
      }
      for (int j = 0; j < size; ++j) B[j] *= f[i] < 0 ? -1 : 1;
      f[i] *= f[i] < 0 ? -1 : 1;
      scale = std::lcm(scale, f[i]);
    }
    for (int i = 0; i < size; ++i) {
      powers(point(i), output.at[i], tile, 1);
      powers(point(i), filter.at[i], taps, scale / f[i]);
    }
  }
  /// factor times den^(n-1), den^(n-2) num, .., num^(n-1).
  static constexpr void powers(Point p, int* row, int n, int factor) {
    for (int j = 0; j < n; ++j) {
      row[j] = factor;
      for (int k = 0; k < n - 1; ++k) row[j] *= k < j ? p.num : p.den;
    }
  }
};
template <class F>
inline constexpr F minimal{};

/// Calls f(0), .., f(n - 1), each with its number as a constant.
template <int n, class F>
[[gnu::always_inline]] inline void unrolled(const F& f) {
  [&]<int... i>(std::integer_sequence<int, i...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, i>{}), ...);
  }
  (std::make_integer_sequence<int, n>{});
}
/// sum +- c x, or the first of its terms, where c is small and known.
template <int c, bool first, class V>
[[gnu::always_inline]] inline void add_times(V& sum, V x) {
  if constexpr (c == 0) return;
  constexpr int size = c < 0 ? -c : c;
  if constexpr (size > 1) x *= V{} + std::remove_cvref_t<decltype(x[0])>(size);
  if constexpr (first)
    sum = c > 0 ? x : -x;
  else
    sum = c > 0 ? sum + x : sum - x;
}

/// y = m x. The rows of two points p and -p differ by the sign of their odd columns: one is even + odd, the other even - odd.
template <class F, auto m, class V, int rows, int columns>
[[gnu::always_inline]] inline void times(const V (&x)[columns], V (&y)[rows]) {
  constexpr auto first = [](int i, int j, int step) {
    for (j -= step; j >= 0; j -= step)
      if (m.at[i][j]) return false;
    return true;
  };
  unrolled<rows>([&](auto i) __attribute__((always_inline)) {
    constexpr bool pair = F::paired(i);
    if constexpr (i > 0 && F::paired(i - 1)) return;
    V part[2];
    unrolled<columns>([&](auto j) __attribute__((always_inline)) {
      add_times<m.at[i][j], first(i, j, pair ? 2 : 1)>(part[pair ? j % 2 : 0], x[j]);
    });
    if constexpr (pair)
      y[i] = part[0] + part[1], y[i + 1] = part[0] - part[1];
    else
      y[i] = part[0];
  });
}
/// y = m' x
template <class F, auto m, class V, int rows, int columns>
[[gnu::always_inline]] inline void transposed_times(const V (&x)[rows], V (&y)[columns]) {
  constexpr auto first = [](int i, int j) {
    while (i-- > 0)
      if (m.at[i][j]) return false;
    return true;
  };
  unrolled<rows>([&](auto i) __attribute__((always_inline)) {
    constexpr bool pair = F::paired(i);
    if constexpr (i > 0 && F::paired(i - 1)) return;
    V part[2] = {x[i], x[i]};
    if constexpr (pair) part[0] = x[i] + x[i + 1], part[1] = x[i] - x[i + 1];
    unrolled<columns>([&](auto j) __attribute__((always_inline)) {
      add_times<m.at[i][j], first(i, j)>(y[j], part[j % 2]);
    });
  });
}
/// y = M x M', with M = m or m'.
template <class F, auto m, bool transposed, class V, int from, int to>
[[gnu::always_inline]] inline void both_ways(const V (&x)[from][from], V (&y)[to][to]) {
  constexpr auto one_way = [](const V(&a)[from], V(&b)[to]) __attribute__((always_inline)) {
    if constexpr (transposed)
      transposed_times<F, m>(a, b);
    else
      times<F, m>(a, b);
  };
  V half[from][to];
#pragma GCC unroll 6
  for (int v = 0; v < from; ++v) {
    V column[from];
#pragma GCC unroll 6
    for (int u = 0; u < from; ++u) column[u] = x[u][v];
    one_way(column, half[v]);
  }
#pragma GCC unroll 6
  for (int i = 0; i < to; ++i) {
    V row[from];
#pragma GCC unroll 6
    for (int v = 0; v < from; ++v) row[v] = half[v][i];
    one_way(row, y[i]);
  }
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
template <class F, auto m, int to, int from, class T>
void there(const Window<from, const T>& x, std::int64_t channels, T* y, std::int64_t apart) {
  for (std::int64_t c = 0; c < channels; c += kLanes<T>) {
    Vector<T> in[from][from], out[to][to];
#pragma GCC unroll 6
    for (int u = 0; u < from; ++u)
#pragma GCC unroll 6
      for (int v = 0; v < from; ++v) in[u][v] = x.at[u][v] ? load(x.at[u][v] + c) : Vector<T>{};
    both_ways<F, m, false>(in, out);
#pragma GCC unroll 6
    for (int u = 0; u < to; ++u)
#pragma GCC unroll 6
      for (int v = 0; v < to; ++v) store(y + (u * to + v) * apart + c, out[u][v]);
  }
}
/// What else a pixel is the sum of: where a tile above or to the left has been, in so many first rows or columns, what it holds;
/// elsewhere the bias, if there is one.
template <class T>
struct Start {
  const T* bias = nullptr;
  bool above = false, left = false;
};
/// The way back: x = m' y m / scale^2, and what it starts from.
template <class F, auto m, int overlap, int to, int from, class T>
void back(const T* y, std::int64_t apart, std::int64_t channels, const Window<from, T>& x,
          const Start<T>& start) {
  constexpr T once = T(1) / (minimal<F>.scale * minimal<F>.scale);
  for (std::int64_t c = 0; c < channels; c += kLanes<T>) {
    Vector<T> in[to][to], out[from][from];
#pragma GCC unroll 6
    for (int u = 0; u < to; ++u)
#pragma GCC unroll 6
      for (int v = 0; v < to; ++v) in[u][v] = load(y + (u * to + v) * apart + c);
    both_ways<F, m, true>(in, out);
    const Vector<T> bias = start.bias ? load(start.bias + c) : Vector<T>{};
#pragma GCC unroll 6
    for (int u = 0; u < from; ++u)
#pragma GCC unroll 6
      for (int v = 0; v < from; ++v)
        if (T* y_out = x.at[u][v]) {
          if constexpr (once != 1) out[u][v] *= once;
          const bool adds = (u < overlap && start.above) || (v < overlap && start.left);
          store(y_out + c, (adds ? load(y_out + c) : bias) + out[u][v]);
        }
  }
}

/// The domain: X has a row for each tile of an image, and D = phases C.
template <class T, int tile, int taps>
struct Winograd {
  using F = Minimal<tile, taps>;
  static constexpr int size = F::size;
  static constexpr auto image_matrix = minimal<F>.image;
  static constexpr auto filter_matrix = minimal<F>.filter;
  static constexpr auto output_matrix = minimal<F>.output;

  const Conv2dGeometry& g;
  std::int64_t down = (g.P + tile - 1) / tile, across = (g.Q + tile - 1) / tile,
               phases = g.stride.h * g.stride.w;
  std::int64_t places = size * size, rows = down * across, C = g.C, D = phases * C, K = g.K;

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
            {tile * i * g.stride.h + phase / g.stride.w - g.padding.h, g.stride.h, g.H, g.W * g.C},
            {tile * j * g.stride.w + phase % g.stride.w - g.padding.w, g.stride.w, g.W, g.C}};
  }
  template <class P>
  Window<tile, P> output_window(P* output, std::int64_t i, std::int64_t j) const {
    return {output, {tile * i, 1, g.P, g.Q * g.K}, {tile * j, 1, g.Q, g.K}};
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
  /// Asks for `channels` of the pixels of tile (i, j), each of height x width pixels; those of a phase lie apart.
  template <bool to_write = false>
  static void ask_for_tile(const T* p, std::int64_t line, std::int64_t pixel, std::int64_t channels, HW size,
                           std::int64_t i, std::int64_t j) {
    for (std::int64_t r = 0; r < size.h; ++r)
      for (std::int64_t s = 0; s < size.w; ++s)
        ask_for<to_write>(p + (i * size.h + r) * line + (j * size.w + s) * pixel, channels);
  }
  void image(const T* x, const Places<T>& X) const {
    for_each_tile(X.rows, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t row) {
      ask_for_tile(x + n * g.H * g.W * g.C, g.W * g.C, g.C, C, {tile * g.stride.h, tile * g.stride.w}, i + 1,
                   j);
      for (std::int64_t f = 0; f < phases; ++f)
        there<F, image_matrix, size>(image_window(x + n * g.H * g.W * g.C, i, j, f), C, X.at(row, f * C),
                                     X.apart());
    });
  }
  /// Whether all pixels lie in tiles; some may not where the stride does not divide the image.
  bool fill_the_image() const {
    return (g.H - 1 + g.padding.h) / g.stride.h < tile * down + taps - 1 &&
           (g.W - 1 + g.padding.w) / g.stride.w < tile * across + taps - 1;
  }
  /// Tiles overlap here, so one thread makes all of an image.
  void image_back(const Places<T>& X, const Rows<T>& x) const {
    const std::int64_t pixels = g.H * g.W;
    const bool all = fill_the_image();
    parallel_blocks(X.rows / rows, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        T* const image = x.row(n * pixels);
        for (std::int64_t i = 0; i < pixels && !all; ++i) start(x, image + i * g.C, C);
        for (std::int64_t t = 0; t < rows; ++t)
          for (std::int64_t f = 0; f < phases; ++f) {
            const std::int64_t i = t / across, j = t % across;
            if (f == 0)
              ask_for_tile<true>(image, g.W * g.C, g.C, C, {tile * g.stride.h, tile * g.stride.w}, i + 1, j);
            const Window<size, T> window = image_window(image, i, j, f);
            const T* const from = X.at(n * rows + t, f * C);
            if (all)
              back<F, image_matrix, taps - 1, size>(from, X.apart(), C, window, {x.bias, i > 0, j > 0});
            else
              back<F, image_matrix, size, size>(from, X.apart(), C, window, {nullptr, true});
          }
        for (std::int64_t i = 0; i < pixels; ++i) x.finish(image + i * g.C, C);
      }
    });
  }
  void output(const T* y, const Places<T>& Y) const {
    for_each_tile(Y.rows, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t row) {
      ask_for_tile(y + n * g.P * g.Q * g.K, g.Q * g.K, g.K, K, tile, i + 1, j);
      there<F, output_matrix, size>(output_window(y + n * g.P * g.Q * g.K, i, j), K, Y.at(row, 0), Y.apart());
    });
  }
  void output_back(const Places<T>& Y, const Rows<T>& y) const {
    for_each_tile(Y.rows, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t row) {
      const Window<tile, T> window = output_window(y.row(n * g.P * g.Q), i, j);
      ask_for_tile<true>(y.row(n * g.P * g.Q), g.Q * g.K, g.K, K, tile, i + 1, j);
      back<F, output_matrix, 0, size>(Y.at(row, 0), Y.apart(), K, window, {y.bias});
      for (const auto& pixels : window.at)
        for (T* pixel : pixels)
          if (pixel) y.finish(pixel, K);
    });
  }
  template <class Fn>
  void for_each_filter(const Fn& f) const {
    parallel_blocks(K, 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * phases; i < end * phases; ++i) f(i / phases, i % phases);
    });
  }
  void filter(const T* w, const Places<T>& U) const {
    for_each_filter([&](std::int64_t k, std::int64_t f) {
      there<F, filter_matrix, size>(filter_window(w + k * g.R * g.S * g.C, f), C, U.at(k, f * C), U.apart());
    });
  }
  void filter_back(const Places<T>& U, T* w, bool adds) const {
    for_each_filter([&](std::int64_t k, std::int64_t f) {
      const Window<taps, T> window = filter_window(w + k * g.R * g.S * g.C, f);
      back<F, filter_matrix, taps, size>(U.at(k, f * C), U.apart(), C, window, {nullptr, adds});
    });
  }
};

}  // namespace gesso::kernels::GESSO_LEVEL
