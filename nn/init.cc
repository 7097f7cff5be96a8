#include "nn/init.h"

#include <cmath>
#include <vector>

namespace gesso::nn::init {

Fans fans(const Shape& shape) {
  const int rank = shape.rank();
  check(rank >= 2, "init: a weight of shape {} has no fan-in and fan-out; it needs two dimensions or more",
        shape);
  return {shape.product(1, rank), shape.product(0, rank - 1)};
}

void constant(Tensor& w, double value) { tensor::fill_(w, value); }

void uniform(Tensor& w, Generator& g, double low, double high) {
  tensor::copy_(w, tensor::uniform(g, w.shape(), low, high, w.dtype()));
}

void normal(Tensor& w, Generator& g, double mean, double std) {
  tensor::copy_(w, tensor::normal(g, w.shape(), mean, std, w.dtype()));
}

namespace {

/// U[-sqrt(3) std, sqrt(3) std) has the standard deviation std.
void uniform_of_std(Tensor& w, Generator& g, double std) {
  uniform(w, g, -std::sqrt(3.0) * std, std::sqrt(3.0) * std);
}

double xavier_std(const Tensor& w, double gain) {
  const Fans f = fans(w.shape());
  return gain * std::sqrt(2.0 / static_cast<double>(f.in + f.out));
}

double kaiming_std(const Tensor& w, double slope) {
  return std::sqrt(2.0 / ((1 + slope * slope) * static_cast<double>(fans(w.shape()).in)));
}

}  // namespace

void xavier_uniform(Tensor& w, Generator& g, double gain) { uniform_of_std(w, g, xavier_std(w, gain)); }
void xavier_normal(Tensor& w, Generator& g, double gain) { normal(w, g, 0, xavier_std(w, gain)); }
void kaiming_uniform(Tensor& w, Generator& g, double slope) { uniform_of_std(w, g, kaiming_std(w, slope)); }
void kaiming_normal(Tensor& w, Generator& g, double slope) { normal(w, g, 0, kaiming_std(w, slope)); }

void orthogonal(Tensor& w, Generator& g, double gain) {
  const std::int64_t rows = w.dim(0), cols = fans(w.shape()).in;
  const bool tall = rows > cols;
  const std::int64_t count = tall ? cols : rows, length = tall ? rows : cols;  // `count` orthonormal vectors
  std::vector<double> q = tensor::normal(g, {count, length}, 0, 1, DType::f64).to_vector<double>();
  const auto vector = [&](std::int64_t i) { return q.data() + i * length; };
  const auto dot = [length](const double* a, const double* b) {
    double sum = 0;
    for (std::int64_t k = 0; k < length; ++k) sum += a[k] * b[k];
    return sum;
  };
  for (std::int64_t i = 0; i < count; ++i) {
    // Gram-Schmidt; the second pass removes what the rounding of the first left over ("twice is enough",
    // Kahan).
    for (int pass = 0; pass < 2; ++pass)
      for (std::int64_t j = 0; j < i; ++j) {
        const double along = dot(vector(i), vector(j));
        for (std::int64_t k = 0; k < length; ++k) vector(i)[k] -= along * vector(j)[k];
      }
    const double norm = std::sqrt(dot(vector(i), vector(i)));
    for (std::int64_t k = 0; k < length; ++k) vector(i)[k] /= norm;
  }
  Tensor y = tensor::mul(Tensor::from(q, {count, length}), gain);
  if (tall) y = tensor::transpose(y);
  tensor::copy_(w, y.reshape(w.shape()));
}

}  // namespace gesso::nn::init
