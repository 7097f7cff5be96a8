#include "tensor/walk.h"

namespace gesso::tensor {

Shape broadcast_shape(const char* op, const Shape& a, const Shape& b) {
  const Shape& longer = a.rank() >= b.rank() ? a : b;
  const Shape& shorter = a.rank() >= b.rank() ? b : a;
  Shape out = longer;
  const int lead = longer.rank() - shorter.rank();
  for (int i = 0; i < shorter.rank(); ++i) {
    std::int64_t& d = out[i + lead];
    check(d == shorter[i] || d == 1 || shorter[i] == 1, "{}: shapes {} and {} do not broadcast: extents {} and {}", op, a, b,
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

void check_floating_pair(const char* op, const Tensor& a, const Tensor& b) {
  check(a.defined() && b.defined(), "{}: an undefined tensor", op);
  check(a.dtype() == b.dtype(), "{}: a {} is {}, b {} is {}; convert one of them", op, a.shape(), name(a.dtype()), b.shape(),
        name(b.dtype()));
}

}  // namespace gesso::tensor
