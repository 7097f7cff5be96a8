#include "tensor/ops.h"
#include "tensor/walk.h"

#include <algorithm>
#include <limits>

namespace gesso::tensor {

using kernels::Kernels;

namespace {

/// Which dimensions are reduced.
struct AxisSet {
  bool has[kernels::kMaxDims] = {};
};

/// The axes, each named once; an empty list means all.
AxisSet axis_set(const char* op, const Tensor& x, const Axes& axes) {
  check_defined(op, x);
  AxisSet set;
  if (axes.empty()) std::fill_n(set.has, x.rank(), true);
  for (int axis : axes) {
    const int a = x.shape().axis(op, axis);
    check(!set.has[a], "{}: axis {} of shape {} is named twice", op, axis, x.shape());
    set.has[a] = true;
  }
  return set;
}

Shape without(const Shape& shape, const AxisSet& axes, bool keep) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i)
    if (keep || !axes.has[i]) out.push_back(axes.has[i] ? 1 : shape[i]);
  return out;
}

/// How many elements are reduced to one.
std::int64_t count(const Shape& shape, const AxisSet& axes) {
  std::int64_t n = 1;
  for (int i = 0; i < shape.rank(); ++i)
    if (axes.has[i]) n *= shape[i];
  return n;
}

/// Reduces neighbouring axes together, from the last group to the first.
Tensor reduce(const char* op_name, kernels::Reduction op, const Tensor& x, const Axes& axes, bool keep) {
  const AxisSet reduced = axis_set(op_name, x, axes);
  const Shape result = without(x.shape(), reduced, keep);
  check(op == kernels::Reduction::sum || count(x.shape(), reduced) > 0 || result.size() == 0,
        "{}: shape {} has no elements to reduce to {}", op_name, x.shape(), result);
  return with_kernels(op_name, x, [&]<class T>(const Kernels<T>& k) {
    if (x.rank() == 0) return x.clone();
    Tensor y = x;
    for (int begin = x.rank() - 1; begin >= 0; --begin) {
      if (!reduced.has[begin]) continue;
      const int end = begin + 1;
      while (begin > 0 && reduced.has[begin - 1]) --begin;
      Shape shape = y.shape();
      for (int i = begin; i < end; ++i) shape[i] = 1;
      Tensor next(shape, x.dtype(), x.device());
      if (next.size())
        k.reduce(op, slab(y.shape(), begin, end), y.device_data<T>(), next.mutable_device_data<T>());
      y = std::move(next);
    }
    return y.reshape(result);
  });
}

/// The slab around one axis, and the shape without it.
struct Around {
  kernels::Slab slab;
  Shape rest;
};
Around around(const char* op, const Tensor& x, int axis, bool keep) {
  check_defined(op, x);
  const int a = x.shape().axis(op, axis);
  AxisSet one;
  one.has[a] = true;
  return {slab(x.shape(), a, a + 1), without(x.shape(), one, keep)};
}

Tensor arg_reduce(const char* op_name, kernels::ArgReduction op, const Tensor& x, int axis, bool keep) {
  const Around at = around(op_name, x, axis, keep);
  check(at.slab.n > 0, "{}: axis {} of shape {} has no elements", op_name, axis, x.shape());
  return with_kernels(op_name, x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(at.rest, DType::i64, x.device());
    if (y.size()) k.arg_reduce(op, at.slab, x.device_data<T>(), y.mutable_device_data<std::int64_t>());
    return y;
  });
}

/// y, of x's shape, by f(kernels, the slab around the axis, x's elements, y's).
template <class F>
Tensor along_axis(const char* op, const Tensor& x, int axis, const F& f) {
  const Around at = around(op, x, axis, true);
  return with_kernels(op, x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(x.shape(), x.dtype(), x.device());
    if (y.size()) f(k, at.slab, x.device_data<T>(), y.mutable_device_data<T>());
    return y;
  });
}

