// The three convolutions of kernels/conv.h on the ordinary cores, and the choice between these, the tensor cores, a plain
// matrix product where the image is read as it lies, and the direct sums of depthwise convolutions.
#include "kernels/conv_matmul.h"
#include "kernels/cuda/conv.cuh"
#include "kernels/cuda/conv_depthwise.cuh"
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/gemm_simt.cuh"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// What conv.cuh calls to multiply.
template <class T>
struct OnOrdinaryCores {
  template <class A, class AlongA, class B, class AlongB, class Sink>
  void operator()(const Extents& e, const A& a, AlongA, const B& b, AlongB, const Sink& c) const {
    multiply_simt<T, AlongA::value, AlongB::value>(e, a, b, c);
  }
};

template <class T>
void conv2d(const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) {
  if (g.N < 1) return;
  if (const AsMatrix m = as_matrix(g); m.rows)
    return matmul<T>(conv2d_matmul(m, g.K, x, w, e, y), Tf32::convolutions);
  if (is_depthwise(g))
    return depthwise<T>({forward(g), 0, input_layout(g), output_layout(g), x, w, int(g.R), int(g.S), e, y});
  if constexpr (sizeof(T) == 4)
    if (tf32_allowed(Tf32::convolutions)) return conv2d_tf32(g, x, w, e, y);
  conv2d_product(g, x, w, e, y, OnOrdinaryCores<T>());
}

template <class T>
void conv2d_input(const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e, T* x) {
  if (g.N < 1) return;
  if (const AsMatrix m = as_matrix(g); m.rows && (!e.bias || m.inner == g.C))
    return matmul<T>(conv2d_input_matmul(m, g.K, y, w, e, x), Tf32::convolutions);
  if (is_depthwise(g))
    return for_phases(g, [&](const Phases& p) {
      depthwise<T>({p, 0, output_layout(g), input_layout(g), y, w, int(g.R), int(g.S), e, x});
    });
  if constexpr (sizeof(T) == 4)
    if (tf32_allowed(Tf32::convolutions)) return conv2d_input_tf32(g, y, w, e, x);
  conv2d_input_product(g, y, w, e, x, OnOrdinaryCores<T>());
}

template <class T>
void conv2d_filter(const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  if (const AsMatrix m = as_matrix(g); m.rows)
    return matmul<T>(conv2d_filter_matmul(m, g.K, x, y, w), Tf32::convolutions);
  if (is_depthwise(g)) return depthwise_filter(forward(g), input_layout(g), x, y, w);
  if constexpr (sizeof(T) == 4)
    if (tf32_allowed(Tf32::convolutions)) return conv2d_filter_tf32(g, x, y, w);
  conv2d_filter_product(g, x, y, w, OnOrdinaryCores<T>());
}

}  // namespace

template <class T>
void install_conv(Kernels<T>& k) {
  k.conv2d = conv2d<T>;
  k.conv2d_input = conv2d_input<T>;
  k.conv2d_filter = conv2d_filter<T>;
}
template void install_conv(Kernels<float>&);
template void install_conv(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
