#include "reference.h"

#include <algorithm>
#include <limits>
#include <map>

using namespace gesso;

namespace {

const double kInf = std::numeric_limits<double>::infinity();

/// Some axes of a shape, counted from either end, and which dimensions they are.
struct Choice {
  Axes axes;
  std::vector<bool> reduced;
};
Choice choose(Samples& samples, const Shape& shape) {
  Choice c{{}, std::vector<bool>(static_cast<std::size_t>(shape.rank()))};
  for (int d = shape.rank() - 1; d >= 0; --d)
    if (samples.integer(0, 1)) {
      c.axes.push_back(samples.integer(0, 1) ? d : d - shape.rank());
      c.reduced[static_cast<std::size_t>(d)] = true;
    }
  if (c.axes.empty()) c.reduced.assign(c.reduced.size(), true);  // no axes are all axes
  return c;
}

Shape shape_without(const Shape& shape, const std::vector<bool>& reduced, bool keep) {
  Shape out;
  for (int d = 0; d < shape.rank(); ++d)
    if (keep || !reduced[static_cast<std::size_t>(d)])
      out.push_back(reduced[static_cast<std::size_t>(d)] ? 1 : shape[d]);
  return out;
}

/// For each element of the result the elements of x it is made of, in order; results in order.
std::map<Index, std::vector<double>> groups(const Tensor& x, const std::vector<bool>& reduced) {
  std::map<Index, std::vector<double>> out;
  for_each_index(shape_without(x.shape(), reduced, false), [&](const Index& i) { out[i] = {}; });
  Reference values(x);
  for_each_index(x.shape(), [&](const Index& i) { out[without(i, reduced)].push_back(values.at(i)); });
  return out;
}

/// What f makes of each group.
template <class F>
Reference reduced_by(const Tensor& x, const std::vector<bool>& reduced, bool keep, const F& f) {
  Reference out(shape_without(x.shape(), reduced, keep));
  std::size_t n = 0;
  for (const auto& [index, values] : groups(x, reduced)) out.values[n++] = f(values);
  return out;
}

double total(const std::vector<double>& v) {
  double s = 0;
  for (double e : v) s += e;
  return s;
}

std::vector<bool> only(const Shape& shape, int axis) {
  std::vector<bool> out(static_cast<std::size_t>(shape.rank()));
  out[static_cast<std::size_t>(axis)] = true;
  return out;
}

}  // namespace

TEST_CASE("sum, mean, var over any axes") {
  Samples samples(1);
  for (int round = 0; round < 300; ++round) {
    const DType dtype = round % 2 ? DType::f32 : DType::f64;
    const Tensor x = samples.integers(samples.shape(0, 5), dtype);
    const Choice c = choose(samples, x.shape());
    const bool keep = samples.integer(0, 1);
    const auto count = [](const std::vector<double>& v) { return static_cast<double>(v.size()); };
    INFO(x.shape().text(), " ", c.axes.size(), " axes");
    check_equal(tensor::sum(x, c.axes, keep), reduced_by(x, c.reduced, keep, total));
    check_equal(tensor::mean(x, c.axes, keep),
                reduced_by(x, c.reduced, keep, [&](const auto& v) { return total(v) / count(v); }));
    const auto correction = static_cast<int>(samples.integer(0, 1));
    const Reference var = reduced_by(x, c.reduced, keep, [&](const auto& v) {
      const double m = total(v) / count(v);
      long double s = 0;  // its own rounding must stay below what is tested
      for (double e : v) s += (e - m) * (e - m);
      return static_cast<double>(s / std::max(count(v) - correction, 0.0));
    });
    // n squares of at most 8^2, the difference, the mean in it and the square rounded: 2 eps each; a sum of depth log2 n;
    // then n / (n - 1) <= 2 of that, and the quotient rounded
    const double depth = 6 + std::log2(static_cast<double>(std::max<std::int64_t>(x.size(), 1)));
    check_close(tensor::var(x, c.axes, correction, keep), var,
                [&](double) { return depth * epsilon(dtype) * 64; });
  }
}

TEST_CASE("a sum of nothing is 0, its mean NaN") {
  CHECK(tensor::sum(tensor::zeros({0})).item() == 0);
  check_equal(tensor::sum(tensor::zeros({3, 0, 2}), {1}), Reference({3, 2}));
  check_equal(tensor::mean(tensor::zeros({2, 0}), {1}), Reference({2}, std::nan("")));
  check_equal(tensor::sum(tensor::zeros({3, 0, 2}), {0}), Reference({0, 2}));
  CHECK(std::isnan(tensor::var(tensor::ones({1})).item()));  // n - 1 = 0, as in NumPy
  CHECK(std::isnan(tensor::var(tensor::ones({0})).item()));
}

