// Convolutions with fewer multiplications: Winograd's minimal filtering F(2,r), nested along both axes (Winograd 1980, Arithmetic
// Complexity of Computations; Lavin & Gray 2016, arXiv:1509.09308). Two neighbouring outputs of a filter of r taps take r + 1
// multiplications instead of 2 r,
//
//   y (2) = A' ((G w (r)) . (B' x (r+1)))
//
// so a tile of 2x2 outputs takes (r+1)^2 instead of 4 r^2: 9/16 of them for 2 taps, 4/9 for 3. A convolution of stride s is the sum
// of s s convolutions of stride 1, between those pixels and taps whose places leave the same remainders, its *phases*. With
// X = B' x B, U = G w G' and Y = A y A' the trilinear form of kernels/conv.h falls into (r+1)^2 forms without taps,
//
//   T(x,w,y) = sum_e X[e] (tiles, D) U[e] (K, D) Y[e] (tiles, K),   D = phases C,
//
// and each convolution is as many matrix products, of two operands taken there, and the way back for the third:
//
//   conv2d         y = A' (X U') A
//   conv2d_input   x = B (Y U) B', tiles added where they overlap
//   conv2d_filter  w = G' (Y' X) G
//
// All numbers in A, B and G are 0, 1, -1 and 1/2: small integers stay exact, and the error is that of adding up directly. Larger
// tiles save more and lose digits: F(4,3) has four times the error.
#pragma once

#include "kernels/conv.h"
#include "kernels/cpu/conv_narrow.h"

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

/// A matrix for each place of the domain.
template <class T>
struct Places {
  T* p;
  std::int64_t rows, columns;

  /// How far apart the matrices lie: not a power of two, or all would fall into one set of the cache.
  std::int64_t apart() const { return rows * columns + 5 * (64 / std::int64_t(sizeof(T))); }
  T* at(std::int64_t row, std::int64_t column) const { return p + row * columns + column; }
  Dense<T> view() const { return {p, columns, apart()}; }
  Rows<T> sink(bool adds = false) const {
    return {p, columns, apart(), nullptr, Activation::none, T(0), adds};
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

/// Ways to the domain and back for some images of a convolution: X (tiles, D), Y (tiles, K) and U (K, D) in each place.
template <class T, int taps>
struct Winograd {
  using F = Minimal<taps>;
  static constexpr int size = taps + 1, places = size * size;

  const Conv2dGeometry& g;
  std::int64_t down = (g.P + 1) / 2, across = (g.Q + 1) / 2, tiles = down * across;  // of an image
  std::int64_t phases = g.stride.h * g.stride.w, D = phases * g.C;

  template <class P>
  Window<size, P> image_window(P* image, std::int64_t i, std::int64_t j, std::int64_t phase) const {
    return {image,
            {(2 * i) * g.stride.h + phase / g.stride.w - g.padding.h, g.stride.h, g.H, g.W * g.C},
            {(2 * j) * g.stride.w + phase % g.stride.w - g.padding.w, g.stride.w, g.W, g.C}};
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

  /// Calls f(image, i, j, row of X and Y) for the tiles of all images in parts of an image's row of tiles.
  template <class Fn>
  void for_each_tile(std::int64_t images, const Fn& f) const {
    parallel_blocks(images * down, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t row = begin; row < end; ++row)
        for (std::int64_t j = 0; j < across; ++j) f(row / down, row % down, j, row * across + j);
    });
  }

  void image(const T* x, const Places<T>& X) const {
    for_each_tile(X.rows / tiles, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t tile) {
      for (std::int64_t f = 0; f < phases; ++f)
        there<size, size, F::image>(image_window(x + n * g.H * g.W * g.C, i, j, f), g.C, X.at(tile, f * g.C),
                                    X.apart());
    });
  }
  /// One thread makes all of an image, because its tiles overlap.
  void image_back(const Places<T>& X, const Rows<T>& x) const {
    const std::int64_t pixels = g.H * g.W;
    parallel_blocks(X.rows / tiles, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t n = begin; n < end; ++n) {
        T* const image = x.row(n * pixels);
        for (std::int64_t i = 0; i < pixels; ++i) start(x, image + i * g.C, g.C);
        for (std::int64_t t = 0; t < tiles; ++t)
          for (std::int64_t f = 0; f < phases; ++f)
            back<size, size, F::image, true>(X.at(n * tiles + t, f * g.C), X.apart(), g.C,
                                             image_window(image, t / across, t % across, f));
        x.finish(image, pixels * g.C);
      }
    });
  }
  void output(const T* y, const Places<T>& Y) const {
    for_each_tile(Y.rows / tiles, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t tile) {
      there<size, 2, F::output>(output_window(y + n * g.P * g.Q * g.K, i, j), g.K, Y.at(tile, 0), Y.apart());
    });
  }
  void output_back(const Places<T>& Y, const Rows<T>& y) const {
    for_each_tile(Y.rows / tiles, [&](std::int64_t n, std::int64_t i, std::int64_t j, std::int64_t tile) {
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
  template <class Fn>
  void for_each_filter(const Fn& f) const {
    parallel_blocks(g.K, 8, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin * phases; i < end * phases; ++i) f(i / phases, i % phases);
    });
  }
  /// What the elements of a pixel are added to.
  static void start(const Rows<T>& sink, T* pixel, std::int64_t channels) {
    for (std::int64_t c = 0; c < channels; c += kLanes<T>)
      store(pixel + c, sink.bias ? load(sink.bias + c) : Vector<T>{});
  }

  /// Calls f(first image, X, Y, U) for some images after the other.
  template <class Fn>
  void for_each_part(const Fn& f) const {
    // So many bytes stay in L3 from one step to the next. But each part reads all of U.
    constexpr std::int64_t kBytes = 8 << 20;
    const std::int64_t bytes = places * std::int64_t(sizeof(T)), all_of_U = bytes * g.K * D;
    const std::int64_t most = (all_of_U > kBytes ? all_of_U : kBytes) / (bytes * tiles * (D + g.K)) + 1;
    const Parts parts(g.N, most);
    Places<T> U{nullptr, g.K, D}, X{nullptr, parts.size(0) * tiles, D}, Y{nullptr, X.rows, g.K};
    U.p = static_cast<T*>(
        for_all.at_least(std::size_t(bytes) * std::size_t(U.apart() + X.apart() + Y.apart())));
    X.p = U.p + places * U.apart();
    Y.p = X.p + places * X.apart();
    for (std::int64_t i = 0; i < parts.count; ++i) {
      X.rows = Y.rows = parts.size(i) * tiles;
      f(parts.begin(i), X, Y, U);
    }
  }
};

