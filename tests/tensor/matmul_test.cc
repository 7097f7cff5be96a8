#include "reference.h"

#include <algorithm>

using namespace gesso;

namespace {

Shape with_matrix(const Shape& batch, std::int64_t rows, std::int64_t cols, bool transposed) {
  Shape s = batch;
  s.push_back(transposed ? cols : rows);
  s.push_back(transposed ? rows : cols);
  return s;
}

double activated(Activation act, double slope, double v) {
  switch (act) {
    case Activation::none:
      return v;
    case Activation::leaky_relu:
      return v > 0 ? v : slope * v;
    case Activation::tanh:
      return std::tanh(v);
    case Activation::sigmoid:
      return 1 / (1 + std::exp(-v));
  }
  return NAN;
}

Reference product(const Tensor& a, const Tensor& b, const Shape& batch, const tensor::MatmulOptions& o) {
  const std::int64_t M = a.dim(o.transpose_a ? -1 : -2), K = a.dim(o.transpose_a ? -2 : -1);
  const std::int64_t N = b.dim(o.transpose_b ? -2 : -1);
  Reference p(a), q(b), y(with_matrix(batch, M, N, false)),
      bias(o.bias.defined() ? o.bias : tensor::zeros({N}));
  for_each_index(y.shape, [&](const Index& i) {
    const std::int64_t m = i[i.size() - 2], n = i[i.size() - 1];
    double sum = bias.at({n});
    Index at = i;
    for (std::int64_t k = 0; k < K; ++k) {
      at[i.size() - 2] = o.transpose_a ? k : m, at[i.size() - 1] = o.transpose_a ? m : k;
      const double left = p.at(at);
      at[i.size() - 2] = o.transpose_b ? n : k, at[i.size() - 1] = o.transpose_b ? k : n;
      sum += left * q.at(at);
    }
    y.at(i) = activated(o.activation, o.slope, sum);
  });
  return y;
}

}  // namespace

TEST_CASE("matmul: transposes, broadcast batches, bias, activations; exact on small integers") {
  Samples samples(1);
  for (int round = 0; round < 400; ++round) {
    const DType dtype = round % 2 ? DType::f32 : DType::f64;
    constexpr std::int64_t extents[] = {0, 1, 1, 2, 3, 5, 8, 13, 20};
    const auto extent = [&] { return extents[samples.integer(0, 8)]; };
    const std::int64_t M = extent(), N = extent(), K = extent();
    Shape batch;
    for (std::int64_t d = samples.integer(0, 3); d > 0; --d)
      batch.push_back(samples.integer(0, 9) ? samples.integer(1, 3) : 0);
    tensor::MatmulOptions o;
    o.transpose_a = samples.integer(0, 1);
    o.transpose_b = samples.integer(0, 1);
    if (samples.integer(0, 1)) o.bias = samples.integers({N}, dtype);
    if (samples.integer(0, 1)) o.activation = static_cast<Activation>(samples.integer(0, 3)), o.slope = 0.25;
    const Shape a_batch = samples.broadcasting(batch), b_batch = samples.broadcasting(batch);
    const Tensor a = samples.integers(with_matrix(a_batch, M, K, o.transpose_a), dtype);
    const Tensor b = samples.integers(with_matrix(b_batch, K, N, o.transpose_b), dtype);
    Shape result = a_batch.rank() > b_batch.rank() ? a_batch : b_batch;
    for (int d = 1; d <= std::min(a_batch.rank(), b_batch.rank()); ++d)
      result[result.rank() - d] =
          a_batch[a_batch.rank() - d] == 1 ? b_batch[b_batch.rank() - d] : a_batch[a_batch.rank() - d];
    INFO(a.shape().text(), o.transpose_a ? "^T " : " ", b.shape().text(), o.transpose_b ? "^T" : "");
    const bool exact = o.activation == Activation::none || o.activation == Activation::leaky_relu;
    check_close(tensor::matmul(a, b, o),
                product(a, b, result, o),  // tanh and sigmoid: 4 units of numbers below 1
                [&](double) { return exact ? 0 : 4 * epsilon(dtype); });
  }
}

TEST_CASE("matmul: more than one block of a kernel") {
  Samples samples(2);
  for (int round = 0; round < 4; ++round) {
    const DType dtype = round % 2 ? DType::f32 : DType::f64;
    tensor::MatmulOptions o;
    o.transpose_a = round & 1, o.transpose_b = round & 2;
    const Tensor a = samples.integers(with_matrix({}, 67, 531, o.transpose_a), dtype);
    const Tensor b = samples.integers(with_matrix({}, 531, 129, o.transpose_b), dtype);
    check_equal(tensor::matmul(a, b, o), product(a, b, {}, o));
  }
}

TEST_CASE("matmul: rounding stays within its bound") {
  Samples samples(3);
  const Tensor a = samples.reals({33, 700}, DType::f32), b = samples.reals({700, 45}, DType::f32);
  const Tensor sizes =
      tensor::matmul(tensor::unary(kernels::Unary::abs, a), tensor::unary(kernels::Unary::abs, b));
  const std::vector<double> y = tensor::matmul(a, b).to_vector<double>(), size = sizes.to_vector<double>();
  const Reference expected = product(a, b, {}, {});
  // conventions.md section 5 with the depth of one running sum of 700 products
  for (std::size_t i = 0; i < y.size(); ++i)
    CHECK(close(y[i], expected.values[i], 2 * 0x1p-24 * 700 * size[i]));
}

TEST_CASE("matmul: an inner extent of 0 gives the activated bias") {
  tensor::MatmulOptions o;
  o.bias = Tensor::from<float>({-1, 2});
  o.activation = Activation::leaky_relu;
  o.slope = 0.5;
  CHECK(tensor::matmul(tensor::zeros({3, 0}), tensor::zeros({0, 2}), o).to_vector<float>() ==
        std::vector<float>{-0.5, 2, -0.5, 2, -0.5, 2});
}
