// How tensor operations reach their kernels: the switch over device and dtype, and broadcast walks. Internal to tensor/.
#pragma once

#include <initializer_list>

#include "tensor/tensor.h"

namespace gesso::tensor {

/// The one switch over (device, dtype): calls f(const Kernels<T>&) for the floating-point type of x.
template <class F>
decltype(auto) with_kernels(const char* op, const Tensor& x, F&& f) {
  switch (x.dtype()) {
    case DType::f32:
      return f(kernels::cpu<float>());
    case DType::f64:
      return f(kernels::cpu<double>());
    default:
      throw Error("{}: x {} is {}; arithmetic is for f32 and f64, convert it first", op, x.shape(), name(x.dtype()));
  }
}

/// The shape that broadcasting gives: aligned at the last dimension, extents of 1 repeated.
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b);

/// The row-major strides of `from`, aligned to the dimensions of `to`, 0 where an extent is repeated.
struct Strides {
  std::int64_t of[kernels::kMaxDims];
};
Strides broadcast_strides(const Shape& from, const Shape& to);
Strides row_major_strides(const Shape& shape);

/// A walk over `shape` for up to three operands, dimensions that lie densely behind each other merged.
kernels::Walk make_walk(const Shape& shape, std::initializer_list<Strides> operands);

/// A tensor of `shape` seen around the dimensions [first, last).
inline kernels::Slab slab(const Shape& shape, int first, int last) {
  return {shape.product(0, first), shape.product(first, last), shape.product(last, shape.rank())};
}

void check_floating_pair(const char* op, const Tensor& a, const Tensor& b);

}  // namespace gesso::tensor
