#include "tensor/ops.h"
#include "tensor/walk.h"

#include <algorithm>
#include <numeric>

namespace gesso::tensor {
namespace {

/// Copies the elements of `shape`, found from x + x_start with strides xs, to y + y_start with strides ys.
void copy_walk(const Shape& shape, const Tensor& x, const Strides& xs, std::int64_t x_start, Tensor& y,
               const Strides& ys, std::int64_t y_start) {
  if (shape.size() == 0) return;
  const int size = size_of(x.dtype());
  backend_of(x).move->copy(make_walk(shape, {xs, ys}), size, x.raw() + x_start * size,
                        y.mutable_raw() + y_start * size);
}

}  // namespace

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  check_defined("broadcast_to", x);
  if (x.shape() == shape) return x;
  check(x.rank() <= shape.rank() && broadcast_shape("broadcast_to", x.shape(), shape) == shape,
        "broadcast_to: {} does not broadcast to {}", x.shape(), shape);
  Tensor y(shape, x.dtype(), x.device());
  copy_walk(shape, x, broadcast_strides(x.shape(), shape), 0, y, row_major_strides(shape), 0);
  return y;
}

Tensor permute(const Tensor& x, const std::vector<int>& order) {
  check_defined("permute", x);
  check(order.size() == static_cast<std::size_t>(x.rank()), "permute: {} axes for shape {}", order.size(),
        x.shape());
  const Strides dense = row_major_strides(x.shape());
  Shape shape = x.shape();
  Strides from{};
  bool seen[kernels::kMaxDims] = {};
  for (int i = 0; i < x.rank(); ++i) {
    const int a = x.shape().axis("permute", order[static_cast<std::size_t>(i)]);
    check(!seen[a], "permute: axis {} of shape {} is named twice", a, x.shape());
    seen[a] = true;
    shape[i] = x.shape()[a];
    from.of[i] = dense.of[a];
  }
  Tensor y(shape, x.dtype(), x.device());
  copy_walk(shape, x, from, 0, y, row_major_strides(shape), 0);
  return y;
}

Tensor transpose(const Tensor& x) {
  check_defined("transpose", x);
  check(x.rank() >= 2, "transpose: shape {} has fewer than two dimensions", x.shape());
  std::vector<int> order(static_cast<std::size_t>(x.rank()));
  std::iota(order.begin(), order.end(), 0);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return permute(x, order);
}

Tensor flip(const Tensor& x, const Axes& axes) {
  check_defined("flip", x);
  const Strides dense = row_major_strides(x.shape());
  Strides from = dense;
  std::int64_t start = 0;
  bool seen[kernels::kMaxDims] = {};
  for (int axis : axes) {
    const int a = x.shape().axis("flip", axis);
    check(!seen[a], "flip: axis {} of shape {} is named twice", axis, x.shape());
    seen[a] = true;
    from.of[a] = -dense.of[a];
    start += (x.shape()[a] - 1) * dense.of[a];
  }
  Tensor y(x.shape(), x.dtype(), x.device());
  copy_walk(x.shape(), x, from, start, y, dense, 0);
  return y;
}

Tensor pad(const Tensor& x, const Padding& padding, double value) {
  check_defined("pad", x);
  check(padding.size() == static_cast<std::size_t>(x.rank()), "pad: {} pairs for shape {}", padding.size(),
        x.shape());
  const Strides xs = row_major_strides(x.shape());
  Shape shape = x.shape(), shared = x.shape();  // shared: the part of x that is in y
  bool grows = false;
  std::int64_t x_start = 0;
  for (int i = 0; i < x.rank(); ++i) {
    const auto [before, after] = padding[static_cast<std::size_t>(i)];
    const std::int64_t n = x.shape()[i];
    check(before >= -n && after >= -n && std::max(before, after) < INT64_MAX / 4,
          "pad: ({}, {}) around the {} elements of dimension {} of shape {}", before, after, n, i, x.shape());
    shape[i] += before + after;
    shared[i] += std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(after, 0);
    check(shared[i] >= 0, "pad: ({}, {}) crops more than the {} elements of dimension {} of shape {}", before,
          after, n, i, x.shape());
    x_start += std::max<std::int64_t>(-before, 0) * xs.of[i];
    grows = grows || before > 0 || after > 0;
  }
  Tensor y = grows ? full(shape, value, x.dtype(), x.device()) : Tensor(shape, x.dtype(), x.device());
  const Strides ys = row_major_strides(shape);
  std::int64_t y_start = 0;
  for (int i = 0; i < x.rank(); ++i)
    y_start += std::max<std::int64_t>(padding[static_cast<std::size_t>(i)].first, 0) * ys.of[i];
  copy_walk(shared, x, xs, x_start, y, ys, y_start);
  return y;
}

Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  check_defined("slice", x);
  const int a = x.shape().axis("slice", axis);
  if (a == 0) return x.slice(begin, end);
  const Range r = range("slice", x, axis, begin, end);
  const Strides xs = row_major_strides(x.shape());
  Shape shape = x.shape();
  shape[a] = r.end - r.begin;
  Tensor y(shape, x.dtype(), x.device());
  copy_walk(shape, x, xs, r.begin * xs.of[a], y, row_major_strides(shape), 0);
  return y;
}

