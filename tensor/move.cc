#include <algorithm>
#include <cstring>

#include "tensor/ops.h"
#include "tensor/walk.h"

namespace gesso::tensor {
namespace {

/// Copies the elements of `shape`, found from x + x_start with strides xs, to y + y_start with strides ys.
void copy_walk(const Shape& shape, const Tensor& x, const Strides& xs, std::int64_t x_start, Tensor& y, const Strides& ys,
               std::int64_t y_start) {
  std::byte* out = y.mutable_raw();
  if (shape.size() == 0) return;
  const int size = size_of(x.dtype());
  kernels::cpu_move().copy(make_walk(shape, {xs, ys}), size, x.raw() + x_start * size, out + y_start * size);
}

}  // namespace

Tensor broadcast_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  check(broadcast_shape("broadcast_to", x.shape(), shape) == shape, "broadcast_to: {} does not broadcast to {}", x.shape(),
        shape);
  Tensor y(shape, x.dtype());
  copy_walk(shape, x, broadcast_strides(x.shape(), shape), 0, y, row_major_strides(shape), 0);
  return y;
}

Tensor permute(const Tensor& x, const std::vector<int>& order) {
  check(static_cast<int>(order.size()) == x.rank(), "permute: {} axes for shape {}", order.size(), x.shape());
  const Strides dense = row_major_strides(x.shape());
  Shape shape = x.shape();
  Strides from{};
  bool seen[kernels::kMaxDims] = {};
  for (int i = 0; i < x.rank(); ++i) {
    const int a = x.shape().axis("permute", order[static_cast<std::size_t>(i)]);
    check(!seen[a], "permute: axis {} of {} is named twice", a, x.shape());
    seen[a] = true;
    shape[i] = x.shape()[a];
    from.of[i] = dense.of[a];
  }
  Tensor y(shape, x.dtype());
  copy_walk(shape, x, from, 0, y, row_major_strides(shape), 0);
  return y;
}

Tensor transpose(const Tensor& x) {
  check(x.rank() >= 2, "transpose: shape {} has fewer than two dimensions", x.shape());
  std::vector<int> order;
  for (int i = 0; i < x.rank(); ++i) order.push_back(i);
  std::swap(order[order.size() - 1], order[order.size() - 2]);
  return permute(x, order);
}

Tensor flip(const Tensor& x, const Axes& axes) {
  const Strides dense = row_major_strides(x.shape());
  Strides from = dense;
  std::int64_t start = 0;
  for (int axis : axes) {
    const int a = x.shape().axis("flip", axis);
    check(from.of[a] == dense.of[a], "flip: axis {} of {} is named twice", axis, x.shape());
    from.of[a] = -dense.of[a];
    start += (x.shape()[a] - 1) * dense.of[a];
  }
  Tensor y(x.shape(), x.dtype());
  copy_walk(x.shape(), x, from, start, y, dense, 0);
  return y;
}

Tensor pad(const Tensor& x, const Padding& padding, double value) {
  check(static_cast<int>(padding.size()) == x.rank(), "pad: {} pairs for shape {}", padding.size(), x.shape());
  const Strides xs = row_major_strides(x.shape());
  Shape shape = x.shape(), shared = x.shape();  // shared: the part of x that is in y
  bool grows = false;
  for (int i = 0; i < x.rank(); ++i) {
    const auto [before, after] = padding[static_cast<std::size_t>(i)];
    shape[i] += before + after;
    shared[i] += std::min<std::int64_t>(before, 0) + std::min<std::int64_t>(after, 0);
    check(shape[i] >= 0 && shared[i] >= 0, "pad: ({}, {}) crops more than the {} elements of dimension {} of {}", before,
          after, x.shape()[i], i, x.shape());
    grows = grows || before > 0 || after > 0;
  }
  const Strides ys = row_major_strides(shape);
  std::int64_t x_start = 0, y_start = 0;
  for (int i = 0; i < x.rank(); ++i) {
    const std::int64_t before = padding[static_cast<std::size_t>(i)].first;
    x_start += std::max<std::int64_t>(-before, 0) * xs.of[i];
    y_start += std::max<std::int64_t>(before, 0) * ys.of[i];
  }
  Tensor y = grows ? full(shape, value, x.dtype()) : Tensor(shape, x.dtype());
  copy_walk(shared, x, xs, x_start, y, ys, y_start);
  return y;
}

Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  const int a = x.shape().axis("slice", axis);
  if (a == 0) return x.slice(begin, end);
  const std::int64_t n = x.shape()[a];
  const std::int64_t b = begin < 0 ? begin + n : begin, e = end < 0 ? end + n : end;
  check(0 <= b && b <= e && e <= n, "slice: [{}, {}) of axis {} of {}", begin, end, axis, x.shape());
  Padding padding(static_cast<std::size_t>(x.rank()));
  padding[static_cast<std::size_t>(a)] = {-b, e - n};
  return pad(x, padding);
}

