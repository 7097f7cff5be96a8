// The geometry of a convolution, and what the kernels of every device derive from it.
//
// Convolution is one trilinear form, T(x,w,y) = sum x[n, p st + r dil - pad, q st + s dil - pad, c] w[k,r,s,c] y[n,p,q,k];
// each of its three kernels leaves one argument open.
#pragma once

#include <cstdint>

namespace gesso::kernels {

/// Along the height and along the width; a single number means both.
struct HW {
  std::int64_t h, w;
  constexpr HW(std::int64_t both) : h(both), w(both) {}
  constexpr HW(std::int64_t height, std::int64_t width) : h(height), w(width) {}
  friend bool operator==(const HW&, const HW&) = default;
};

/// x (N,H,W,C), w (K,R,S,C/groups), y (N,P,Q,K). Group g connects the g-th part of C with the g-th part of K.
struct Conv2dGeometry {
  std::int64_t N = 0, H = 0, W = 0, C = 0, K = 0, R = 0, S = 0, P = 0, Q = 0;
  HW stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
  friend bool operator==(const Conv2dGeometry&, const Conv2dGeometry&) = default;
};

/// One dimension of a correlation: output o is the sum over its taps t < taps of input o step + t dilation + origin, where
/// that is in [0, size). It lies at first_output + o output_step of the image it is part of, and tap t is the filter's
/// first_tap + t tap_step.
struct Axis {
  std::int64_t outputs = 0, step = 1, origin = 0, size = 0, taps = 0, dilation = 1;
  std::int64_t first_output = 0, output_step = 1, first_tap = 0, tap_step = 1;

  /// The taps of output o are [low(o), high(o)); the others lie outside.
  std::int64_t low(std::int64_t o) const {
    const std::int64_t before = -(o * step + origin);
    return clamped(before > 0 ? taps_across(before) : 0);
  }
  std::int64_t high(std::int64_t o) const {
    const std::int64_t left = size - (o * step + origin);
    const std::int64_t end = clamped(left > 0 ? taps_across(left) : 0), begin = low(o);
    return end > begin ? end : begin;
  }

 private:
  /// The taps it takes to cross so many inputs. Divisions are slow, and dilations rare.
  std::int64_t taps_across(std::int64_t n) const { return dilation == 1 ? n : (n + dilation - 1) / dilation; }
  std::int64_t clamped(std::int64_t t) const { return t < taps ? t : taps; }
};

/// y from x: output p reads x at p stride + r dilation - padding.
inline Axis forward_axis(std::int64_t size, std::int64_t taps, std::int64_t outputs, std::int64_t stride,
                         std::int64_t padding, std::int64_t dilation) {
  return {.outputs = outputs,
          .step = stride,
          .origin = -padding,
          .size = size,
          .taps = taps,
          .dilation = dilation};
}

/// x from y, at the positions h = phase, phase + stride, ..: a correlation without a stride. h reads y at
/// p = (h + padding - r dilation) / stride where that is whole: for every (stride / gcd)-th tap r of the filter, if for
/// any. Counted from the last of these taps to the first, p grows from tap to tap.
inline Axis phase_axis(std::int64_t size, std::int64_t taps, std::int64_t outputs, std::int64_t stride,
                       std::int64_t padding, std::int64_t dilation, std::int64_t phase) {
  Axis a{.outputs = (outputs - phase + stride - 1) / stride,
         .size = size,
         .first_output = phase,
         .output_step = stride};
  std::int64_t g = stride, rest = dilation;
  while (rest) {
    const std::int64_t next = g % rest;
    g = rest, rest = next;
  }
  const std::int64_t tap_step = stride / g;
  for (std::int64_t r = 0; r < taps && r < tap_step; ++r)
    if ((phase + padding - r * dilation) % stride == 0) {
      a.taps = (taps - r + tap_step - 1) / tap_step;
      a.dilation = dilation / g;
      a.tap_step = -tap_step;
      a.first_tap = r + (a.taps - 1) * tap_step;
      a.origin = (phase + padding - a.first_tap * dilation) / stride;
    }
  return a;
}

/// Every channel by itself: there is no matrix to multiply with.
[[gnu::always_inline]] inline bool is_depthwise(const Conv2dGeometry& g) {
  return g.groups > 1 && g.groups == g.C && g.C == g.K;
}

}  // namespace gesso::kernels
