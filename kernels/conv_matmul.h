// Convolutions that are plain matrix products, because they read the image as it lies.
//
// Always inlined: these files are compiled once per instruction level, and a function kept outside its level's namespace could be
// another level's.
#pragma once

#include "kernels/conv.h"
#include "kernels/kernels.h"

namespace gesso::kernels {

/// A convolution whose filter covers one pixel, or all of the image, multiplies x (rows, inner) with w (K, inner).
struct AsMatrix {
  std::int64_t rows, inner;  // rows is 0 if it is no such convolution
};
[[gnu::always_inline]] inline AsMatrix as_matrix(const Conv2dGeometry& g) {
  const bool plain = g.groups == 1 && g.padding == HW(0);
  if (plain && g.stride == HW(1) && g.R * g.S == 1 && g.P == g.H && g.Q == g.W) return {g.N * g.H * g.W, g.C};
  if (plain && g.P * g.Q == 1 && g.R == g.H && g.S == g.W) return {g.N, g.R * g.S * g.C};
  return {0, 0};
}

/// y (rows, K) = x w'
template <class T>
[[gnu::always_inline]] inline MatMul<T> conv2d_matmul(const AsMatrix& m, std::int64_t K, const T* x,
                                                      const T* w, const Epilogue<T>& e, T* y) {
  return {.M = m.rows,
          .N = K,
          .K = m.inner,
          .a = x,
          .a_row = m.inner,
          .b = w,
          .b_row = 1,
          .b_col = m.inner,
          .c = y,
          .c_row = K,
          .bias = e.bias,
          .act = e.act,
          .slope = e.slope};
}
/// x (rows, inner) = y w. A bias has one number a channel: as columns are, where the filter is one pixel.
template <class T>
[[gnu::always_inline]] inline MatMul<T> conv2d_input_matmul(const AsMatrix& m, std::int64_t K, const T* y,
                                                            const T* w, const Epilogue<T>& e, T* x) {
  return {.M = m.rows,
          .N = m.inner,
          .K = K,
          .a = y,
          .a_row = K,
          .b = w,
          .b_row = m.inner,
          .c = x,
          .c_row = m.inner,
          .bias = e.bias,
          .act = e.act,
          .slope = e.slope};
}
/// w (K, inner) = y' x
template <class T>
[[gnu::always_inline]] inline MatMul<T> conv2d_filter_matmul(const AsMatrix& m, std::int64_t K, const T* x,
                                                             const T* y, T* w) {
  return {.M = K,
          .N = m.inner,
          .K = m.rows,
          .a = y,
          .a_row = 1,
          .a_col = K,
          .b = x,
          .b_row = m.inner,
          .c = w,
          .c_row = m.inner};
}

}  // namespace gesso::kernels