Tensor concat(const std::vector<Tensor>& xs, int axis) {
  check(!xs.empty(), "concat: no tensors");
  for (const Tensor& x : xs) check_defined("concat", x);
  const int a = xs[0].shape().axis("concat", axis);
  Shape shape = xs[0].shape();
  shape[a] = 0;
  for (const Tensor& x : xs) {
    Shape expected = xs[0].shape();
    if (x.rank() == shape.rank()) expected[a] = x.shape()[a];
    check(x.shape() == expected && x.dtype() == xs[0].dtype(),
          "concat: along axis {} {} {} does not fit {} {}", axis, name(x.dtype()), x.shape(),
          name(xs[0].dtype()), xs[0].shape());
    check_same_device("concat", x, xs[0]);
    shape[a] += x.shape()[a];
  }
  Tensor y(shape, xs[0].dtype(), xs[0].device());
  const Strides ys = row_major_strides(shape);
  std::int64_t start = 0;
  for (const Tensor& x : xs) {
    copy_walk(x.shape(), x, row_major_strides(x.shape()), 0, y, ys, start);
    start += x.shape()[a] * ys.of[a];
  }
  return y;
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis) {
  check_defined("split", x);
  const int a = x.shape().axis("split", axis);
  const std::int64_t total = x.shape()[a];
  std::int64_t at = 0;
  std::vector<Tensor> out;
  for (std::int64_t n : sizes) {
    check(n >= 0 && n <= total - at, "split: a part of {} where {} are left of axis {} of shape {}", n,
          total - at, axis, x.shape());
    out.push_back(slice(x, a, at, at + n));
    at += n;
  }
  check(at == total, "split: the parts have {} elements, axis {} of shape {} has {}", at, axis, x.shape(),
        total);
  return out;
}

Tensor take_rows(const Tensor& x, const Tensor& index) {
  check_defined("take_rows", x);
  check(x.rank() >= 1, "take_rows: a 0-dimensional tensor has no rows");
  check_index("take_rows", index, x.shape()[0], "rows");
  check(index.rank() + x.rank() - 1 <= kernels::kMaxDims,
        "take_rows: x {} at index {}: more than {} dimensions", x.shape(), index.shape(), kernels::kMaxDims);
  Shape shape = index.shape();
  for (int i = 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  Tensor y(shape, x.dtype(), x.device());
  const std::int64_t row_bytes = x.shape().product(1, x.rank()) * size_of(x.dtype());
  const Tensor at = index.to(x.device());
  if (y.size())
    backend_of(x).move->take_rows(at.size(), row_bytes, at.device_data<std::int64_t>(), x.raw(),
                               y.mutable_raw());
  return y;
}

Tensor add_rows(const Tensor& x, const Tensor& index, std::int64_t rows) {
  check_defined("add_rows", x);
  check_index("add_rows", index, rows, "rows");
  const Shape &xs = x.shape(), &is = index.shape();
  check(xs.rank() >= is.rank() && std::equal(is.begin(), is.end(), xs.begin()),
        "add_rows: x {} does not begin with the shape of index {}", xs, is);
  check(xs.rank() - is.rank() < kernels::kMaxDims, "add_rows: x {} at index {}: more than {} dimensions", xs,
        is, kernels::kMaxDims);
  Shape shape{rows};
  for (int i = is.rank(); i < xs.rank(); ++i) shape.push_back(xs[i]);
  const Tensor at = index.to(x.device());
  return with_kernels("add_rows", x, [&]<class T>(const kernels::Kernels<T>& k) {
    Tensor y(shape, x.dtype(), x.device());
    if (y.size())
      k.add_rows(at.size(), rows, shape.product(1, shape.rank()), at.device_data<std::int64_t>(),
                 x.device_data<T>(), y.mutable_device_data<T>());
    return y;
  });
}

}  // namespace gesso::tensor
