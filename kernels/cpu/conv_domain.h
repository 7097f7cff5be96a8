// Convolutions in a domain where they have no taps. Some linear maps turn the image, the filter and the output, each by itself,
// into matrices X[e] (rows, D), U[e] (K, D) and Y[e] (rows, K) such that the trilinear form of kernels/conv.h becomes
//
//   T(x,w,y) = sum_e sum_ij Y[e]_ik U[e]_kd X[e]_id
//
// Then each convolution is a matrix product for each place e, between two operands taken there and the way back, the transposed
// map, of the third:
//
//   conv2d  Y = X U'        conv2d_input  X = Y U        conv2d_filter  U = Y' X
#pragma once

#include "kernels/conv.h"
#include "kernels/cpu/conv_narrow.h"

namespace gesso::kernels::GESSO_LEVEL {

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

/// What the elements of pixels are added to: the bias of their channel. Channels are whole vectors.
template <class T>
void start(const Rows<T>& sink, T* pixel, std::int64_t channels) {
  for (std::int64_t c = 0; c < channels; c += kLanes<T>)
    store(pixel + c, sink.bias ? load(sink.bias + c) : Vector<T>{});
}

/// Calls f(first image, X, Y, U) for some images after the other. A domain has `places`, `rows` of X and Y for an image, and the
/// columns D and K.
template <class T, class Domain, class F>
void for_each_part(const Domain& d, std::int64_t images, const F& f) {
  // So many bytes stay in L3 from one step to the next. But each part reads all of U.
  constexpr std::int64_t kBytes = 2 << 20;
  const std::int64_t bytes = d.places * std::int64_t(sizeof(T)), all_of_U = bytes * d.K * d.D;
  const Parts parts(images, (all_of_U > kBytes ? all_of_U : kBytes) / (bytes * d.rows * (d.D + d.K)) + 1);
  Places<T> U{nullptr, d.K, d.D}, X{nullptr, parts.size(0) * d.rows, d.D}, Y{nullptr, X.rows, d.K};
  U.p =
      static_cast<T*>(for_all.at_least(std::size_t(bytes) * std::size_t(U.apart() + X.apart() + Y.apart())));
  X.p = U.p + d.places * U.apart();
  Y.p = X.p + d.places * X.apart();
  for (std::int64_t i = 0; i < parts.count; ++i) {
    X.rows = Y.rows = parts.size(i) * d.rows;
    f(parts.begin(i), X, Y, U);
  }
}

// The three convolutions in a domain, which has the ways there, image(x, X), filter(w, U), output(y, Y), and back.

template <class T, class Domain>
void conv2d_in(const Domain& d, const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) {
  for_each_part<T>(d, g.N, [&](std::int64_t n, const Places<T>& X, const Places<T>& Y, const Places<T>& U) {
    if (n == 0) d.filter(w, U);
    d.image(x + n * g.H * g.W * g.C, X);
    gemm<T>(d.places, X.rows, d.K, d.D, X.view(), Transposed<Dense<T>>{U.view()}, Y.sink());
    d.output_back(Y, Rows<T>{y + n * g.P * g.Q * g.K, g.K, 0, e.bias, e.act, e.slope});
  });
}

template <class T, class Domain>
void conv2d_input_in(const Domain& d, const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e,
                     T* x) {
  for_each_part<T>(d, g.N, [&](std::int64_t n, const Places<T>& X, const Places<T>& Y, const Places<T>& U) {
    if (n == 0) d.filter(w, U);
    d.output(y + n * g.P * g.Q * g.K, Y);
    gemm<T>(d.places, Y.rows, d.D, d.K, Y.view(), U.view(), X.sink());
    d.image_back(X, Rows<T>{x + n * g.H * g.W * g.C, g.C, 0, e.bias, e.act, e.slope});
  });
}

template <class T, class Domain>
void conv2d_filter_in(const Domain& d, const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  for_each_part<T>(d, g.N, [&](std::int64_t n, const Places<T>& X, const Places<T>& Y, const Places<T>& U) {
    d.image(x + n * g.H * g.W * g.C, X);
    d.output(y + n * g.P * g.Q * g.K, Y);
    gemm<T>(d.places, d.K, d.D, X.rows, Transposed<Dense<T>>{Y.view()}, X.view(), U.sink(n > 0));
    if (n + X.rows / d.rows == g.N) d.filter_back(U, w);
  });
}

/// Multiply-adds of a convolution as it stands, without those outside the image.
inline double direct_cost(const Conv2dGeometry& g) {
  const auto inside = [](const Axis& a) {
    std::int64_t sum = 0;
    for (std::int64_t o = 0; o < a.outputs; ++o) sum += a.high(o) - a.low(o);
    return double(sum);
  };
  return double(g.N * g.C) * double(g.K / g.groups) *
         inside(forward_axis(g.H, g.R, g.P, g.stride.h, g.padding.h, g.dilation.h)) *
         inside(forward_axis(g.W, g.S, g.Q, g.stride.w, g.padding.w, g.dilation.w));
}
/// The same in a domain, where an element brought there or back counts as many as `element`.
template <class Domain>
double domain_cost(const Domain& d, std::int64_t images, double element) {
  const double rows = double(images * d.rows), D = double(d.D), K = double(d.K);
  return double(d.places) * (rows * D * K + element * (rows * (D + K) + D * K));
}

}  // namespace gesso::kernels::GESSO_LEVEL
