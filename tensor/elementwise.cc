#include "tensor/ops.h"
#include "tensor/walk.h"

#include <iterator>

namespace gesso::tensor {

using kernels::Kernels;

const char* name(kernels::Unary op) {
  constexpr const char* names[] = {"add", "mul", "sub", "div", "pow", "clamp", "abs", "sign", "exp", "log", "log1p", "sqrt",
                                   "square", "sin", "cos", "erf", "tanh", "sigmoid", "softplus", "leaky_relu", "elu", "gelu",
                                   "silu"};
  static_assert(std::size(names) == static_cast<int>(kernels::Unary::silu) + 1);
  return names[static_cast<int>(op)];
}

const char* name(kernels::Binary op) {
  constexpr const char* names[] = {"add", "sub", "mul", "div", "pow", "max", "min", "leaky_relu_grad", "clamp_grad",
                                   "sigmoid_grad", "tanh_grad", "elu_grad", "squared_difference", "absolute_difference",
                                   "bce_with_logits", "bce_with_logits_grad"};
  static_assert(std::size(names) == static_cast<int>(kernels::Binary::bce_with_logits_grad) + 1);
  return names[static_cast<int>(op)];
}

Tensor unary(kernels::Unary op, const Tensor& x, kernels::Scalars s) {
  return with_kernels(name(op), x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(x.shape(), x.dtype());
    k.unary(op, s, x.size(), x.data<T>(), y.template mutable_data<T>());
    return y;
  });
}

Tensor binary(kernels::Binary op, const Tensor& a, const Tensor& b, kernels::Scalars s) {
  check_floating_pair(name(op), a, b);
  return with_kernels(name(op), a, [&]<class T>(const Kernels<T>& k) {
    const Shape shape = broadcast_shape(name(op), a.shape(), b.shape());
    Tensor y(shape, a.dtype());
    const auto walk = make_walk(shape, {broadcast_strides(a.shape(), shape), broadcast_strides(b.shape(), shape)});
    if (y.size()) k.binary(op, s, walk, a.data<T>(), b.data<T>(), y.template mutable_data<T>());
    return y;
  });
}

Tensor compare(kernels::Compare op, const Tensor& a, const Tensor& b) {
  check_floating_pair("compare", a, b);
  if (a.dtype() != DType::f32 && a.dtype() != DType::f64) return compare(op, a.to(DType::f64), b.to(DType::f64));
  return with_kernels("compare", a, [&]<class T>(const Kernels<T>& k) {
    const Shape shape = broadcast_shape("compare", a.shape(), b.shape());
    Tensor y(shape, DType::b8);
    const auto walk = make_walk(shape, {broadcast_strides(a.shape(), shape), broadcast_strides(b.shape(), shape)});
    if (y.size())
      k.compare(op, walk, a.data<T>(), b.data<T>(), reinterpret_cast<std::uint8_t*>(y.mutable_data<bool>()));
    return y;
  });
}

Tensor compare(kernels::Compare op, const Tensor& a, double b) { return compare(op, a, full({}, b, a.dtype())); }

Tensor logical_not(const Tensor& mask) {
  check(mask.dtype() == DType::b8, "logical_not: {} is {}, not b8", mask.shape(), name(mask.dtype()));
  return compare(kernels::Compare::eq, mask, 0.0);
}

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  check(mask.dtype() == DType::b8, "where: mask {} is {}, not b8", mask.shape(), name(mask.dtype()));
  check_floating_pair("where", a, b);
  const Shape shape = broadcast_shape("where", broadcast_shape("where", a.shape(), b.shape()), mask.shape());
  Tensor y(shape, a.dtype());
  const auto walk = make_walk(shape, {broadcast_strides(mask.shape(), shape), broadcast_strides(a.shape(), shape),
                                      broadcast_strides(b.shape(), shape)});
  if (y.size())
    kernels::cpu_move().where(walk, size_of(a.dtype()), reinterpret_cast<const std::uint8_t*>(mask.raw()), a.raw(), b.raw(),
                              y.mutable_raw());
  return y;
}

Tensor cast(const Tensor& x, DType dtype) {
  Tensor y(x.shape(), dtype);
  kernels::cpu_move().cast(x.size(), x.dtype(), x.raw(), dtype, y.mutable_raw());
  return y;
}

void fill_(Tensor& y, double value) {
  if (y.dtype() != DType::f32 && y.dtype() != DType::f64) return copy_(y, full(y.shape(), value, DType::f64));
  with_kernels("fill", y, [&]<class T>(const Kernels<T>& k) {
    k.fill(y.size(), static_cast<T>(value), y.template mutable_data<T>());
  });
}

void add_(Tensor& y, const Tensor& x) {
  check_floating_pair("add_", y, x);
  check(y.shape() == x.shape(), "add_: y {} += x {}: shapes differ", y.shape(), x.shape());
  with_kernels("add_", y, [&]<class T>(const Kernels<T>& k) {
    const Strides dense = row_major_strides(y.shape());
    T* out = y.template mutable_data<T>();
    if (y.size()) k.binary(kernels::Binary::add, {}, make_walk(y.shape(), {dense, dense}), out, x.data<T>(), out);
  });
}

void copy_(Tensor& y, const Tensor& x) {
  check(y.shape() == x.shape(), "copy_: y {} = x {}: shapes differ", y.shape(), x.shape());
  kernels::cpu_move().cast(x.size(), x.dtype(), x.raw(), y.dtype(), y.mutable_raw());
}

void lerp_(Tensor& y, const Tensor& x, double weight) {
  check_floating_pair("lerp_", y, x);
  check(y.shape() == x.shape(), "lerp_: y {}, x {}: shapes differ", y.shape(), x.shape());
  with_kernels("lerp_", y, [&]<class T>(const Kernels<T>& k) {
    k.lerp(static_cast<T>(weight), y.size(), x.data<T>(), y.template mutable_data<T>());
  });
}

}  // namespace gesso::tensor
