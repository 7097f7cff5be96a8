#include "tests/ops.h"

#include <cmath>

namespace gesso::tests {
namespace {

using Inputs = std::vector<Array>;
using Result = std::vector<Expected>;

std::size_t u(std::int64_t i) { return static_cast<std::size_t>(i); }

Result reshape(const Inputs& x, const OpOptions& o) {
  Shape shape{std::span<const std::int64_t>(o.sizes)};
  std::int64_t known = 1;
  for (std::int64_t d : o.sizes) known *= d < 0 ? 1 : d;
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[i] < 0) shape[i] = static_cast<std::int64_t>(x[0].v.size()) / known;
  Expected out{shape, {}};
  for (double e : x[0].v) out.v.push_back({e});
  return {out};
}

Result broadcast_to(const Inputs& x, const OpOptions& o) {
  return {gathered(x[0], Shape(std::span<const std::int64_t>(o.sizes)), [](const Index& i) { return i; })};
}

Result permute(const Inputs& x, const std::vector<int>& axes) {
  const int rank = x[0].shape.rank();
  std::vector<int> order;
  for (int a : axes) order.push_back(a < 0 ? a + rank : a);
  Shape shape;
  for (int a : order) shape.push_back(x[0].shape[a]);
  return {gathered(x[0], shape, [&](const Index& i) {
    Index source(i.size());
    for (std::size_t k = 0; k < i.size(); ++k) source[u(order[k])] = i[k];
    return source;
  })};
}

Result transpose(const Inputs& x, const OpOptions&) {
  std::vector<int> order;
  for (int i = 0; i < x[0].shape.rank(); ++i) order.push_back(i);
  std::swap(order.at(order.size() - 1), order.at(order.size() - 2));
  return permute(x, order);
}

Result flip(const Inputs& x, const OpOptions& o) {
  const Shape& s = x[0].shape;
  return {gathered(x[0], s, [&](Index i) {
    for (int a : o.axes) {
      const int k = a < 0 ? a + s.rank() : a;
      i[u(k)] = s[k] - 1 - i[u(k)];
    }
    return i;
  })};
}

/// y = x moved by `before` in each dimension, inside `shape`.
Expected moved(const Array& x, const Shape& shape, const Index& before, double otherwise) {
  return gathered(
      x, shape,
      [&](Index i) -> std::optional<Index> {
        for (int k = 0; k < shape.rank(); ++k) {
          i[u(k)] -= before[u(k)];
          if (i[u(k)] < 0 || i[u(k)] >= x.shape[k]) return std::nullopt;
        }
        return i;
      },
      otherwise);
}

Result pad(const Inputs& x, const OpOptions& o) {
  Shape shape = x[0].shape;
  Index before;
  for (int k = 0; k < shape.rank(); ++k) {
    shape[k] += o.padding[u(k)].first + o.padding[u(k)].second;
    before.push_back(o.padding[u(k)].first);
  }
  return {moved(x[0], shape, before, o.a)};
}

Expected cut(const Array& x, int axis, std::int64_t begin, std::int64_t end) {
  const int a = axis < 0 ? axis + x.shape.rank() : axis;
  const std::int64_t n = x.shape[a], first = begin < 0 ? begin + n : begin, last = end < 0 ? end + n : end;
  Shape shape = x.shape;
  shape[a] = last - first;
  Index before(u(shape.rank()), 0);
  before[u(a)] = -first;
  return moved(x, shape, before, NAN);
}

Result split(const Inputs& x, const OpOptions& o) {
  Result out;
  std::int64_t at = 0;
  for (std::int64_t n : o.sizes) {
    out.push_back(cut(x[0], o.axis, at, at + n));
    at += n;
  }
  return out;
}

Result concat(const Inputs& x, const OpOptions& o) {
  const int a = o.axis < 0 ? o.axis + x[0].shape.rank() : o.axis;
  Expected out{x[0].shape, {}};
  out.shape[a] = 0;
  for (const Array& part : x) out.shape[a] += part.shape[a];
  for_each_index(out.shape, [&](Index i) {
    std::size_t k = 0;
    for (; i[u(a)] >= x.at(k).shape[a]; ++k) i[u(a)] -= x[k].shape[a];
    out.v.push_back({at(x[k], i)});
  });
  return {out};
}

Result take_rows(const Inputs& x, const OpOptions& o) {
  const Array index = array(o.fixed);
  Shape shape = index.shape;
  for (int k = 1; k < x[0].shape.rank(); ++k) shape.push_back(x[0].shape[k]);
  return {gathered(x[0], shape, [&](const Index& i) {
    const auto split = i.begin() + index.shape.rank();
    Index source{static_cast<std::int64_t>(at(index, Index(i.begin(), split)))};
    source.insert(source.end(), split, i.end());
    return source;
  })};
}

Result add_rows(const Inputs& x, const OpOptions& o) {
  const Array index = array(o.fixed);
  Shape shape{o.sizes[0]};
  for (int k = index.shape.rank(); k < x[0].shape.rank(); ++k) shape.push_back(x[0].shape[k]);
  Expected out{shape, std::vector<Value>(u(shape.size()))};
  for_each_index(x[0].shape, [&](const Index& i) {
    const auto split = i.begin() + index.shape.rank();
    Index target{static_cast<std::int64_t>(at(index, Index(i.begin(), split)))};
    target.insert(target.end(), split, i.end());
    Value& y = out.v[u(place(shape, target))];
    y.y += at(x[0], i);
    y.bound += 2 * static_cast<double>(index.v.size()) * std::abs(at(x[0], i));
  });
  return {out};
}

Result cast(const Inputs& x, const OpOptions& o) {
  Expected out{x[0].shape, {}, o.dtype};
  for (double e : x[0].v)
    out.v.push_back({o.dtype == DType::f32   ? static_cast<double>(static_cast<float>(e))
                     : o.dtype == DType::i64 ? std::trunc(e)
                                             : e});
  return {out};
}

Result straight_through(const Inputs& x, const OpOptions& o) {
  Expected out{x[0].shape, {}};
  for (double e : array(o.fixed).v) out.v.push_back({e, std::abs(e)});  // f32 rounds it
  return {out};
}

}  // namespace

References move_references() {
  return {
      {"reshape", reshape},
      {"broadcast_to", broadcast_to},
      {"permute", [](auto& x, auto& o) { return permute(x, o.axes); }},
      {"transpose", transpose},
      {"flip", flip},
      {"cast", cast},
      {"straight_through", straight_through},
      {"pad", pad},
      {"slice", [](auto& x, auto& o) { return Result{cut(x[0], o.axis, o.sizes[0], o.sizes[1])}; }},
      {"concat", concat},
      {"split", split},
      {"take_rows", take_rows},
      {"add_rows", add_rows},
  };
}

}  // namespace gesso::tests
