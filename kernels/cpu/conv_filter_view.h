// The image of a convolution as B of the filter gradient's product, dw (K, taps and channels) = y' (K, pixels) * B: row
// (n, p, q) holds what the taps of that output pixel read. A sliver's columns belong to few taps, and only the pixels that
// have one of these inside the image are packed and multiplied.
#pragma once

#include "kernels/cpu/conv_view.h"

namespace gesso::kernels::GESSO_LEVEL {

template <class T>
struct PatchRows {
  using Element = T;
  const Correlation* shape;
  const T* image;
  PatchRows at(std::int64_t) const { return *this; }

  /// The outputs of an axis that read any of the taps [low, high).
  static Interval readers(const Axis& a, std::int64_t low, std::int64_t high) {
    Interval found{a.outputs, 0, low, high};
    for (std::int64_t o = 0; o < a.outputs; ++o)
      if (a.low(o) < high && a.high(o) > low) {
        if (found.begin > o) found.begin = o;
        found.end = o + 1;
      }
    if (found.end == 0) found.begin = 0;
    return found;
  }

  /// Calls f(first pixel, pixels, n, p, q) for the runs of pixels in [k0, k0 + K) that columns [n0, n0 + n) need.
  template <class F>
  void for_each_run(std::int64_t k0, std::int64_t K, std::int64_t n0, std::int64_t n, const F& f) const {
    const Correlation& c = *shape;
    const std::int64_t S = c.across.taps, P = c.down.outputs, Q = c.across.outputs;
    const std::int64_t t0 = n0 / c.in.channels, t1 = (n0 + n - 1) / c.in.channels + 1;
    const bool one_row = t0 / S == (t1 - 1) / S;
    const Interval v = readers(c.down, t0 / S, (t1 - 1) / S + 1),
                   h = readers(c.across, one_row ? t0 % S : 0, one_row ? (t1 - 1) % S + 1 : S);
    for (std::int64_t row = k0 / Q, last = (k0 + K - 1) / Q; row <= last; ++row) {
      const std::int64_t p = row % P;
      if (p < v.begin || p >= v.end) continue;
      const std::int64_t from = row * Q + h.begin, to = row * Q + h.end;
      const std::int64_t begin = from > k0 ? from : k0, end = to < k0 + K ? to : k0 + K;
      if (begin < end) f(begin, end - begin, row / P, p, begin - row * Q);
    }
  }
};

/// Slivers that keep to one tap where its channels are two whole vectors or more, so that each leaves out the pixels it does
/// not need.
template <class T>
struct TapSlivers {
  std::int64_t N, stride;  // columns; those of slivers that are cut alike
  Slivers<T> of_tap{stride};
  std::int64_t count = (N + stride - 1) / stride * of_tap.count;

  std::int64_t vectors_before(std::int64_t j) const {
    return j / of_tap.count * of_tap.vectors_before(of_tap.count) + of_tap.vectors_before(j % of_tap.count);
  }
  std::int64_t begin(std::int64_t j) const {
    return j / of_tap.count * stride + of_tap.begin(j % of_tap.count);
  }
  std::int64_t size(std::int64_t j) const { return of_tap.size(j % of_tap.count); }
};
template <class T>
TapSlivers<T> slivers_of(const PatchRows<T>& b, std::int64_t N) {
  const std::int64_t channels = b.shape->in.channels;
  const bool whole =
      channels % kLanes<T> == 0 && channels > kLanes<T>;  // slivers of one vector would be too narrow
  return {N, whole ? channels : N};
}

template <class T>
void pieces_of(const PatchRows<T>& b, std::int64_t k0, std::int64_t K, std::int64_t n0, std::int64_t n,
               Pieces<T>& pieces) {
  std::int64_t packed = 0;
  pieces.count = 0;
  b.for_each_run(k0, K, n0, n, [&](std::int64_t pixel, std::int64_t pixels, auto...) {
    pieces.add(pixel - k0, packed * pieces.b_row, pixels);
    packed += pixels;
  });
}

/// Columns of one tap are read where they lie: in the image, `step` pixels apart.
template <class T>
bool sliver_in_place(const PatchRows<T>& b, std::int64_t k0, std::int64_t K, std::int64_t n0, std::int64_t n,
                     const T** p, Pieces<T>& pieces) {
  const Correlation& c = *b.shape;
  const std::int64_t tap = n0 / c.in.channels, first = n0 % c.in.channels;
  if (first + n > c.in.channels) return false;
  *p = b.image + first;
  pieces.b_row = c.across.step * c.in.pixel;
  b.for_each_run(
      k0, K, n0, n,
      [&](std::int64_t pixel, std::int64_t pixels, std::int64_t image, std::int64_t i, std::int64_t j) {
        pieces.add(pixel - k0, image * c.in.image + c.in_at(i, j, tap / c.across.taps, tap % c.across.taps),
                   pixels);
      });
  return true;
}

/// n elements of the patch of pixel (p, q) of one image, from element `first` of tap (r, s) on.
template <class T>
void copy_patch(const Correlation& c, const T* image, std::int64_t p, std::int64_t q, std::int64_t r,
                std::int64_t s, std::int64_t first, std::int64_t n, T* y) {
  const std::int64_t S = c.across.taps, C = c.in.channels;
  const std::int64_t low = c.across.low(q), high = c.across.high(q);
  const std::int64_t top = c.down.low(p), bottom = c.down.high(p);
  while (n > 0) {
    const bool row_inside = r >= top && r < bottom, inside = row_inside && s >= low && s < high;
    // A run of taps that lie side by side, or are all outside.
    std::int64_t end = S;
    if (inside)
      end = c.taps_join() ? high : s + 1;
    else if (row_inside && s < low)
      end = low;
    std::int64_t run = (end - s) * C - first;
    if (run > n) run = n;
    if (inside)
      copy(image + c.in_at(p, q, r, s) + first, run, y);
    else
      for (std::int64_t i = 0; i < run; ++i) y[i] = 0;
    n -= run, y += run, first = 0;
    s = end < S ? end : 0, r += end == S;
  }
}

template <class T>
void pack_b(const PatchRows<T>& b, std::int64_t k0, std::int64_t K, std::int64_t n0, std::int64_t n,
            std::int64_t width, T* y) {
  const Correlation& c = *b.shape;
  const std::int64_t tap = n0 / c.in.channels, first = n0 % c.in.channels;
  const std::int64_t r = tap / c.across.taps, s = tap % c.across.taps;
  const bool one_tap = first + n <= c.in.channels;  // then all of its pixels lie inside
  b.for_each_run(k0, K, n0, n,
                 [&](std::int64_t, std::int64_t pixels, std::int64_t image, std::int64_t p, std::int64_t q) {
                   const T* x = b.image + image * c.in.image;
                   for (std::int64_t i = 0; i < pixels; ++i, y += width) {
                     if (one_tap)
                       copy(x + c.in_at(p, q + i, r, s) + first, n, y);
                     else
                       copy_patch(c, x, p, q + i, r, s, first, n, y);
                     for (std::int64_t j = n; j < width; ++j) y[j] = 0;
                   }
                 });
}

}  // namespace gesso::kernels::GESSO_LEVEL