/// The pixels of images from number n on as a sink; `pixels` of them in an image.
template <class T>
Rows<T> images_from(std::int64_t n, std::int64_t pixels, std::int64_t channels, const Epilogue<T>& e, T* x) {
  return {x + n * pixels * channels, channels, 0, e.bias, e.act, e.slope};
}

template <int taps, class T>
void conv2d_winograd(const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) {
  const Winograd<T, taps> f{g};
  f.for_each_part([&](std::int64_t n, const Places<T>& X, const Places<T>& Y, const Places<T>& U) {
    if (n == 0) f.filter(w, U);
    f.image(x + n * g.H * g.W * g.C, X);
    gemm<T>(f.places, X.rows, g.K, f.D, X.view(), Transposed<Dense<T>>{U.view()}, Y.sink());
    f.output_back(Y, images_from(n, g.P * g.Q, g.K, e, y));
  });
}

template <int taps, class T>
void conv2d_input_winograd(const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e, T* x) {
  const Winograd<T, taps> f{g};
  f.for_each_part([&](std::int64_t n, const Places<T>& X, const Places<T>& Y, const Places<T>& U) {
    if (n == 0) f.filter(w, U);
    f.output(y + n * g.P * g.Q * g.K, Y);
    gemm<T>(f.places, Y.rows, f.D, g.K, Y.view(), U.view(), X.sink());
    f.image_back(X, images_from(n, g.H * g.W, g.C, e, x));
  });
}

template <int taps, class T>
void conv2d_filter_winograd(const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  const Winograd<T, taps> f{g};
  f.for_each_part([&](std::int64_t n, const Places<T>& X, const Places<T>& Y, const Places<T>& U) {
    f.image(x + n * g.H * g.W * g.C, X);
    f.output(y + n * g.P * g.Q * g.K, Y);
    gemm<T>(f.places, g.K, f.D, X.rows, Transposed<Dense<T>>{Y.view()}, X.view(), U.sink(n > 0));
    if (n * f.tiles + X.rows == g.N * f.tiles) f.filter_back(U, w);
  });
}

/// The taps of the phases of a convolution that is to go this way; 0 for one that is not.
template <class T>
int winograd_taps(const Conv2dGeometry& g) {
  const std::int64_t r = (g.R + g.stride.h - 1) / g.stride.h, s = (g.S + g.stride.w - 1) / g.stride.w;
  const bool fits = g.groups == 1 && g.dilation == HW(1) && r == s && (r == 2 || r == 3);
  const bool whole = g.C % kLanes<T> == 0 && g.K % kLanes<T> == 0;
  if (!fits || !whole || g.N < 1 || g.C < 1 || g.K < 1 || g.P < 1 || g.Q < 1) return 0;
  const auto inside = [](const Axis& a) {
    std::int64_t sum = 0;
    for (std::int64_t o = 0; o < a.outputs; ++o) sum += a.high(o) - a.low(o);
    return double(sum);
  };
  // In multiply-adds. To bring an element there or back takes as long as some twelve.
  const double tiles = double(g.N * ((g.P + 1) / 2) * ((g.Q + 1) / 2));
  const double D = double(g.stride.h * g.stride.w * g.C), K = double(g.K);
  const double there = double((r + 1) * (r + 1)) * (tiles * D * K + 12 * (tiles * (D + K) + D * K));
  const double direct = double(g.N * g.C) * K *
                        inside(forward_axis(g.H, g.R, g.P, g.stride.h, g.padding.h, 1)) *
                        inside(forward_axis(g.W, g.S, g.Q, g.stride.w, g.padding.w, 1));
  return there < direct ? int(r) : 0;
}

}  // namespace gesso::kernels::GESSO_LEVEL
