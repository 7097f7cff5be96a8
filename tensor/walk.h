// How tensor operations check their operands and reach their kernels: the switch over device and dtype, and walks.
// Internal to tensor/.
#pragma once

#include "tensor/tensor.h"

#include <initializer_list>

namespace gesso::tensor {

// ---- checks; `op` is the operation that complains ----

inline void check_defined(const char* op, const Tensor& x) {
  check(x.defined(), "{}: an undefined tensor", op);
}
void check_same_device(const char* op, const Tensor& a, const Tensor& b);
/// Both defined, of one dtype and on one device.
void check_alike(const char* op, const Tensor& a, const Tensor& b);
void check_same_shape(const char* op, const Tensor& a, const Tensor& b);
void check_mask(const char* op, const Tensor& mask);
/// An i64 tensor whose entries are in [0, n); `what` names the things there are n of.
void check_index(const char* op, const Tensor& index, std::int64_t n, const char* what);
inline bool is_floating(DType t) { return t == DType::f32 || t == DType::f64; }

/// [begin, end) along an axis, negative numbers counted from the end.
struct Range {
  std::int64_t begin, end;
};
Range range(const char* op, const Tensor& x, int axis, std::int64_t begin, std::int64_t end);

/// The device; throws where this build or this machine has none.
const kernels::Backend& backend_of(Device d);
inline const kernels::Backend& backend_of(const Tensor& x) { return backend_of(x.device()); }

/// The one switch over (device, dtype): calls f(const Kernels<T>&) for the floating-point type of x.
template <class F>
decltype(auto) with_kernels(const char* op, const Tensor& x, F&& f) {
  check_defined(op, x);
  switch (x.dtype()) {
    case DType::f32:
      return f(backend_of(x).of<float>());
    case DType::f64:
      return f(backend_of(x).of<double>());
    default:
      throw Error("{}: {} is {}; arithmetic is for f32 and f64, convert it first", op, x.shape(),
                  name(x.dtype()));
  }
}

/// The kernel `op` is about to call; throws where the device of x has none yet.
template <class F>
F* present(const char* op, const Tensor& x, F* kernel) {
  check(kernel != nullptr, "{}: not on {} yet", op, name(x.device()));
  return kernel;
}

// ---- walks ----

/// The shape that broadcasting gives: aligned at the last dimension, extents of 1 repeated.
Shape broadcast_shape(const char* op, const Shape& a, const Shape& b);

struct Strides {
  std::int64_t of[kernels::kMaxDims];
};
Strides row_major_strides(const Shape& shape);
/// The row-major strides of `from`, aligned to the dimensions of `to`, 0 where an extent is repeated.
Strides broadcast_strides(const Shape& from, const Shape& to);

/// A walk over `shape` for up to three operands, dimensions that lie densely behind each other merged. Kernels that take
/// one are not called when the shape has no elements.
kernels::Walk make_walk(const Shape& shape, std::initializer_list<Strides> operands);

/// A tensor of `shape` seen around the dimensions [first, last).
inline kernels::Slab slab(const Shape& shape, int first, int last) {
  return {shape.product(0, first), shape.product(first, last), shape.product(last, shape.rank())};
}

}  // namespace gesso::tensor
