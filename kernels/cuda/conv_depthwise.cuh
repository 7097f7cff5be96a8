// Depthwise convolution, every channel by itself: there is no matrix to multiply with. Neighbouring threads have
// neighbouring channels, and each output is a short sum over taps.
#pragma once

#include "kernels/cuda/columns.cuh"
#include "kernels/cuda/conv_view.cuh"

namespace gesso::kernels::GESSO_LEVEL {

/// One phase of the correlation of images laid out as `in` with w (C,R,S), into images laid out as `out`.
template <class T>
struct Depthwise {
  Phases phases;
  int phase;
  ImageLayout in, out;
  const T *x, *w;
  int R, S;
  Epilogue<T> e;
  T* y;
};

template <class T>
__global__ void depthwise_pixels(const __grid_constant__ Depthwise<T> p) {
  const Quotient at = divide(thread_number(), p.in.pixel);
  const std::int64_t channel = at.rest;
  const Phase& c = p.phases.of[p.phase];
  if (at.quotient >= c.rows) return;
  const Phase::Pixel pixel = c.pixel(int(at.quotient));
  const auto [h0, w0] = p.phases.input(c, pixel);
  const T* const image = p.x + pixel.n * p.in.image + channel;
  const T* const filter = p.w + channel * p.R * p.S;
  T sum = p.e.bias ? p.e.bias[channel] : T(0);
  for (int t = 0; t < c.taps; ++t) {
    const Phase::Tap tap = c.tap(t);
    const int h = h0 + tap.r * p.phases.down.dilation, w = w0 + tap.s * p.phases.across.dilation;
    if (!p.phases.inside(h, w)) continue;
    const auto [r, s] = p.phases.filter_tap(c, tap);
    sum += image[h * p.in.row + w * p.in.pixel] * filter[r * p.S + s];
  }
  const auto [h, w] = p.phases.output(c, pixel);
  p.y[pixel.n * p.out.image + h * p.out.row + w * p.out.pixel + channel] = activate(p.e.act, p.e.slope, sum);
}

template <class T>
void depthwise(Depthwise<T> p) {
  for (p.phase = 0; p.phase < p.phases.count; ++p.phase)
    launch_threads(depthwise_pixels<T>, p.phases.of[p.phase].rows * p.in.pixel, kThreads, p);
}

/// dw (C,R,S) for one tap: the sum over pixels, in the order of columns.cuh, of x[tap of the pixel] y[pixel].
template <class T>
struct DepthwiseTap {
  using Value = T;
  Phases phases;
  ImageLayout at;
  const T *x, *y;
  int tap;
  T* w;

  __device__ static T start() { return 0; }
  __device__ static T join(T a, T b) { return a + b; }
  template <int V>
  __device__ void rows(std::int64_t channel, std::int64_t row, std::int64_t end, int step, T (&v)[V]) const {
    const Phase& c = phases.of[0];
    const auto [r, s] = c.tap(tap);
    for (; row < end; row += step) {
      const Phase::Pixel pixel = c.pixel(int(row));
      auto [h, u] = phases.input(c, pixel);
      h += r * phases.down.dilation, u += s * phases.across.dilation;
      if (!phases.inside(h, u)) continue;
      const Packed<T, V> from = load<V>(x + (pixel.n * at.image + h * at.row + u * at.pixel + channel)),
                         dy = load<V>(y + row * at.pixel + channel);
      for (int e = 0; e < V; ++e) v[e] += from.at[e] * dy.at[e];
    }
  }
  __device__ void finish(std::int64_t channel, T sum) const { w[channel * phases.of[0].taps + tap] = sum; }
};

template <class T>
void depthwise_filter(const Phases& p, const ImageLayout& at, const T* x, const T* y, T* w) {
  for (int tap = 0; tap < p.of[0].taps; ++tap)
    launch_fold_columns<1>(p.of[0].rows, at.pixel, DepthwiseTap<T>{p, at, x, y, tap, w});
}

}  // namespace gesso::kernels::GESSO_LEVEL
