#include "kernels/kernel_names.h"
#include "tensor/ops.h"
#include "tensor/walk.h"

#include <iterator>

namespace gesso::tensor {

using kernels::Kernels;

// "add", whether a number is added or a tensor.
const char* name(kernels::Unary op) {
  static constexpr const char* scalar[] = {"add", "mul", "sub", "div", "pow"};
  static_assert(std::size(scalar) == static_cast<int>(kernels::Unary::pow_scalar) + 1);
  return op <= kernels::Unary::pow_scalar ? scalar[static_cast<int>(op)] : kernels::name(op);
}
const char* name(kernels::Binary op) { return kernels::name(op); }

Tensor unary(kernels::Unary op, const Tensor& x, kernels::Scalars s) {
  return with_kernels(tensor::name(op), x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(x.shape(), x.dtype(), x.device());
    k.unary(op, s, x.size(), x.device_data<T>(), y.mutable_device_data<T>());
    return y;
  });
}

Tensor binary(kernels::Binary op, const Tensor& a, const Tensor& b, kernels::Scalars s) {
  check_alike(tensor::name(op), a, b);
  return with_kernels(tensor::name(op), a, [&]<class T>(const Kernels<T>& k) {
    const Shape shape = broadcast_shape(tensor::name(op), a.shape(), b.shape());
    Tensor y(shape, a.dtype(), a.device());
    const auto walk =
        make_walk(shape, {broadcast_strides(a.shape(), shape), broadcast_strides(b.shape(), shape)});
    if (y.size()) k.binary(op, s, walk, a.device_data<T>(), b.device_data<T>(), y.mutable_device_data<T>());
    return y;
  });
}

Tensor compare(kernels::Compare op, const Tensor& a, const Tensor& b) {
  check_alike(kernels::name(op), a, b);
  if (!is_floating(a.dtype())) return compare(op, a.to(DType::f64), b.to(DType::f64));
  return with_kernels(kernels::name(op), a, [&]<class T>(const Kernels<T>& k) {
    const Shape shape = broadcast_shape(kernels::name(op), a.shape(), b.shape());
    Tensor y(shape, DType::b8, a.device());
    const auto walk =
        make_walk(shape, {broadcast_strides(a.shape(), shape), broadcast_strides(b.shape(), shape)});
    if (y.size())
      k.compare(op, walk, a.device_data<T>(), b.device_data<T>(),
                reinterpret_cast<std::uint8_t*>(y.mutable_raw()));
    return y;
  });
}

Tensor compare(kernels::Compare op, const Tensor& a, double b) {
  check_defined(kernels::name(op), a);
  const DType dtype = is_floating(a.dtype()) ? a.dtype() : DType::f64;  // 2 > 1.5 also where a is i64
  return compare(op, a.to(dtype), full({}, b, dtype, a.device()));
}

Tensor logical_not(const Tensor& mask) {
  check_mask("logical_not", mask);
  return compare(kernels::Compare::eq, mask, 0.0);
}

Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b) {
  check_mask("where", mask);
  check_alike("where", a, b);
  check_same_device("where", mask, a);
  const Shape shape = broadcast_shape("where", broadcast_shape("where", a.shape(), b.shape()), mask.shape());
  Tensor y(shape, a.dtype(), a.device());
  const auto walk =
      make_walk(shape, {broadcast_strides(mask.shape(), shape), broadcast_strides(a.shape(), shape),
                        broadcast_strides(b.shape(), shape)});
  if (y.size())
    backend_of(y).move->where(walk, size_of(a.dtype()), reinterpret_cast<const std::uint8_t*>(mask.raw()),
                              a.raw(), b.raw(), y.mutable_raw());
  return y;
}

Tensor cast(const Tensor& x, DType dtype) {
  check_defined("cast", x);
  Tensor y(x.shape(), dtype, x.device());
  backend_of(x).move->cast(x.size(), x.dtype(), x.raw(), dtype, y.mutable_raw());
  return y;
}

void fill_(Tensor& y, double value) {
  check_defined("fill_", y);
  if (!is_floating(y.dtype()))
    return copy_(y, broadcast_to(full({}, value, DType::f64, y.device()).to(y.dtype()), y.shape()));
  with_kernels("fill_", y, [&]<class T>(const Kernels<T>& k) {
    k.fill(y.size(), static_cast<T>(value), y.mutable_device_data<T>());
  });
}

void add_(Tensor& y, const Tensor& x) {
  check_alike("add_", y, x);
  check_same_shape("add_", y, x);
  with_kernels("add_", y, [&]<class T>(const Kernels<T>& k) {
    const Strides dense = row_major_strides(y.shape());
    T* out = y.mutable_device_data<T>();
    if (y.size())
      k.binary(kernels::Binary::add, {}, make_walk(y.shape(), {dense, dense}), out, x.device_data<T>(), out);
  });
}

void copy_(Tensor& y, const Tensor& x) {
  check_defined("copy_", y);
  check_defined("copy_", x);
  check_same_shape("copy_", y, x);
  const Tensor here = x.to(y.device());
  backend_of(y).move->cast(x.size(), x.dtype(), here.raw(), y.dtype(), y.mutable_raw());
}

void lerp_(Tensor& y, const Tensor& x, double weight) {
  check_alike("lerp_", y, x);
  check_same_shape("lerp_", y, x);
  with_kernels("lerp_", y, [&]<class T>(const Kernels<T>& k) {
    k.lerp(static_cast<T>(weight), y.size(), x.device_data<T>(), y.mutable_device_data<T>());
  });
}

}  // namespace gesso::tensor