TEST_CASE("a sum of one element is a new tensor, not a view") {
  const Tensor x = tensor::full({}, 3);
  Tensor y = tensor::sum(x);
  tensor::fill_(y, 1);
  CHECK(x.item() == 3);
}

TEST_CASE("sums of random numbers stay within their bound") {
  Samples samples(2);
  for (std::int64_t n : {1, 10, 1000, 100000}) {
    const Tensor x = samples.reals({n}, DType::f32, -1, 1);
    double expected = 0, size = 0;
    for (double v : x.to_vector<double>()) expected += v, size += std::abs(v);
    // conventions.md section 5 with a depth of log2 n: pairwise, blocked and double accumulation all stay below it
    const double tolerance = 2 * 0x1p-24 * (1 + std::log2(static_cast<double>(n))) * size;
    CHECK(std::abs(tensor::sum(x).item() - expected) <= tolerance);
  }
}

TEST_CASE("max and min over any axes") {
  Samples samples(3);
  for (int round = 0; round < 300; ++round) {
    const DType dtype = round % 2 ? DType::f32 : DType::f64;
    const Tensor x = samples.integers(samples.shape(0, 5), dtype, -50, 50);
    const Choice c = choose(samples, x.shape());
    const bool keep = samples.integer(0, 1);
    if (x.size() == 0 && shape_without(x.shape(), c.reduced, false).size() > 0) {
      CHECK_THROWS_AS(tensor::max(x, c.axes, keep), Error);
      CHECK_THROWS_AS(tensor::min(x, c.axes, keep), Error);
      continue;
    }
    check_equal(tensor::max(x, c.axes, keep), reduced_by(x, c.reduced, keep, [](const auto& v) {
                  return *std::max_element(v.begin(), v.end());
                }));
    check_equal(tensor::min(x, c.axes, keep), reduced_by(x, c.reduced, keep, [](const auto& v) {
                  return *std::min_element(v.begin(), v.end());
                }));
  }
  CHECK(tensor::max(tensor::zeros({2, 0, 0}), {1}).shape() == Shape{2, 0});  // nothing to reduce, to nothing
  CHECK(tensor::min(tensor::zeros({0, 3, 0}), {0, 1}).shape() == Shape{0});
  CHECK(std::isnan(tensor::max(Tensor::from<double>({1, NAN, 3})).item()));
  CHECK(std::isnan(tensor::min(Tensor::from<float>({NAN, 1, 3})).item()));
  CHECK(tensor::max(Tensor::from<double>({-kInf, -5})).item() == -5);
  CHECK(tensor::max(Tensor::from<double>({-kInf})).item() == -kInf);
}

TEST_CASE("argmax and argmin: the first of equals") {
  Samples samples(4);
  for (int round = 0; round < 300; ++round) {
    const DType dtype = round % 2 ? DType::f32 : DType::f64;
    const Tensor x = samples.integers(samples.shape(1, 4), dtype, -3, 3);
    const auto axis = static_cast<int>(samples.integer(0, x.rank() - 1));
    const bool keep = samples.integer(0, 1);
    if (x.dim(axis) == 0) continue;
    const std::vector<bool> reduced = only(x.shape(), axis);
    const Tensor largest = tensor::argmax(x, axis, keep), smallest = tensor::argmin(x, axis - x.rank(), keep);
    CHECK(largest.dtype() == DType::i64);
    check_equal(largest, reduced_by(x, reduced, keep, [](const auto& v) {
                  return static_cast<double>(std::max_element(v.begin(), v.end()) - v.begin());
                }));
    check_equal(smallest, reduced_by(x, reduced, keep, [](const auto& v) {
                  return static_cast<double>(std::min_element(v.begin(), v.end()) - v.begin());
                }));
  }
  const Tensor x = Tensor::from<double>({1, NAN, 3, NAN});
  CHECK(tensor::argmax(x, 0).item() == 1);  // as in NumPy, NaN is larger, and smaller, than all numbers
  CHECK(tensor::argmin(x, 0).item() == 1);
}