/// sum / n; NaN where n is 0.
Tensor divided(const Tensor& sum, std::int64_t n) {
  return binary(kernels::Binary::div, sum, full({}, static_cast<double>(n), sum.dtype(), sum.device()));
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keep) {
  return reduce("sum", kernels::Reduction::sum, x, axes, keep);
}
Tensor max(const Tensor& x, const Axes& axes, bool keep) {
  return reduce("max", kernels::Reduction::max, x, axes, keep);
}
Tensor min(const Tensor& x, const Axes& axes, bool keep) {
  return reduce("min", kernels::Reduction::min, x, axes, keep);
}

Tensor mean(const Tensor& x, const Axes& axes, bool keep) {
  const std::int64_t n = count(x.shape(), axis_set("mean", x, axes));
  return divided(reduce("mean", kernels::Reduction::sum, x, axes, keep), n);
}

Tensor var(const Tensor& x, const Axes& axes, int correction, bool keep) {
  const std::int64_t n = count(x.shape(), axis_set("var", x, axes));
  const Tensor squares = binary(kernels::Binary::squared_difference, x, mean(x, axes, true));
  return divided(sum(squares, axes, keep), std::max<std::int64_t>(n - correction, 0));
}

Tensor argmax(const Tensor& x, int axis, bool keep) {
  return arg_reduce("argmax", kernels::ArgReduction::argmax, x, axis, keep);
}
Tensor argmin(const Tensor& x, int axis, bool keep) {
  return arg_reduce("argmin", kernels::ArgReduction::argmin, x, axis, keep);
}

Tensor logsumexp(const Tensor& x, int axis, bool keep) {
  const Around at = around("logsumexp", x, axis, keep);
  return with_kernels("logsumexp", x, [&]<class T>(const Kernels<T>& k) {
    if (at.slab.n == 0)
      return full(at.rest, -std::numeric_limits<double>::infinity(), x.dtype(), x.device());  // log 0
    Tensor y(at.rest, x.dtype(), x.device());
    if (y.size()) k.logsumexp(at.slab, x.device_data<T>(), y.mutable_device_data<T>());
    return y;
  });
}

Tensor softmax(const Tensor& x, int axis) {
  return along_axis("softmax", x, axis, [](const auto& k, auto... arguments) { k.softmax(arguments...); });
}
Tensor log_softmax(const Tensor& x, int axis) {
  return along_axis("log_softmax", x, axis,
                    [](const auto& k, auto... arguments) { k.log_softmax(arguments...); });
}
Tensor cumsum(const Tensor& x, int axis, bool reverse) {
  return along_axis("cumsum", x, axis, [=](const auto& k, kernels::Slab s, auto* from, auto* to) {
    k.cumsum(s, reverse, from, to);
  });
}

Tensor sum_binary(kernels::Binary op, const Tensor& a, const Tensor& b, kernels::Scalars s) {
  check_alike(tensor::name(op), a, b);
  check_same_shape(tensor::name(op), a, b);
  return with_kernels(tensor::name(op), a, [&]<class T>(const Kernels<T>& k) {
    Tensor y(Shape{}, a.dtype(), a.device());
    k.sum_binary(op, s, a.size(), a.device_data<T>(), b.device_data<T>(), y.mutable_device_data<T>());
    return y;
  });
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  check_defined("sum_to", x);
  if (x.shape() == shape) return x;
  check(shape.rank() <= x.rank() && broadcast_shape("sum_to", shape, x.shape()) == x.shape(),
        "sum_to: {} does not broadcast to {}", shape, x.shape());
  const int lead = x.rank() - shape.rank();
  Axes repeated;
  for (int i = 0; i < x.rank(); ++i)
    if (i < lead || shape[i - lead] != x.shape()[i]) repeated.push_back(i);
  return sum(x, repeated, true).reshape(shape);
}

}  // namespace gesso::tensor
