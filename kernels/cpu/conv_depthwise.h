// Depthwise convolution, every channel by itself: there is no matrix to multiply with, so vectors run over channels and each
// output is a short sum over taps.
#pragma once

#include "kernels/cpu/conv_view.h"
#include "kernels/cpu/parallel.h"

namespace gesso::kernels::GESSO_LEVEL {

/// w (C,R,S) in the order in which a correlation meets it: taps (down, across) of C channels.
template <class T>
void taps_first(const Correlation& c, std::int64_t R, std::int64_t S, const T* w, T* y) {
  for (std::int64_t t = 0; t < c.down.taps * c.across.taps; ++t) {
    const std::int64_t r = c.down.first_tap + t / c.across.taps * c.down.tap_step,
                       s = c.across.first_tap + t % c.across.taps * c.across.tap_step;
    for (std::int64_t i = 0; i < c.in.channels; ++i) *y++ = w[(i * R + r) * S + s];
  }
}

/// sum[0..n) += x[i] w[i]
template <class T>
inline void multiply_add(const T* x, const T* w, std::int64_t n, T* sum) {
#pragma omp simd
  for (std::int64_t i = 0; i < n; ++i) sum[i] += x[i] * w[i];
}

/// Output rows that together are worth a fork.
inline std::int64_t rows_a_block(const Correlation& c) {
  const std::int64_t work = c.across.outputs * c.depth();
  return work > 0 && work < 32768 ? 32768 / work + 1 : 1;
}

/// f(tap, address of its input channels) for the taps of output (n, i, j) that lie inside the image.
template <class T, class F>
inline void for_each_tap(const Correlation& c, const T* x, std::int64_t n, std::int64_t i, std::int64_t j,
                         const F& f) {
  const std::int64_t high = c.down.high(i), s0 = c.across.low(j), s1 = c.across.high(j);
  for (std::int64_t r = c.down.low(i); r < high; ++r)
    for (std::int64_t s = s0; s < s1; ++s) f(r * c.across.taps + s, x + n * c.in.image + c.in_at(i, j, r, s));
}

/// y[n, i, j, :] = act(bias + the sum of taps x[n, .., :] w[tap, :])
template <class T>
void depthwise(const Correlation& c, const T* x, const T* w, const Rows<T>& sink) {
  const std::int64_t C = c.in.channels;
  parallel_blocks(c.images * c.down.outputs, rows_a_block(c), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row)
      for (std::int64_t j = 0; j < c.across.outputs; ++j) {
        const std::int64_t n = row / c.down.outputs, i = row % c.down.outputs;
        T* y = sink.y + n * c.out.image + c.out_at(i, j);
        for (std::int64_t k = 0; k < C; ++k) y[k] = sink.bias ? sink.bias[k] : T(0);
        for_each_tap(c, x, n, i, j,
                     [&](std::int64_t tap, const T* from) { multiply_add(from, w + tap * C, C, y); });
        sink.finish(y, C);
      }
  });
}

/// dw (C,R,S) = the sum over pixels of x[tap of the pixel, :] y[pixel, :]. Each of at most 16 parts of the images gets sums
/// of its own, which are then added in order.
template <class T>
void depthwise_filter(const Correlation& c, const T* x, const T* y, T* w) {
  const std::int64_t C = c.in.channels, taps = c.down.taps * c.across.taps, each = (c.images + 15) / 16;
  const std::int64_t parts = c.images > 0 ? (c.images + each - 1) / each : 0;
  T* sums = static_cast<T*>(scratch.at_least(std::size_t(parts * taps * C + 1) * sizeof(T)));
  parallel_blocks(c.images, each > 0 ? each : 1, [&](std::int64_t begin, std::int64_t end) {
    T* sum = sums + begin / each * taps * C;
    for (std::int64_t i = 0; i < taps * C; ++i) sum[i] = 0;
    for (std::int64_t n = begin; n < end; ++n)
      for (std::int64_t i = 0; i < c.down.outputs; ++i)
        for (std::int64_t j = 0; j < c.across.outputs; ++j) {
          const T* dy = y + n * c.out.image + c.out_at(i, j);
          for_each_tap(c, x, n, i, j,
                       [&](std::int64_t tap, const T* from) { multiply_add(from, dy, C, sum + tap * C); });
        }
  });
  for (std::int64_t i = 0; i < C; ++i)
    for (std::int64_t tap = 0; tap < taps; ++tap) {
      T sum = 0;
      for (std::int64_t part = 0; part < parts; ++part) sum += sums[(part * taps + tap) * C + i];
      w[i * taps + tap] = sum;
    }
}

}  // namespace gesso::kernels::GESSO_LEVEL
