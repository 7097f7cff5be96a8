#include "reference.h"

#include <algorithm>
#include <numeric>

using namespace gesso;

namespace {

/// y where y[i] = x[source(i)], elements without a source as they were.
template <class F>
Reference moved(const Tensor& x, const Shape& shape, const F& source, double otherwise = 0) {
  Reference y(shape, otherwise), values(x);
  for_each_index(shape, [&](const Index& i) {
    Index j = i;
    if (source(j)) y.at(i) = values.at(j);
  });
  return y;
}

/// Distinct values as far as the dtype goes.
Tensor numbered(Samples& samples, const Shape& shape, DType dtype) {
  double next = 0;
  return samples.tensor(shape, dtype, [&] { return dtype == DType::u8 ? std::fmod(next++, 251) : next++; });
}

}  // namespace

TEST_CASE("broadcast_to") {
  Samples samples(1);
  for (int round = 0; round < 200; ++round) {
    const Shape large = samples.shape(0, 6);
    const Tensor x = numbered(samples, samples.broadcasting(large), static_cast<DType>(round % 5));
    INFO(x.shape().text(), " to ", large.text());
    check_equal(tensor::broadcast_to(x, large), moved(x, large, [](Index&) { return true; }));
  }
}

TEST_CASE("permute and transpose") {
  Samples samples(2);
  for (int round = 0; round < 300; ++round) {
    const Tensor x = numbered(samples, samples.shape(0, 6), static_cast<DType>(round % 5));
    std::vector<int> order(static_cast<std::size_t>(x.rank()));
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), samples.random);
    Shape shape;
    for (int d : order) shape.push_back(x.dim(d));
    const auto source = [&](Index& i) {
      const Index from = i;
      for (std::size_t d = 0; d < order.size(); ++d) i[static_cast<std::size_t>(order[d])] = from[d];
      return true;
    };
    std::vector<int> named = order;
    for (int& d : named) d -= samples.integer(0, 1) ? x.rank() : 0;
    INFO(x.shape().text());
    check_equal(tensor::permute(x, named), moved(x, shape, source));
    if (x.rank() < 2) continue;
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[order.size() - 1], order[order.size() - 2]);
    Shape exchanged = x.shape();
    std::swap(exchanged[x.rank() - 1], exchanged[x.rank() - 2]);
    check_equal(tensor::transpose(x), moved(x, exchanged, source));
  }
}

TEST_CASE("flip") {
  Samples samples(3);
  for (int round = 0; round < 200; ++round) {
    const Tensor x = numbered(samples, samples.shape(0, 5), static_cast<DType>(round % 5));
    Axes axes;
    for (int d = 0; d < x.rank(); ++d)
      if (samples.integer(0, 1)) axes.push_back(samples.integer(0, 1) ? d : d - x.rank());
    check_equal(tensor::flip(x, axes), moved(x, x.shape(), [&](Index& i) {
                  for (int axis : axes) {
                    auto& at = i[static_cast<std::size_t>(axis < 0 ? axis + x.rank() : axis)];
                    at = x.dim(axis) - 1 - at;
                  }
                  return true;
                }));
  }
}

TEST_CASE("pad and crop") {
  Samples samples(4);
  for (int round = 0; round < 300; ++round) {
    const Tensor x = numbered(samples, samples.shape(0, 5), static_cast<DType>(round % 5));
    tensor::Padding padding;
    Shape shape = x.shape();
    for (int d = 0; d < x.rank(); ++d) {
      const std::int64_t n = x.dim(d), before = samples.integer(-std::min<std::int64_t>(n, 2), 2);
      const std::int64_t rest = n + std::min<std::int64_t>(before, 0);
      padding.emplace_back(before, samples.integer(-std::min<std::int64_t>(rest, 2), 2));
      shape[d] = n + before + padding.back().second;
    }
    INFO(x.shape().text(), " to ", shape.text());
    const auto source = [&](Index& i) {
      bool inside = true;
      for (std::size_t d = 0; d < i.size(); ++d) {
        i[d] -= padding[d].first;
        inside = inside && i[d] >= 0 && i[d] < x.dim(static_cast<int>(d));
      }
      return inside;
    };
    check_equal(tensor::pad(x, padding, 1), moved(x, shape, source, 1));
  }
}

