#include "tests/ops.h"

#include <cmath>

namespace gesso::tests {
namespace {

Expected matmul(const Array& a, const Array& b, bool ta, bool tb) {
  const int ra = a.shape.rank(), rb = b.shape.rank();
  const std::int64_t M = a.shape[ra - (ta ? 1 : 2)], K = a.shape[ra - (ta ? 2 : 1)],
                     N = b.shape[rb - (tb ? 2 : 1)];
  const auto batch = [](const Array& x) {
    return Array{Shape(std::span(x.shape.begin(), x.shape.end() - 2)), {}};
  };
  Shape shape = common_shape({batch(a), batch(b)});
  shape.push_back(M);
  shape.push_back(N);
  Expected out{shape, {}};
  for_each_index(shape, [&](Index index) {
    const std::int64_t j = index.back(), i = index[index.size() - 2];
    const auto element = [&index](const Array& x, std::int64_t row, std::int64_t col) {
      index[index.size() - 2] = row;
      index.back() = col;
      const std::size_t skipped = index.size() - static_cast<std::size_t>(x.shape.rank());
      return at(x, Index(index.begin() + static_cast<std::ptrdiff_t>(skipped), index.end()));
    };
    double sum = 0, size = 0;
    for (std::int64_t k = 0; k < K; ++k) {
      const double term =
          (ta ? element(a, k, i) : element(a, i, k)) * (tb ? element(b, j, k) : element(b, k, j));
      sum += term;
      size += std::abs(term);
    }
    out.v.push_back({sum, 2 * static_cast<double>(K) * size});
  });
  return out;
}

}  // namespace

double activated(double p, const OpOptions& o) {
  switch (o.activation) {
    case Activation::none:
      return p;
    case Activation::leaky_relu:
      return p > 0 ? p : o.a * p;
    case Activation::tanh:
      return std::tanh(p);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-p));
  }
  return NAN;
}

Value with_epilogue(Value sum, double bias, const OpOptions& o) {
  const double p = sum.y + bias, y = activated(p, o);
  // No activation grows faster than p; its own error is 4 ulp.
  return {y, sum.bound + 2 * (std::abs(p) + std::abs(bias)) + 4 * std::abs(y)};
}

namespace {

std::vector<Expected> linear(const std::vector<Array>& x, const OpOptions& o) {
  Array rows = x[0];
  if (rows.shape.rank() == 1) rows.shape = {1, rows.shape[0]};
  Expected y = matmul(rows, x[1], false, true);
  const std::size_t out = static_cast<std::size_t>(x[1].shape[0]);
  for (std::size_t i = 0; i < y.v.size(); ++i)
    y.v[i] = with_epilogue(y.v[i], x.size() > 2 ? x[2].v[i % out] : 0, o);
  if (x[0].shape.rank() == 1) y.shape = {x[1].shape[0]};
  return {y};
}

}  // namespace

References linear_references() {
  return {
      {"matmul",
       [](auto& x, auto& o) { return std::vector{matmul(x[0], x[1], o.transpose_a, o.transpose_b)}; }},
      {"linear", linear},
  };
}

}  // namespace gesso::tests
