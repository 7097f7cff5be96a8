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

/// Memory of a thread for X and Y of a part, or of a block of channels.
inline thread_local Scratch for_part;

/// Gives a, and b if asked for, memory for `places` matrices.
template <class T>
void make_room(Scratch& memory, std::int64_t places, Places<T>& a, Places<T>* b = nullptr) {
  const std::int64_t size = places * (a.apart() + (b ? b->apart() : 0));
  a.p = static_cast<T*>(memory.at_least(std::size_t(size) * sizeof(T)));
  if (b) b->p = a.p + places * a.apart();
}

/// X and Y of some images. A domain has `places`, `rows` for an image, and the columns D and K.
template <class T>
struct Part {
  Places<T> X, Y;
  template <class Domain>
  Part(const Domain& d, std::int64_t images) : X{nullptr, images * d.rows, d.D}, Y{nullptr, X.rows, d.K} {
    make_room(for_part, d.places, X, &Y);
  }
};

/// So many images that their X and Y stay in L2, or nearly, but no fewer than `least`.
template <class T, class Domain>
Parts parts_of(const Domain& d, std::int64_t images, std::int64_t least) {
  constexpr std::int64_t kBytes = 1 << 20;
  const std::int64_t some = kBytes / (d.places * d.rows * (d.D + d.K) * std::int64_t(sizeof(T))) + 1;
  return {images, least > some ? least : some};
}
/// The same where each part reads all of U: at least 32 rows then, so that this costs little beside the products. As many parts for
/// every thread; a few are one, which the threads share: that is better than to read U so often.
template <class T, class Domain>
Parts parts_by_threads(const Domain& d, std::int64_t images) {
  constexpr std::int64_t kRows = 32, kFew = 4;
  const std::int64_t count = parts_of<T>(d, images, (kRows + d.rows - 1) / d.rows).count;
  const std::int64_t even = (count + threads() - 1) / threads() * threads();
  return {images, count <= kFew ? images : (images + even - 1) / even};
}

// The three convolutions in a domain, which has the ways there, image(x, X), filter(w, U), output(y, Y), and back: part by part of
// the images, with U of all filters.

/// Calls f(B), the operand that all parts multiply with: U or its transpose (K, N). Where there are many parts, each matrix is packed
/// before, into its own place; where there is one, on its way.
template <class T, class View, class F>
void with_filters(const Places<T>& U, const View& view, std::int64_t places, std::int64_t N, bool many,
                  const F& f) {
  if (!many) return f(view);
  const std::int64_t size = U.rows * U.columns, K = size / N;
  parallel_blocks(places, 1, [&](std::int64_t i, std::int64_t) {
    T* const packed = static_cast<T*>(for_part.at_least(std::size_t(size) * sizeof(T)));
    pack_slivers(view.at(i), K, N, packed);
    copy(packed, size, U.p + i * U.apart());
  });
  f(InSlivers<T>{U.p, K, U.apart()});
}

template <class T, class Domain>
void conv2d_in_parts(const Domain& d, const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e,
                     T* y) {
  const Parts parts = parts_by_threads<T>(d, g.N);
  Places<T> U{nullptr, d.K, d.D};
  make_room(for_all, d.places, U);
  d.filter(w, U);
  with_filters(U, Transposed<Dense<T>>{U.view()}, d.places, d.K, parts.count > 1, [&](const auto& filters) {
    for_each_alone(parts.count, [&](std::int64_t i) {
      const std::int64_t n = parts.begin(i);
      const Part<T> part(d, parts.size(i));
      d.image(x + n * g.H * g.W * g.C, part.X);
      gemm<T>(d.places, part.X.rows, d.K, d.D, part.X.view(), filters, part.Y.sink());
      d.output_back(part.Y, Rows<T>{y + n * g.P * g.Q * g.K, g.K, 0, e.bias, e.act, e.slope});
    });
  });
}

