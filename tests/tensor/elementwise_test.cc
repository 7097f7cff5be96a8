#include "reference.h"

using namespace gesso;
using kernels::Binary;
using kernels::Compare;
using kernels::Scalars;
using kernels::Unary;

namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

struct UnaryCase {
  Unary op;
  Scalars s;
  double low, high;
  std::function<double(double)> f;
  bool rounded = false;  // the result is the exact one, rounded
};
const double kNan = std::nan("");

const std::vector<UnaryCase> kUnary = {
    {Unary::add_scalar, {0.75}, -3, 3, [](double x) { return x + 0.75; }, true},
    {Unary::mul_scalar, {-1.5}, -3, 3, [](double x) { return x * -1.5; }, true},
    {Unary::rsub_scalar, {0.75}, -3, 3, [](double x) { return 0.75 - x; }, true},
    {Unary::rdiv_scalar, {0.75}, 0.1, 3, [](double x) { return 0.75 / x; }, true},
    {Unary::pow_scalar, {2.5}, 0, 3, [](double x) { return std::pow(x, 2.5); }},
    {Unary::clamp, {-1, 0.5}, -3, 3, [](double x) { return std::min(std::max(x, -1.0), 0.5); }, true},
    {Unary::abs, {}, -3, 3, [](double x) { return std::abs(x); }, true},
    {Unary::sign, {}, -3, 3, [](double x) { return x > 0   ? 1.0
                                                   : x < 0 ? -1.0
                                                           : 0.0; }, true},
    {Unary::exp, {}, -20, 20, [](double x) { return std::exp(x); }},
    {Unary::log, {}, 0, 20, [](double x) { return std::log(x); }},
    {Unary::log1p, {}, -0.9, 20, [](double x) { return std::log1p(x); }},
    {Unary::sqrt, {}, 0, 20, [](double x) { return std::sqrt(x); }, true},
    {Unary::square, {}, -3, 3, [](double x) { return x * x; }, true},
    {Unary::sin, {}, -20, 20, [](double x) { return std::sin(x); }},
    {Unary::cos, {}, -20, 20, [](double x) { return std::cos(x); }},
    {Unary::erf, {}, -3, 3, [](double x) { return std::erf(x); }},
    {Unary::tanh, {}, -5, 5, [](double x) { return std::tanh(x); }},
    {Unary::sigmoid, {}, -20, 20, sigmoid},
    {Unary::softplus, {1, 20}, -30, 30, [](double x) { return x > 20 ? x : softplus(x); }},
    {Unary::leaky_relu, {0.25}, -3, 3, [](double x) { return x > 0 ? x : 0.25 * x; }, true},
    {Unary::elu, {0.5}, -3, 3, [](double x) { return x > 0 ? x : 0.5 * std::expm1(x); }},
    {Unary::gelu, {}, -1, 3, [](double x) { return x * 0.5 * std::erfc(-x / std::sqrt(2)); }},
    {Unary::silu, {}, -20, 20, [](double x) { return x * sigmoid(x); }},
};

struct BinaryCase {
  Binary op;
  Scalars s;
  double low, high;
  std::function<double(double, double)> f;
  bool rounded = false;
};
const std::vector<BinaryCase> kBinary = {
    {Binary::add, {}, -3, 3, [](double p, double q) { return p + q; }, true},
    {Binary::sub, {}, -3, 3, [](double p, double q) { return p - q; }, true},
    {Binary::mul, {}, -3, 3, [](double p, double q) { return p * q; }, true},
    {Binary::div, {}, 0.1, 3, [](double p, double q) { return p / q; }, true},
    {Binary::pow, {}, 0.1, 3, [](double p, double q) { return std::pow(p, q); }},
    {Binary::max, {}, -3, 3, [](double p, double q) { return std::max(p, q); }, true},
    {Binary::min, {}, -3, 3, [](double p, double q) { return std::min(p, q); }, true},
    {Binary::leaky_relu_grad, {0.25}, -3, 3, [](double p, double q) { return q > 0 ? p : 0.25 * p; }, true},
    {Binary::clamp_grad, {-1, 2}, -3, 3, [](double p, double q) { return -1 <= q && q <= 2 ? p : 0; }, true},
    {Binary::sigmoid_grad, {}, 0, 1, [](double p, double q) { return p * q * (1 - q); }},
    {Binary::tanh_grad, {}, -1, 1, [](double p, double q) { return p * (1 - q * q); }},
    {Binary::elu_grad, {0.5}, -0.4, 3, [](double p, double q) { return q > 0 ? p : p * (q + 0.5); }},
    {Binary::squared_difference, {}, -3, 3, [](double p, double q) { return (p - q) * (p - q); }},
    {Binary::absolute_difference, {}, -3, 3, [](double p, double q) { return std::abs(p - q); }, true},
    {Binary::bce_with_logits, {}, 0, 1, [](double p, double q) { return softplus(p) - p * q; }},
    {Binary::bce_with_logits_grad, {}, 0, 1, [](double p, double q) { return sigmoid(p) - q; }},
};

}  // namespace