Tensor concat(const std::vector<Tensor>& xs, int axis) {
  check(!xs.empty(), "concat: no tensors");
  const int a = xs[0].shape().axis("concat", axis);
  Shape shape = xs[0].shape();
  shape[a] = 0;
  for (const Tensor& x : xs) {
    Shape expected = xs[0].shape();
    if (x.rank() == shape.rank()) expected[a] = x.shape()[a];
    check(x.shape() == expected && x.dtype() == xs[0].dtype(), "concat along axis {}: {} {} does not fit {} {}", axis,
          name(x.dtype()), x.shape(), name(xs[0].dtype()), xs[0].shape());
    shape[a] += x.shape()[a];
  }
  Tensor y(shape, xs[0].dtype());
  const Strides ys = row_major_strides(shape);
  std::int64_t start = 0;
  for (const Tensor& x : xs) {
    copy_walk(x.shape(), x, row_major_strides(x.shape()), 0, y, ys, start);
    start += x.shape()[a] * ys.of[a];
  }
  return y;
}

std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis) {
  const int a = x.shape().axis("split", axis);
  std::int64_t at = 0;
  std::vector<Tensor> out;
  for (std::int64_t n : sizes) {
    check(n >= 0 && at + n <= x.shape()[a], "split: parts of {} go beyond axis {} of {}", at + n, axis, x.shape());
    out.push_back(slice(x, a, at, at + n));
    at += n;
  }
  check(at == x.shape()[a], "split: the parts have {} elements, axis {} of {} has {}", at, axis, x.shape(), x.shape()[a]);
  return out;
}

namespace {

/// The index as i64, every entry checked against the number of rows.
const std::int64_t* checked_index(const char* op, const Tensor& index, std::int64_t rows) {
  const std::int64_t* at = index.data<std::int64_t>();
  for (std::int64_t i = 0; i < index.size(); ++i)
    check(at[i] >= 0 && at[i] < rows, "{}: index {} at position {}, there are {} rows", op, at[i], i, rows);
  return at;
}

}  // namespace

Tensor take_rows(const Tensor& x, const Tensor& index) {
  check(x.rank() >= 1, "take_rows: a 0-dimensional tensor has no rows");
  Shape shape = index.shape();
  for (int i = 1; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  const std::int64_t* at = checked_index("take_rows", index, x.shape()[0]);
  Tensor y(shape, x.dtype());
  const std::int64_t row_bytes = x.shape().product(1, x.rank()) * size_of(x.dtype());
  kernels::cpu_move().take_rows(index.size(), row_bytes, at, x.raw(), y.mutable_raw());
  return y;
}

Tensor add_rows(const Tensor& x, const Tensor& index, std::int64_t rows) {
  check(x.rank() >= index.rank(), "add_rows: x {} has fewer dimensions than index {}", x.shape(), index.shape());
  Shape shape{rows};
  for (int i = 0; i < index.rank(); ++i)
    check(x.shape()[i] == index.shape()[i], "add_rows: x {} does not begin with the shape of index {}", x.shape(),
          index.shape());
  for (int i = index.rank(); i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  const std::int64_t* at = checked_index("add_rows", index, rows);
  return with_kernels("add_rows", x, [&]<class T>(const kernels::Kernels<T>& k) {
    Tensor y(shape, x.dtype());
    k.add_rows(index.size(), rows, shape.product(1, shape.rank()), at, x.data<T>(), y.template mutable_data<T>());
    return y;
  });
}

}  // namespace gesso::tensor
