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

inline std::int64_t threads() {
#ifdef _OPENMP
  return omp_get_max_threads();
#else
  return 1;
#endif
}
/// Calls f(i) for i < n: each by one thread if there are enough for all of them, otherwise one after the other, each by all threads.
/// A thread then reads what it wrote itself; from another core it came at half the speed, where cores are far apart.
template <class F>
void for_each_alone(std::int64_t n, const F& f) {
  if (n >= threads()) return parallel_blocks(n, 1, [&](std::int64_t i, std::int64_t) { f(i); });
  for (std::int64_t i = 0; i < n; ++i) f(i);
}

/// Memory of a thread for X and Y of a part.
inline thread_local Scratch for_part;

/// X and Y of some images. A domain has `places`, `rows` for an image, and the columns D and K.
template <class T>
struct Part {
  Places<T> X, Y;
  template <class Domain>
  Part(const Domain& d, std::int64_t images) : X{nullptr, images * d.rows, d.D}, Y{nullptr, X.rows, d.K} {
    X.p = static_cast<T*>(for_part.at_least(std::size_t(d.places * (X.apart() + Y.apart())) * sizeof(T)));
    Y.p = X.p + d.places * X.apart();
  }
};

/// So many images that their X and Y stay in L2, or nearly; but as each part reads all of U, no fewer bytes than that has. As many
/// parts for every thread.
template <class T, class Domain>
Parts parts_of(const Domain& d, std::int64_t images, std::int64_t threads) {
  constexpr std::int64_t kBytes = 1 << 20;
  const std::int64_t element = d.places * std::int64_t(sizeof(T)), U = element * d.K * d.D;
  const std::int64_t most = (U > kBytes ? U : kBytes) / (element * d.rows * (d.D + d.K)) + 1;
  const std::int64_t count = (images + most - 1) / most;
  const std::int64_t even = (count + threads - 1) / threads * threads;
  return {images, count > 1 && even < images ? (images + even - 1) / even : most};
}

// The three convolutions in a domain, which has the ways there, image(x, X), filter(w, U), output(y, Y), and back.

template <class T, class Domain>
void conv2d_in(const Domain& d, const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) {
  const Parts parts = parts_of<T>(d, g.N, threads());
  const bool turns =
      parts.count > 4;  // U once for all parts: for a few it costs less that each turns it on its way
  Places<T> U{nullptr, d.K, d.D}, turned{nullptr, d.D, d.K};
  U.p = static_cast<T*>(for_all.at_least(std::size_t((1 + turns) * d.places * U.apart()) * sizeof(T)));
  turned.p = U.p + turns * d.places * U.apart();
  d.filter(w, U);
  parallel_blocks(turns ? d.places : 0, 1, [&](std::int64_t i, std::int64_t) {
    pack_b(Transposed<Dense<T>>{U.view().at(i)}, 0, d.D, 0, d.K, d.K, turned.p + i * turned.apart());
  });
  for_each_alone(parts.count, [&](std::int64_t i) {
    const std::int64_t n = parts.begin(i);
    const Part<T> part(d, parts.size(i));
    const Dense<T> X = part.X.view();
    const Rows<T> Y = part.Y.sink();
    d.image(x + n * g.H * g.W * g.C, part.X);
    if (turns)
      gemm<T>(d.places, part.X.rows, d.K, d.D, X, turned.view(), Y);
    else
      gemm<T>(d.places, part.X.rows, d.K, d.D, X, Transposed<Dense<T>>{U.view()}, Y);
    d.output_back(part.Y, Rows<T>{y + n * g.P * g.Q * g.K, g.K, 0, e.bias, e.act, e.slope});
  });
}

template <class T, class Domain>
void conv2d_input_in(const Domain& d, const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e,
                     T* x) {
  Places<T> U{nullptr, d.K, d.D};
  U.p = static_cast<T*>(for_all.at_least(std::size_t(d.places * U.apart()) * sizeof(T)));
  d.filter(w, U);
  const Parts parts = parts_of<T>(d, g.N, threads());
  for_each_alone(parts.count, [&](std::int64_t i) {
    const std::int64_t n = parts.begin(i);
    const Part<T> part(d, parts.size(i));
    d.output(y + n * g.P * g.Q * g.K, part.Y);
    gemm<T>(d.places, part.Y.rows, d.D, d.K, part.Y.view(), U.view(), part.X.sink());
    d.image_back(part.X, Rows<T>{x + n * g.H * g.W * g.C, g.C, 0, e.bias, e.act, e.slope});
  });
}

/// Slices of the images, as many as their sums leave room for and no matter how many threads there are, are summed by themselves
/// and then added in order.
template <class T, class Domain>
void conv2d_filter_in(const Domain& d, const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  constexpr std::int64_t kSums = 16 << 20, kSlices = 8;
  Places<T> U{nullptr, d.K, d.D};
  const std::int64_t sums = d.places * U.apart();
  std::int64_t count = 1;
  while (2 * count <= kSlices && 2 * count <= g.N && 2 * count * sums * std::int64_t(sizeof(T)) <= kSums)
    count *= 2;
  U.p = static_cast<T*>(for_all.at_least(std::size_t(count * sums) * sizeof(T)));
  const Parts slices(g.N, (g.N + count - 1) / count);
  for_each_alone(slices.count, [&](std::int64_t s) {
    const Places<T> sum{U.p + s * sums, d.K, d.D};
    const Parts parts = parts_of<T>(d, slices.size(s), 1);
    for (std::int64_t i = 0; i < parts.count; ++i) {
      const std::int64_t n = slices.begin(s) + parts.begin(i);
      const Part<T> part(d, parts.size(i));
      d.image(x + n * g.H * g.W * g.C, part.X);
      d.output(y + n * g.P * g.Q * g.K, part.Y);
      gemm<T>(d.places, d.K, d.D, part.X.rows, Transposed<Dense<T>>{part.Y.view()}, part.X.view(),
              sum.sink(i > 0));
    }
  });
  parallel_blocks(sums, 1 << 14, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t s = 1; s < slices.count; ++s)
#pragma omp simd
      for (std::int64_t i = begin; i < end; ++i) U.p[i] += U.p[s * sums + i];
  });
  d.filter_back(U, w);
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