TEST_CASE("unary: y = f(x)") {
  CHECK(kUnary.size() == static_cast<std::size_t>(Unary::silu) + 1);
  for (const UnaryCase& c : kUnary) {
    Samples samples(static_cast<unsigned>(c.op));
    for (int round = 0; round < 20; ++round) {
      const DType dtype = round % 2 ? DType::f32 : DType::f64;
      const Tensor x = samples.reals(samples.shape(), dtype, c.low, c.high);
      Reference expected(x);
      for (double& v : expected.values) v = c.f(v);
      INFO(std::string(tensor::name(c.op)));
      // 4 units in the last place for each of at most two functions, and what cancels where a result is below 1
      const double eps = epsilon(dtype);
      check_close(tensor::unary(c.op, x, c.s), expected,
                  [&](double y) { return c.rounded ? 0 : 8 * eps * std::max(std::abs(y), 1.0); });
    }
  }
}

TEST_CASE("unary: NaN goes through, and masks and integers are refused") {
  for (const UnaryCase& c : kUnary) {
    INFO(std::string(tensor::name(c.op)));
    CHECK(std::isnan(tensor::unary(c.op, tensor::full({}, kNan), c.s).item()));
    CHECK(std::isnan(tensor::unary(c.op, tensor::full({}, kNan, DType::f64), c.s).item()));
    for (DType t : {DType::i64, DType::u8, DType::b8})
      CHECK_THROWS_AS(tensor::unary(c.op, tensor::ones({2}, t), c.s), Error);
  }
}

TEST_CASE("binary: y = f(a, b), broadcast") {
  CHECK(kBinary.size() == static_cast<std::size_t>(Binary::bce_with_logits_grad) + 1);
  for (const BinaryCase& c : kBinary) {
    Samples samples(100 + static_cast<unsigned>(c.op));
    for (int round = 0; round < 40; ++round) {
      const DType dtype = round % 2 ? DType::f32 : DType::f64;
      const Shape shape = samples.shape(0, 5);
      const Tensor a = samples.reals(samples.broadcasting(shape), dtype, c.low, c.high);
      const Tensor b = samples.reals(round % 3 ? samples.broadcasting(shape) : shape, dtype, c.low, c.high);
      Shape result = a.rank() > b.rank() ? a.shape() : b.shape();
      for (int d = -1; d >= -std::min(a.rank(), b.rank()); --d)
        result[result.rank() + d] = a.dim(d) == 1 ? b.dim(d) : a.dim(d);
      Reference p(a), q(b), expected(result);
      for_each_index(result, [&](const Index& i) { expected.at(i) = c.f(p.at(i), q.at(i)); });
      INFO(std::string(tensor::name(c.op)), " ", a.shape().text(), " ", b.shape().text());
      const double eps = epsilon(dtype);
      check_close(tensor::binary(c.op, a, b, c.s), expected,
                  [&](double y) { return c.rounded ? 0 : 16 * eps * std::max(std::abs(y), 1.0); });
    }
  }
}

TEST_CASE("compare: masks") {
  Samples samples(7);
  const auto truth = [](Compare op, double p, double q) {
    switch (op) {
      case Compare::eq:
        return p == q;
      case Compare::ne:
        return p != q;
      case Compare::lt:
        return p < q;
      case Compare::le:
        return p <= q;
      case Compare::gt:
        return p > q;
      case Compare::ge:
        return p >= q;
    }
    return false;
  };
  for (int round = 0; round < 120; ++round) {
    const auto op = static_cast<Compare>(round % 6);
    const DType dtype = static_cast<DType>(round % 5);
    const Shape shape = samples.shape();
    const Tensor a = samples.integers(shape, dtype, 0, 3);
    const Tensor b = samples.integers(samples.broadcasting(shape), dtype, 0, 3);
    Reference p(a), q(b), expected(shape);
    for_each_index(shape, [&](const Index& i) { expected.at(i) = truth(op, p.at(i), q.at(i)); });
    const Tensor mask = tensor::compare(op, a, b);
    CHECK(mask.dtype() == DType::b8);
    check_equal(mask, expected);
    for_each_index(shape, [&](const Index& i) { expected.at(i) = truth(op, p.at(i), 1.5); });
    check_equal(tensor::compare(op, a, 1.5), expected);
    for (double& v : expected.values) v = v == 0;
    check_equal(tensor::logical_not(tensor::compare(op, a, 1.5)), expected);
  }
  const Tensor nan = tensor::full({}, kNan);
  CHECK(tensor::compare(Compare::eq, nan, nan).item() == 0);
  CHECK(tensor::compare(Compare::ne, nan, nan).item() == 1);
  CHECK(tensor::compare(Compare::ge, nan, nan).item() == 0);
}