template <class T, class Domain>
void conv2d_input_in_parts(const Domain& d, const Conv2dGeometry& g, const T* y, const T* w,
                           const Epilogue<T>& e, T* x) {
  const Parts parts = parts_by_threads<T>(d, g.N);
  Places<T> U{nullptr, d.K, d.D};
  make_room(for_all, d.places, U);
  d.filter(w, U);
  with_filters(U, U.view(), d.places, d.D, parts.count > 1, [&](const auto& filters) {
    for_each_alone(parts.count, [&](std::int64_t i) {
      const std::int64_t n = parts.begin(i);
      const Part<T> part(d, parts.size(i));
      d.output(y + n * g.P * g.Q * g.K, part.Y);
      gemm<T>(d.places, part.Y.rows, d.D, d.K, part.Y.view(), filters, part.X.sink());
      d.image_back(part.X, Rows<T>{x + n * g.H * g.W * g.C, g.C, 0, e.bias, e.act, e.slope});
    });
  });
}

/// Slices of the images, as many as their sums leave room for and no matter how many threads there are, are summed by themselves
/// and then added in order.
template <class T, class Domain>
void conv2d_filter_in_parts(const Domain& d, const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  constexpr std::int64_t kSums = 16 << 20, kSlices = 8;
  Places<T> U{nullptr, d.K, d.D};
  const std::int64_t sums = d.places * U.apart();
  std::int64_t count = 1;
  while (2 * count <= kSlices && 2 * count <= g.N && 2 * count * sums * std::int64_t(sizeof(T)) <= kSums)
    count *= 2;
  U.p = static_cast<T*>(for_all.at_least(std::size_t(count * sums) * sizeof(T)));
  const Parts slices(g.N, (g.N + count - 1) / count);
  const std::int64_t least =
      d.K * d.D / (d.rows * (d.D + d.K)) + 1;  // each part adds to all sums: as many bytes as they have
  for_each_alone(slices.count, [&](std::int64_t s) {
    const Places<T> sum{U.p + s * sums, d.K, d.D};
    const Parts parts = parts_of<T>(d, slices.size(s), least);
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
  d.filter_back(U, w, false);
}

// The same where filters are large, of some hundred channels each way. U of all filters, several times as large as they are, is then
// most of the memory that a training step takes beside its tensors. Here it is made, used and forgotten block by block of channels. What
// the blocks have in common, X for conv2d and Y for the others, is brought to the domain before, by all threads. Sums over channels
// are the same.

/// U from this size on, half of an L3 of 32 MiB, is large.
constexpr std::int64_t kLargeFilters = 16 << 20;

template <class T, class Domain>
bool filters_are_large(const Domain& d) {
  return d.places * d.K * d.D * std::int64_t(sizeof(T)) > kLargeFilters;
}

/// The images whose X or Y, `columns` wide, all blocks read: it stays in L3.
template <class T, class Domain>
Parts parts_to_share(const Domain& d, std::int64_t images, std::int64_t columns) {
  constexpr std::int64_t kShared = 32 << 20;
  return {images, kShared / (d.places * d.rows * columns * std::int64_t(sizeof(T))) + 1};
}

/// Calls f(first, number of channels) for blocks of whole vectors of channels, some for each thread. Their parts of U take
/// some MB together; a channel's has so many elements.
template <class T, class F>
void for_each_block(std::int64_t channels, std::int64_t elements, const F& f) {
  constexpr std::int64_t kBlocks = 8 << 20, L = kLanes<T>;
  const std::int64_t most = kBlocks / (threads() * elements * L * std::int64_t(sizeof(T))) + 1;
  const Parts shares(channels / L, (channels / L + threads() - 1) / threads());
  parallel_blocks(shares.count, 1, [&](std::int64_t i, std::int64_t) {
    const Parts blocks(shares.size(i), most);
    for (std::int64_t j = 0; j < blocks.count; ++j)
      f((shares.begin(i) + blocks.begin(j)) * L, blocks.size(j) * L);
  });
}

template <class T, class Domain>
void conv2d_in_blocks(const Domain& d, const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e,
                      T* y) {
  const Parts parts = parts_to_share<T>(d, g.N, d.D);
  for (std::int64_t i = 0; i < parts.count; ++i) {
    const std::int64_t n = parts.begin(i);
    Places<T> X{nullptr, parts.size(i) * d.rows, d.D};
    make_room(for_all, d.places, X);
    d.image(x + n * g.H * g.W * g.C, X);
    for_each_block<T>(g.K, d.places * d.D, [&](std::int64_t k, std::int64_t channels) {
      Domain block = d;
      block.K = channels;
      Places<T> U{nullptr, channels, d.D}, Y{nullptr, X.rows, channels};
      make_room(for_part, d.places, U, &Y);
      block.filter(w + k * g.R * g.S * g.C, U);
      gemm<T>(d.places, X.rows, channels, d.D, X.view(), Transposed<Dense<T>>{U.view()}, Y.sink());
      block.output_back(
          Y, Rows<T>{y + n * g.P * g.Q * g.K + k, g.K, 0, e.bias ? e.bias + k : nullptr, e.act, e.slope});
    });
  }
}

/// For blocks of channels c of the images: calls f(block, part, n, c, X, U, Y) with the domain of these channels alone, memory for
/// their X and U, and Y of the images of a part, of which n is the first.
template <class T, class Domain, class F>
void for_each_input_block(const Domain& d, const Conv2dGeometry& g, const T* y, const F& f) {
  const Parts parts = parts_to_share<T>(d, g.N, d.K);
  for (std::int64_t i = 0; i < parts.count; ++i) {
    const std::int64_t n = parts.begin(i);
    Places<T> Y{nullptr, parts.size(i) * d.rows, d.K};
    make_room(for_all, d.places, Y);
    d.output(y + n * g.P * g.Q * g.K, Y);
    for_each_block<T>(g.C, d.places * d.phases * d.K, [&](std::int64_t c, std::int64_t channels) {
      Domain block = d;
      block.C = channels, block.D = d.phases * channels;
      Places<T> U{nullptr, d.K, block.D}, X{nullptr, Y.rows, block.D};
      make_room(for_part, d.places, U, &X);
      f(block, i, n, c, X, U, Y);
    });
  }
}

template <class T, class Domain>
void conv2d_input_in_blocks(const Domain& d, const Conv2dGeometry& g, const T* y, const T* w,
                            const Epilogue<T>& e, T* x) {
  for_each_input_block(d, g, y,
                       [&](const Domain& block, std::int64_t, std::int64_t n, std::int64_t c,
                           const Places<T>& X, const Places<T>& U, const Places<T>& Y) {
                         block.filter(w + c, U);
                         gemm<T>(d.places, Y.rows, block.D, d.K, Y.view(), U.view(), X.sink());
                         block.image_back(X, Rows<T>{x + n * g.H * g.W * g.C + c, g.C, 0,
                                                     e.bias ? e.bias + c : nullptr, e.act, e.slope});
                       });
}

/// The sums of later images are added to those of earlier ones on their way back.
template <class T, class Domain>
void conv2d_filter_in_blocks(const Domain& d, const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  for_each_input_block(d, g, y,
                       [&](const Domain& block, std::int64_t part, std::int64_t n, std::int64_t c,
                           const Places<T>& X, const Places<T>& U, const Places<T>& Y) {
                         block.image(x + n * g.H * g.W * g.C + c, X);
                         gemm<T>(d.places, d.K, block.D, Y.rows, Transposed<Dense<T>>{Y.view()}, X.view(),
                                 U.sink());
                         block.filter_back(U, w + c, part > 0);
                       });
}

template <class T, class Domain>
void conv2d_in(const Domain& d, const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) {
  filters_are_large<T>(d) ? conv2d_in_blocks(d, g, x, w, e, y) : conv2d_in_parts(d, g, x, w, e, y);
}
template <class T, class Domain>
void conv2d_input_in(const Domain& d, const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e,
                     T* x) {
  filters_are_large<T>(d) ? conv2d_input_in_blocks(d, g, y, w, e, x)
                          : conv2d_input_in_parts(d, g, y, w, e, x);
}
template <class T, class Domain>
void conv2d_filter_in(const Domain& d, const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  filters_are_large<T>(d) ? conv2d_filter_in_blocks(d, g, x, y, w) : conv2d_filter_in_parts(d, g, x, y, w);
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
