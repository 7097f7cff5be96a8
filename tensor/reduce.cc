#include <algorithm>

#include "tensor/ops.h"
#include "tensor/walk.h"

namespace gesso::tensor {

using kernels::Kernels;

namespace {

/// The axes as ascending numbers from the front, each once; an empty list means all.
Axes normalise(const char* op, const Shape& shape, const Axes& axes) {
  Axes out;
  if (axes.empty())
    for (int i = 0; i < shape.rank(); ++i) out.push_back(i);
  for (int a : axes) out.push_back(shape.axis(op, a));
  std::sort(out.begin(), out.end());
  check(std::adjacent_find(out.begin(), out.end()) == out.end(), "{}: an axis of {} is named twice", op, shape);
  return out;
}

Shape without(const Shape& shape, const Axes& sorted, bool keep) {
  Shape out;
  for (int i = 0; i < shape.rank(); ++i) {
    if (!std::binary_search(sorted.begin(), sorted.end(), i))
      out.push_back(shape[i]);
    else if (keep)
      out.push_back(1);
  }
  return out;
}

std::int64_t count(const Shape& shape, const Axes& sorted) {
  std::int64_t n = 1;
  for (int a : sorted) n *= shape[a];
  return n;
}

/// Reduces neighbouring axes together, from the last group to the first.
Tensor reduce(const char* op_name, kernels::Reduction op, const Tensor& x, const Axes& axes, bool keep) {
  const Axes sorted = normalise(op_name, x.shape(), axes);
  check(op == kernels::Reduction::sum || count(x.shape(), sorted) > 0, "{}: over no elements of shape {}", op_name,
        x.shape());
  return with_kernels(op_name, x, [&]<class T>(const Kernels<T>& k) {
    Tensor y = x;
    for (auto last = sorted.size(); last > 0;) {
      auto first = last - 1;
      while (first > 0 && sorted[first - 1] == sorted[first] - 1) --first;
      const int begin = sorted[first], end = sorted[last - 1] + 1;
      Shape shape = y.shape();
      for (int i = begin; i < end; ++i) shape[i] = 1;
      Tensor next(shape, x.dtype());
      k.reduce(op, slab(y.shape(), begin, end), y.data<T>(), next.mutable_data<T>());
      y = next;
      last = first;
    }
    return y.reshape(without(x.shape(), sorted, keep));
  });
}

Tensor arg_reduce(const char* op_name, kernels::ArgReduction op, const Tensor& x, int axis, bool keep) {
  const int a = x.shape().axis(op_name, axis);
  check(x.shape()[a] > 0, "{}: axis {} of shape {} has no elements", op_name, axis, x.shape());
  return with_kernels(op_name, x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(without(x.shape(), {a}, keep), DType::i64);
    k.arg_reduce(op, slab(x.shape(), a, a + 1), x.data<T>(), y.mutable_data<std::int64_t>());
    return y;
  });
}

}  // namespace

Tensor sum(const Tensor& x, const Axes& axes, bool keep) { return reduce("sum", kernels::Reduction::sum, x, axes, keep); }
Tensor max(const Tensor& x, const Axes& axes, bool keep) { return reduce("max", kernels::Reduction::max, x, axes, keep); }
Tensor min(const Tensor& x, const Axes& axes, bool keep) { return reduce("min", kernels::Reduction::min, x, axes, keep); }

Tensor mean(const Tensor& x, const Axes& axes, bool keep) {
  const std::int64_t n = count(x.shape(), normalise("mean", x.shape(), axes));
  return unary(kernels::Unary::mul_scalar, sum(x, axes, keep), {1.0 / static_cast<double>(n)});
}

Tensor var(const Tensor& x, const Axes& axes, int correction, bool keep) {
  const std::int64_t n = count(x.shape(), normalise("var", x.shape(), axes));
  const Tensor squares = binary(kernels::Binary::squared_difference, x, mean(x, axes, true));
  return unary(kernels::Unary::mul_scalar, sum(squares, axes, keep), {1.0 / static_cast<double>(n - correction)});
}

Tensor argmax(const Tensor& x, int axis, bool keep) {
  return arg_reduce("argmax", kernels::ArgReduction::argmax, x, axis, keep);
}
Tensor argmin(const Tensor& x, int axis, bool keep) {
  return arg_reduce("argmin", kernels::ArgReduction::argmin, x, axis, keep);
}

Tensor logsumexp(const Tensor& x, int axis, bool keep) {
  const int a = x.shape().axis("logsumexp", axis);
  return with_kernels("logsumexp", x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(without(x.shape(), {a}, keep), x.dtype());
    k.logsumexp(slab(x.shape(), a, a + 1), x.data<T>(), y.mutable_data<T>());
    return y;
  });
}

Tensor softmax(const Tensor& x, int axis) {
  const int a = x.shape().axis("softmax", axis);
  return with_kernels("softmax", x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(x.shape(), x.dtype());
    k.softmax(slab(x.shape(), a, a + 1), x.data<T>(), y.mutable_data<T>());
    return y;
  });
}

Tensor log_softmax(const Tensor& x, int axis) {
  const int a = x.shape().axis("log_softmax", axis);
  return with_kernels("log_softmax", x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(x.shape(), x.dtype());
    k.log_softmax(slab(x.shape(), a, a + 1), x.data<T>(), y.mutable_data<T>());
    return y;
  });
}

Tensor cumsum(const Tensor& x, int axis, bool reverse) {
  const int a = x.shape().axis("cumsum", axis);
  return with_kernels("cumsum", x, [&]<class T>(const Kernels<T>& k) {
    Tensor y(x.shape(), x.dtype());
    k.cumsum(slab(x.shape(), a, a + 1), reverse, x.data<T>(), y.mutable_data<T>());
    return y;
  });
}

Tensor sum_binary(kernels::Binary op, const Tensor& a, const Tensor& b, kernels::Scalars s) {
  check_floating_pair(name(op), a, b);
  check(a.shape() == b.shape(), "{}: a {} and b {} must have the same shape", name(op), a.shape(), b.shape());
  return with_kernels(name(op), a, [&]<class T>(const Kernels<T>& k) {
    Tensor y(Shape{}, a.dtype());
    k.sum_binary(op, s, a.size(), a.data<T>(), b.data<T>(), y.mutable_data<T>());
    return y;
  });
}

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  const int lead = x.rank() - shape.rank();
  Axes axes;
  for (int i = 0; i < x.rank(); ++i)
    if (i < lead || (shape[i - lead] == 1 && x.shape()[i] != 1)) axes.push_back(i);
  check(broadcast_shape("sum_to", shape, x.shape()) == x.shape(), "sum_to: {} does not broadcast to {}", shape, x.shape());
  return axes.empty() ? x.reshape(shape) : sum(x, axes, true).reshape(shape);
}

}  // namespace gesso::tensor