TEST_CASE("slice along any axis") {
  Samples samples(5);
  for (int round = 0; round < 200; ++round) {
    const Tensor x = numbered(samples, samples.shape(1, 5), static_cast<DType>(round % 5));
    const auto a = static_cast<int>(samples.integer(0, x.rank() - 1));
    const std::int64_t n = x.dim(a), begin = samples.integer(0, n), end = samples.integer(begin, n);
    Shape shape = x.shape();
    shape[a] = end - begin;
    const bool from_end = begin < n && end < n && samples.integer(0, 1);
    const Tensor y = tensor::slice(x, a - (samples.integer(0, 1) ? x.rank() : 0),
                                   from_end ? begin - n : begin, from_end ? end - n : end);
    check_equal(y, moved(x, shape, [&](Index& i) {
                  i[static_cast<std::size_t>(a)] += begin;
                  return true;
                }));
    CHECK((y.raw() >= x.raw() && y.raw() <= x.raw() + x.bytes()) ==
          (a == 0));  // the leading dimension: a view
  }
}

TEST_CASE("split undoes concat") {
  Samples samples(6);
  for (int round = 0; round < 200; ++round) {
    const auto dtype = static_cast<DType>(round % 5);
    Shape shape = samples.shape(1, 5);
    const auto a = static_cast<int>(samples.integer(0, shape.rank() - 1));
    std::vector<Tensor> parts;
    std::vector<std::int64_t> sizes;
    for (std::int64_t k = samples.integer(1, 4); k > 0; --k) {
      sizes.push_back(shape[a] = samples.integer(0, 4));
      parts.push_back(numbered(samples, shape, dtype));
    }
    shape[a] = std::accumulate(sizes.begin(), sizes.end(), std::int64_t{0});
    const Tensor whole = tensor::concat(parts, a - (samples.integer(0, 1) ? shape.rank() : 0));
    CHECK(whole.dtype() == dtype);
    REQUIRE(whole.shape() == shape);
    Reference values(whole);
    std::int64_t start = 0;
    const std::vector<Tensor> again = tensor::split(whole, sizes, a);
    REQUIRE(again.size() == parts.size());
    for (std::size_t k = 0; k < parts.size(); start += sizes[k++]) {
      check_equal(again[k], Reference(parts[k]));
      Reference part(parts[k]);
      for_each_index(part.shape, [&](const Index& i) {
        Index j = i;
        j[static_cast<std::size_t>(a)] += start;
        if (values.at(j) != part.at(i)) FAIL("concat moved an element elsewhere");
      });
    }
  }
}

TEST_CASE("take_rows, and add_rows its adjoint") {
  Samples samples(7);
  for (int round = 0; round < 300; ++round) {
    const auto dtype = static_cast<DType>(round % 5);
    Shape x_shape = samples.shape(1, 3);
    const Shape index_shape = x_shape[0] ? samples.shape(0, 2) : Shape{0};
    const Tensor x = dtype == DType::f32 || dtype == DType::f64 ? samples.integers(x_shape, dtype)
                                                                : numbered(samples, x_shape, dtype);
    const Tensor index = samples.tensor(index_shape, DType::i64, [&] {
      return static_cast<double>(samples.integer(0, std::max<std::int64_t>(x_shape[0] - 1, 0)));
    });
    Reference at(index);
    Shape shape = index_shape;
    for (int d = 1; d < x.rank(); ++d) shape.push_back(x.dim(d));
    const auto row_of = [&](const Index& i) {
      const auto n = static_cast<std::ptrdiff_t>(index_shape.rank());
      Index row{static_cast<std::int64_t>(at.at(Index(i.begin(), i.begin() + n)))};
      row.insert(row.end(), i.begin() + n, i.end());
      return row;
    };
    const Tensor y = tensor::take_rows(x, index);
    check_equal(y, moved(x, shape, [&](Index& i) {
                  i = row_of(i);
                  return true;
                }));
    if (dtype != DType::f32 && dtype != DType::f64) continue;
    Reference sums(x_shape), values(y);
    for_each_index(shape, [&](const Index& i) { sums.at(row_of(i)) += values.at(i); });
    check_equal(tensor::add_rows(y, index, x_shape[0]), sums);
  }
}

TEST_CASE("moving elements makes new tensors: the operand is not touched") {
  const Tensor x = tensor::arange(0, 6).reshape({2, 3});
  const std::vector<Tensor> results = {tensor::permute(x, {0, 1}),
                                       tensor::flip(x, {}),
                                       tensor::pad(x, {{0, 0}, {0, 0}}),
                                       tensor::concat({x}),
                                       x.clone(),
                                       tensor::take_rows(x, Tensor::from<std::int64_t>({0, 1}))};
  for (Tensor y : results) {
    check_equal(y, Reference(x));
    tensor::fill_(y, 9);
  }
  CHECK(x.to_vector<float>() == std::vector<float>{0, 1, 2, 3, 4, 5});
  CHECK(x.version() == tensor::arange(0, 6).version());
}