TEST_CASE("where: all three broadcast, every dtype") {
  Samples samples(8);
  for (int round = 0; round < 100; ++round) {
    const DType dtype = static_cast<DType>(round % 5);
    const Shape shape = samples.shape(0, 5);
    const Tensor mask = samples.integers(samples.broadcasting(shape), DType::b8, 0, 1);
    const Tensor a = samples.integers(shape, dtype, 0, 100);
    const Tensor b = samples.integers(samples.broadcasting(shape), dtype, 0, 100);
    Reference m(mask), p(a), q(b), expected(shape);
    for_each_index(shape, [&](const Index& i) { expected.at(i) = m.at(i) != 0 ? p.at(i) : q.at(i); });
    check_equal(tensor::where(mask, a, b), expected);
  }
  // an element that is not chosen has no influence
  const Tensor nan = tensor::full({3}, kNan), one = tensor::ones({3});
  CHECK(tensor::where(tensor::zeros({3}, DType::b8), nan, one).to_vector<float>() ==
        std::vector<float>{1, 1, 1});
}

TEST_CASE("cast: between all dtypes") {
  const std::vector<double> values = {0,   -0.0, 1,     -1,     0.5,  -0.5,  1.99, 2,
                                      255, 256,  300.7, -300.7, 1e10, -1e10, 1e30, -1e30};
  const auto to_integer = [](double v, double low, double high) {
    return std::isnan(v) ? 0 : std::trunc(std::min(std::max(v, low), high));
  };
  for (int from = 0; from < 5; ++from)
    for (int to = 0; to < 5; ++to) {
      const Tensor x =
          Tensor::from(values, {static_cast<std::int64_t>(values.size())}).to(static_cast<DType>(from));
      Reference expected(x);
      for (double& v : expected.values) {
        if (static_cast<DType>(to) == DType::i64) v = to_integer(v, -0x1p63, 0x1p63);
        if (static_cast<DType>(to) == DType::u8) v = to_integer(v, 0, 255);
        if (static_cast<DType>(to) == DType::b8) v = v != 0;
      }
      INFO(from, " to ", to);
      const Tensor y = x.to(static_cast<DType>(to));
      CHECK(y.dtype() == static_cast<DType>(to));
      check_equal(y, expected);
    }
  const Tensor odd = Tensor::from<double>({kNan, INFINITY, -INFINITY});
  CHECK(odd.to_vector<std::int64_t>() == std::vector<std::int64_t>{0, INT64_MAX, INT64_MIN});
  CHECK(odd.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{0, 255, 0});
  CHECK(odd.to_vector<bool>() == std::vector<bool>{true, true, true});
  const Tensor large = Tensor::from<std::int64_t>({INT64_MAX, INT64_MIN, (1LL << 53) + 1});
  CHECK(large.to(DType::i64).to_vector<std::int64_t>() ==
        std::vector<std::int64_t>{INT64_MAX, INT64_MIN, (1LL << 53) + 1});
  CHECK(large.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{255, 0, 255});
}

TEST_CASE("in place: fill_, add_, copy_, lerp_") {
  Samples samples(9);
  for (int round = 0; round < 60; ++round) {
    const DType dtype = static_cast<DType>(round % 5);
    const Shape shape = samples.shape();
    Tensor y = samples.integers(shape, dtype, 0, 9);
    const Tensor same = y;
    const std::uint32_t version = y.version();
    tensor::fill_(y, 3);
    check_equal(same, Reference(shape, dtype == DType::b8 ? 1 : 3));
    CHECK(same.version() == version + 1);

    const Tensor x = samples.integers(shape, static_cast<DType>(samples.integer(0, 4)), 0, 9);
    Reference expected(x);
    if (dtype == DType::b8)
      for (double& v : expected.values) v = v != 0;
    tensor::copy_(y, x);
    check_equal(same, expected);
    CHECK(same.version() == version + 2);

    if (dtype != DType::f32 && dtype != DType::f64) continue;
    const Tensor z = samples.integers(shape, dtype);
    tensor::add_(y, z);
    for (std::size_t i = 0; i < expected.values.size(); ++i) expected.values[i] += Reference(z).values[i];
    check_equal(same, expected);
    tensor::lerp_(y, z, 0.25);
    for (std::size_t i = 0; i < expected.values.size(); ++i)
      expected.values[i] += 0.25 * (Reference(z).values[i] - expected.values[i]);
    check_equal(same, expected);
    CHECK(same.version() == version + 4);
  }
}
