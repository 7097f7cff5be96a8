// The three convolutions on tensor cores.
#include "kernels/cuda/conv.cuh"
#include "kernels/cuda/gemm_tf32.cuh"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// What conv.cuh calls to multiply.
struct OnTensorCores {
  template <class A, class AlongA, class B, class AlongB, class Sink>
  void operator()(const Extents& e, const A& a, AlongA, const B& b, AlongB, const Sink& c) const {
    multiply_tf32<AlongA::value, AlongB::value>(e, a, b, c);
  }
};

}  // namespace

void conv2d_tf32(const Conv2dGeometry& g, const float* x, const float* w, const Epilogue<float>& e,
                 float* y) {
  conv2d_product(g, x, w, e, y, OnTensorCores());
}
void conv2d_input_tf32(const Conv2dGeometry& g, const float* y, const float* w, const Epilogue<float>& e,
                       float* x) {
  conv2d_input_product(g, y, w, e, x, OnTensorCores());
}
void conv2d_filter_tf32(const Conv2dGeometry& g, const float* x, const float* y, float* w) {
  conv2d_filter_product(g, x, y, w, OnTensorCores());
}

}  // namespace gesso::kernels::GESSO_LEVEL
