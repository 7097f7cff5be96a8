// The three convolutions as products of views (conv_view.cuh), whoever multiplies these:
//
//   conv2d         y (NPQ, K) = x's patches (NPQ, RSC) * w' (RSC, K)
//   conv2d_input   x (NHW, C) = y's patches (NHW, taps K) * w (taps K, C), for each phase of the stride
//   conv2d_filter  w (K, RSC) = y' (K, NPQ) * x's patches (NPQ, RSC)
//
// Channel groups are products of a batch. `multiply` is called with the extents, A, whether its lines lie along K, B, the
// same for it, and the sink.
#pragma once

#include "kernels/cuda/conv_view.cuh"

#include <type_traits>

namespace gesso::kernels::GESSO_LEVEL {

inline ImageLayout input_layout(const Conv2dGeometry& g) { return layout(g.H, g.W, g.C, g.groups); }
inline ImageLayout output_layout(const Conv2dGeometry& g) { return layout(g.P, g.Q, g.K, g.groups); }

inline Phases forward(const Conv2dGeometry& g) {
  Phases p;
  p.add(g.N, forward_axis(g.H, g.R, g.P, g.stride.h, g.padding.h, g.dilation.h),
        forward_axis(g.W, g.S, g.Q, g.stride.w, g.padding.w, g.dilation.w));
  return p;
}
/// f(phases) for all phases of the stride that have pixels, as many at a time as a launch takes.
template <class F>
void for_phases(const Conv2dGeometry& g, const F& f) {
  Phases phases;
  for (std::int64_t h = 0; h < g.stride.h && h < g.H; ++h)
    for (std::int64_t w = 0; w < g.stride.w && w < g.W; ++w) {
      phases.add(g.N, phase_axis(g.P, g.R, g.H, g.stride.h, g.padding.h, g.dilation.h, h),
                 phase_axis(g.Q, g.S, g.W, g.stride.w, g.padding.w, g.dilation.w, w));
      if (phases.count < Phases::kMost) continue;
      f(phases);
      phases = {};
    }
  if (phases.count > 0) f(phases);
}

template <class T, class Multiply>
void conv2d_product(const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y,
                    const Multiply& multiply) {
  const std::int64_t rows = g.N * g.P * g.Q, K = g.K / g.groups, depth = g.R * g.S * g.C / g.groups;
  multiply(Extents{g.groups, rows, K, depth}, Patches<T>(x, input_layout(g), forward(g)), std::true_type(),
           Lines<T>(w, depth, g.groups > 1 ? K * depth : 0, K, depth), std::true_type(),
           RowsOut<T>(y, g.K, g.groups > 1 ? K : 0, e, extent(K)));
}

template <class T, class Multiply>
void conv2d_input_product(const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e, T* x,
                          const Multiply& multiply) {
  for_phases(g, [&](const Phases& p) {
    multiply(Extents{g.groups * p.count, p.rows(), g.C / g.groups, p.taps() * (g.K / g.groups)},
             Patches<T>(y, output_layout(g), p), std::true_type(), FilterRows<T>(w, g, p), std::false_type(),
             PixelsOut<T>(x, input_layout(g), p, e));
  });
}

template <class T, class Multiply>
void conv2d_filter_product(const Conv2dGeometry& g, const T* x, const T* y, T* w, const Multiply& multiply) {
  const std::int64_t rows = g.N * g.P * g.Q, K = g.K / g.groups, depth = g.R * g.S * g.C / g.groups;
  multiply(Extents{g.groups, K, depth, rows}, Lines<T>(y, g.K, g.groups > 1 ? K : 0, rows, K),
           std::false_type(), Patches<T>(x, input_layout(g), forward(g)), std::false_type(),
           RowsOut<T>(w, depth, g.groups > 1 ? K * depth : 0, {}));
}

/// The same on tensor cores, factors rounded to TF32 (conv_tf32.cu).
void conv2d_tf32(const Conv2dGeometry& g, const float* x, const float* w, const Epilogue<float>& e, float* y);
void conv2d_input_tf32(const Conv2dGeometry& g, const float* y, const float* w, const Epilogue<float>& e,
                       float* x);
void conv2d_filter_tf32(const Conv2dGeometry& g, const float* x, const float* y, float* w);

}  // namespace gesso::kernels::GESSO_LEVEL
