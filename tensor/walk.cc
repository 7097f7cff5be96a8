#include "tensor/walk.h"

namespace gesso::tensor {

const kernels::Backend& backend_of(Device d) {
  const kernels::Backend* b = kernels::backend(d);
  check(b != nullptr, "device {}: {}", name(d), b ? "" : kernels::why_absent(d));
  return *b;
}

void check_same_device(const char* op, const Tensor& a, const Tensor& b) {
  check(a.device() == b.device(), "{}: {} is on {}, {} on {}; copy one of them", op, a.shape(),
        name(a.device()), b.shape(), name(b.device()));
}

void check_alike(const char* op, const Tensor& a, const Tensor& b) {
  check_defined(op, a);
  check_defined(op, b);
  check(a.dtype() == b.dtype(), "{}: {} is {}, {} is {}; convert one of them", op, a.shape(), name(a.dtype()),
        b.shape(), name(b.dtype()));
  check_same_device(op, a, b);
}

void check_same_shape(const char* op, const Tensor& a, const Tensor& b) {
  check(a.shape() == b.shape(), "{}: {} and {} must have the same shape", op, a.shape(), b.shape());
}

void check_mask(const char* op, const Tensor& mask) {
  check_defined(op, mask);
  check(mask.dtype() == DType::b8, "{}: the mask {} is {}, not b8", op, mask.shape(), name(mask.dtype()));
}

void check_index(const char* op, const Tensor& index, std::int64_t n, const char* what) {
  check_defined(op, index);
  check(index.dtype() == DType::i64, "{}: the index {} is {}, not i64", op, index.shape(),
        name(index.dtype()));
  const Tensor here = index.to(Device::cpu);  // costs a wait on other devices; a wild index would cost more
  const std::int64_t* at = here.data<std::int64_t>();
  for (std::int64_t i = 0; i < index.size(); ++i)
    check(at[i] >= 0 && at[i] < n, "{}: index {} at position {}, there are {} {}", op, at[i], i, n, what);
}

Range range(const char* op, const Tensor& x, int axis, std::int64_t begin, std::int64_t end) {
  const std::int64_t n = x.shape()[x.shape().axis(op, axis)];
  const Range r{begin < 0 ? begin + n : begin, end < 0 ? end + n : end};
  check(0 <= r.begin && r.begin <= r.end && r.end <= n, "{}: [{}, {}) of axis {} of shape {}", op, begin, end,
        axis, x.shape());
  return r;
}

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape out = longer;
  const int lead = longer.rank() - shorter.rank();
  for (int i = 0; i < shorter.rank(); ++i) {
    std::int64_t& d = out[i + lead];
    check(d == shorter[i] || d == 1 || shorter[i] == 1,
          "{}: shapes {} and {} do not broadcast: extents {} and {}", op, a, b,
          a[a.rank() - shorter.rank() + i], b[b.rank() - shorter.rank() + i]);
    if (d == 1) d = shorter[i];
  }
  return out;
}

Strides row_major_strides(const Shape& shape) {
  Strides s{};
  std::int64_t stride = 1;
  for (int i = shape.rank() - 1; i >= 0; --i) {
    s.of[i] = stride;
    stride *= shape[i];
  }
  return s;
}

Strides broadcast_strides(const Shape& from, const Shape& to) {
  const Strides dense = row_major_strides(from);
  Strides s{};
  const int lead = to.rank() - from.rank();
  for (int i = 0; i < from.rank(); ++i) s.of[i + lead] = from[i] == 1 ? 0 : dense.of[i];
  return s;
}

kernels::Walk make_walk(const Shape& shape, std::initializer_list<Strides> operands) {
  kernels::Walk w;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    // Dimension i continues the one before it if, for every operand, a step there equals shape[i] steps here.
    bool merges = w.dims > 0;
    int j = 0;
    for (const Strides& s : operands) merges = merges && w.strides[j++][w.dims - 1] == s.of[i] * shape[i];
    const int d = merges ? w.dims - 1 : w.dims++;
    w.shape[d] = merges ? w.shape[d] * shape[i] : shape[i];
    j = 0;
    for (const Strides& s : operands) w.strides[j++][d] = s.of[i];
  }
  return w;
}

}  // namespace gesso::tensor