TEST_CASE("logsumexp, softmax, log_softmax") {
  Samples samples(5);
  for (int round = 0; round < 200; ++round) {
    const DType dtype = round % 2 ? DType::f32 : DType::f64;
    const double size = std::pow(10, static_cast<double>(samples.integer(-2, 2)));
    const Tensor x = samples.reals(samples.shape(1, 4), dtype, -size, size);
    const auto axis = static_cast<int>(samples.integer(-x.rank(), x.rank() - 1));
    const bool keep = samples.integer(0, 1);
    const std::vector<bool> reduced = only(x.shape(), axis < 0 ? axis + x.rank() : axis);
    const Reference lse = reduced_by(x, reduced, keep, [](const auto& v) {
      if (v.empty()) return -kInf;
      const double m = *std::max_element(v.begin(), v.end());
      double s = 0;
      for (double e : v) s += std::exp(e - m);
      return m + std::log(s);
    });
    Reference lse_keep = lse, values(x), soft(x.shape()), log_soft(x.shape());
    lse_keep.shape = shape_without(x.shape(), reduced, true);
    for_each_index(x.shape(), [&](const Index& i) {
      log_soft.at(i) = values.at(i) - lse_keep.at(i);
      soft.at(i) = std::exp(log_soft.at(i));
    });
    // a sum of n positive terms, each 4 units off and with the rounding of an argument as large as 2 size: relative
    // (n + 8 + 2 size) eps, which is the absolute error of its logarithm; the result's own rounding comes on top
    const double eps = epsilon(dtype), n = static_cast<double>(x.dim(axis)), error = (n + 8 + 2 * size) * eps;
    INFO(x.shape().text(), " axis ", axis);
    const auto absolute = [&](double y) { return error + 2 * eps * (std::abs(y) + size); };
    check_close(tensor::logsumexp(x, axis, keep), lse, absolute);
    check_close(tensor::log_softmax(x, axis), log_soft, absolute);
    // and below the normal numbers a unit of the smallest each for exp and the division
    check_close(tensor::softmax(x, axis), soft, [&](double y) { return error * y + 2 * 0x1p-149; });
  }
  const Tensor far = Tensor::from<float>({-INFINITY, 1000, 1000});
  CHECK(tensor::logsumexp(far, 0).item() == doctest::Approx(1000 + std::log(2.0)).epsilon(1e-7));
  CHECK(tensor::softmax(far, 0).to_vector<float>() == std::vector<float>{0, 0.5f, 0.5f});
  CHECK(tensor::logsumexp(Tensor::from<float>({-INFINITY, -INFINITY}), 0).item() == -kInf);
  CHECK(tensor::logsumexp(Tensor::from<float>({INFINITY, 0}), 0).item() == kInf);
  CHECK(std::isnan(tensor::logsumexp(Tensor::from<float>({NAN, 0}), 0).item()));
}

TEST_CASE("cumsum, both ways") {
  Samples samples(6);
  for (int round = 0; round < 200; ++round) {
    const Tensor x = samples.integers(samples.shape(1, 4), round % 2 ? DType::f32 : DType::f64);
    const auto axis = static_cast<int>(samples.integer(0, x.rank() - 1));
    for (bool reverse : {false, true}) {
      Reference values(x), expected(x.shape());
      for_each_index(x.shape(), [&](const Index& i) {
        Index j = i;
        std::int64_t& at = j[static_cast<std::size_t>(axis)];
        for (std::int64_t k = 0; k < x.dim(axis); ++k)
          if (reverse ? k >= i[static_cast<std::size_t>(axis)] : k <= i[static_cast<std::size_t>(axis)]) {
            at = k;
            expected.at(i) += values.at(j);
          }
      });
      check_equal(tensor::cumsum(x, axis, reverse), expected);
    }
  }
}

TEST_CASE("sum_binary: y = sum f(a_i, b_i)") {
  Samples samples(7);
  for (int round = 0; round < 60; ++round) {
    const DType dtype = round % 2 ? DType::f32 : DType::f64;
    const Shape shape = samples.shape();
    const Tensor a = samples.integers(shape, dtype), b = samples.integers(shape, dtype);
    for (auto op :
         {kernels::Binary::mul, kernels::Binary::squared_difference, kernels::Binary::absolute_difference}) {
      const Tensor y = tensor::sum_binary(op, a, b);
      CHECK(y.rank() == 0);
      CHECK(y.item() == total(tensor::binary(op, a, b).to_vector<double>()));
    }
  }
}

TEST_CASE("sum_to is the adjoint of broadcast_to") {
  Samples samples(8);
  for (int round = 0; round < 200; ++round) {
    const Shape large = samples.shape(0, 5), small = samples.broadcasting(large);
    const Tensor x = samples.integers(large, DType::f64), y = samples.integers(small, DType::f64);
    Reference expected(small), values(x);
    for_each_index(large, [&](const Index& i) { expected.at(i) += values.at(i); });
    INFO(large.text(), " to ", small.text());
    check_equal(tensor::sum_to(x, small), expected);
    const auto dot = [](const Tensor& p, const Tensor& q) {
      return tensor::sum_binary(kernels::Binary::mul, p, q).item();
    };
    CHECK(dot(x, tensor::broadcast_to(y, large)) == dot(tensor::sum_to(x, small), y));
  }
}
