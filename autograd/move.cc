// Ops that move elements. Each is linear, and its edge is its adjoint.
#include "autograd/ops.h"

namespace gesso {

Var reshape(const Var& x, const Shape& shape) {
  return make("reshape", x.value().reshape(shape),
              edge(x, [s = x.shape()](const Var& dy) { return reshape(dy, s); }));
}
Var Var::reshape(const Shape& shape) const { return gesso::reshape(*this, shape); }

Var broadcast_to(const Var& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return make("broadcast_to", tensor::broadcast_to(x.value(), shape),
              edge(x, [s = x.shape()](const Var& dy) { return sum_to(dy, s); }));
}

// dx's dimension order[i] is dy's dimension i.
Var permute(const Var& x, const std::vector<int>& order) {
  return make("permute", tensor::permute(x.value(), order), edge(x, [order](const Var& dy) {
                std::vector<int> inverse(order.size());
                for (std::size_t i = 0; i < order.size(); ++i)
                  inverse[static_cast<std::size_t>(dy.shape().axis("permute", order[i]))] =
                      static_cast<int>(i);
                return permute(dy, inverse);
              }));
}

Var transpose(const Var& x) {
  return make("transpose", tensor::transpose(x.value()),
              edge(x, [](const Var& dy) { return transpose(dy); }));
}

Var flip(const Var& x, const Axes& axes) {
  return make("flip", tensor::flip(x.value(), axes),
              edge(x, [axes](const Var& dy) { return flip(dy, axes); }));
}

// What was padded is cropped, what was cropped is padded with zeros.
Var pad(const Var& x, const Padding& padding, double value) {
  return make("pad", tensor::pad(x.value(), padding, value), edge(x, [padding](const Var& dy) {
                Padding back = padding;
                for (auto& [before, after] : back) before = -before, after = -after;
                return pad(dy, back);
              }));
}

Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end) {
  return make("slice", tensor::slice(x.value(), axis, begin, end), edge(x, [=, s = x.shape()](const Var& dy) {
                const int a = s.axis("slice", axis);
                const std::int64_t first = begin < 0 ? begin + s[a] : begin;
                Padding back(static_cast<std::size_t>(s.rank()));
                back[static_cast<std::size_t>(a)] = {first, s[a] - first - dy.shape()[a]};
                return pad(dy, back);
              }));
}

Var concat(const std::vector<Var>& xs, int axis) {
  std::vector<Tensor> values;
  for (const Var& x : xs) values.push_back(x.value());
  Tensor y = tensor::concat(values, axis);
  std::vector<Edge> edges;
  std::int64_t at = 0;
  for (const Var& x : xs) {
    const std::int64_t n = x.dim(axis);
    edges.push_back(edge(x, [=](const Var& dy) { return slice(dy, axis, at, at + n); }));
    at += n;
  }
  return make("concat", std::move(y), std::move(edges));
}

std::vector<Var> split(const Var& x, const std::vector<std::int64_t>& sizes, int axis) {
  std::int64_t at = 0;
  for (std::int64_t n : sizes) {
    check(n >= 0, "split: a part of {} elements", n);
    at += n;
  }
  check(at == x.dim(axis), "split: the parts have {} elements, axis {} of {} has {}", at, axis, x.shape(),
        x.dim(axis));
  if (sizes.empty()) return {};
  const auto together = [=, shape = x.shape(), t = x.dtype(), d = x.device()](const std::vector<Var>& dy) {
    std::vector<Var> all = dy;
    for (std::size_t i = 0; i < all.size(); ++i) {
      Shape part = shape;
      part[shape.axis("split", axis)] = sizes[i];
      if (!all[i]) all[i] = tensor::zeros(part, t, d);
    }
    return concat(all, axis);
  };
  return make_parts("split", tensor::split(x.value(), sizes, axis), x.shape(), together,
                    {edge(x, [](const Var& dx) { return dx; })});
}

Var take_rows(const Var& x, const Tensor& index) {
  Tensor y = tensor::take_rows(x.value(), index);
  return make("take_rows", std::move(y), edge(x, [at = Var(index), rows = x.dim(0)](const Var& dy) {
                return add_rows(dy, at.value(), rows);
              }));
}

Var add_rows(const Var& x, const Tensor& index, std::int64_t rows) {
  return make("add_rows", tensor::add_rows(x.value(), index, rows),
              edge(x, [at = Var(index)](const Var& dy) { return take_rows(dy, at.value()); }));
}

Var cast(const Var& x, DType dtype) {
  if (x.defined() && dtype == x.dtype()) return x;
  Tensor y = tensor::cast(x.value(), dtype);
  if (dtype != DType::f32 && dtype != DType::f64) return make("cast", std::move(y));  // steps: gradient zero
  return make("cast", std::move(y), edge(x, [from = x.dtype()](const Var& dy) { return cast(dy, from); }));
}

Var straight_through(const Var& x, const Tensor& forward) {
  check(x.shape() == forward.shape() && x.dtype() == forward.dtype(),
        "straight_through: x {} {}, forward {} {}", name(x.dtype()), x.shape(), name(forward.dtype()),
        forward.shape());
  return make("straight_through", forward, edge(x, [](const Var& dy) { return dy; }));
}

}  // namespace gesso
