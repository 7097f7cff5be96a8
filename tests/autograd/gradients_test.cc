// Gradients of first and second order of every op against central differences, and linear ops against their adjoints.
#include "autograd/gradcheck.h"
#include "tests/device.h"
#include "tests/ops.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gesso::tests {
namespace {

Function call(const Op& op, const OpOptions& options) {
  return [&](const std::vector<Var>& x) { return op.f(x, options); };
}

/// check(f, inputs) over all samples; returns how many there were.
template <class Check>
int over_all_ops(const Check& check) {
  int configurations = 0;
  for (const Op& op : tested_ops()) {
    if (!op.derivable) continue;
    for (std::uint64_t seed : {7, 8}) {
      Generator g(seed);
      for (const OpSample& drawn : op.samples(g)) {
        ++configurations;
        const OpSample s = on_tested_device(drawn);
        INFO(std::string(op.name) << ": " << s.text());
        CHECK(check(call(op, s.options), s.inputs, GradcheckOptions{}) == "");
      }
    }
  }
  return configurations;
}

/// Small integers, so that every product and sum is exact.
Tensor integers(Generator& g, const Shape& shape, DType dtype) {
  return tensor::uniform(g, shape, -4, 5, DType::f64, tested_device()).to(DType::i64).to(dtype);
}

double inner(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.to_vector<double>(), y = b.to_vector<double>();
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += x[i] * y.at(i);
  return sum;
}

/// <A x, y> = <x, A' y> for the op at one sample, exactly.
void check_adjoint(const Op& op, const OpSample& sample, DType dtype, Generator& g) {
  std::vector<Var> x;
  for (const Var& input : sample.inputs) x.push_back(parameter(integers(g, input.shape(), dtype)));
  const std::vector<Var> out = op.f(x, sample.options);
  std::vector<Var> y;
  double forward = 0;
  for (const Var& o : out) {
    y.push_back(integers(g, o.shape(), dtype));
    forward += inner(o.value(), y.back().value());
  }
  const std::vector<Var> dx = grad(out, x, {.grad_outputs = y});
  double backward = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double part = inner(x[i].value(), dx[i].value());
    if (op.linear == Linear::separately) CHECK(part == forward);
    backward += part;
  }
  if (op.linear == Linear::jointly) CHECK(backward == forward);
}

/// The gradient that is recorded, so that it can be differentiated again, against the one that is not, which may come from a
/// kernel of its own: gradgradcheck compares the former with differences of itself. Both round about as much as sums of n terms.
std::string recorded_or_not(const Function& f, const std::vector<Var>& inputs, const GradcheckOptions&) {
  const auto gradients = [&](bool recorded) {
    std::vector<Var> x, wanted, ys, v;
    for (const Var& in : inputs) {
      const bool checked = in.requires_grad() && in.dtype() == DType::f64;
      x.push_back(checked ? parameter(in.value().clone()) : in.detach());
      if (checked) wanted.push_back(x.back());
    }
    Generator g(5);
    for (const Var& y : f(x)) {
      if (!y.requires_grad()) continue;  // zero by structure
      ys.push_back(y);
      v.push_back(tensor::uniform(g, y.shape(), -1, 1, y.dtype(), y.device()));
    }
    if (ys.empty()) return std::vector<Var>(wanted.size());
    return grad(ys, wanted, {.grad_outputs = v, .create_graph = recorded, .allow_unused = true});
  };
  const std::vector<Var> once = gradients(false), again = gradients(true);
  for (std::size_t i = 0; i < once.size(); ++i) {
    if (once[i].defined() != again[i].defined()) return fmt::format("input {}: only one is there", i);
    if (!once[i]) continue;
    const std::vector<double> a = once[i].value().to_vector<double>(),
                              b = again[i].value().to_vector<double>();
    double size = 1;
    for (const double e : b) size = std::max(size, std::abs(e));
    for (std::size_t k = 0; k < a.size(); ++k)
      if (!(std::abs(a[k] - b.at(k)) <= 1e-12 * size))
        return fmt::format("input {}, element {}: {} and, recorded, {}", i, k, a[k], b[k]);
  }
  return "";
}

}  // namespace

TEST_CASE("every op's gradient is the same, recorded or not") {
  const int n = over_all_ops(recorded_or_not);
  MESSAGE(n << " configurations");
  CHECK(n >= 300);
}

TEST_CASE("every op's gradient agrees with central differences") {
  const int n = over_all_ops(gradcheck);
  MESSAGE(n << " configurations");
  CHECK(n >= 300);
}

TEST_CASE("every op's second derivative agrees with central differences of its gradient") {
  const int n = over_all_ops(gradgradcheck);
  MESSAGE(n << " configurations");
  CHECK(n >= 300);
}

TEST_CASE("a linear op and its gradient are adjoint, exactly on small integers") {
  int configurations = 0;
  for (const Op& op : tested_ops()) {
    if (op.linear == Linear::no) continue;
    Generator g(3), numbers(4);
    for (const OpSample& drawn : op.samples(g)) {
      OpSample s = on_tested_device(drawn);
      if (std::string(op.name) == "pad") s.options.a = 0;  // a padding other than 0 is affine
      for (DType dtype : {DType::f32, DType::f64}) {
        ++configurations;
        INFO(std::string(op.name) << " of " << name(dtype) << ": " << s.text());
        check_adjoint(op, s, dtype, numbers);
      }
    }
  }
  MESSAGE(configurations << " configurations");
  CHECK(configurations >= 200);
}

// At most eight kernels in a row, each right to 4 ulp, and sums of at most n terms: 2 eps (8 * 4 + n) of the largest number on
// the way, which is no more than eight times the largest of the gradient or 1.
TEST_CASE("gradients in f32 agree with those in f64") {
  int configurations = 0;
  for (const Op& op : tested_ops()) {
    if (!op.derivable) continue;
    Generator g(11), numbers(12);
    for (const OpSample& drawn : op.samples(g)) {
      const OpSample s = on_tested_device(drawn);
      std::vector<Var> x32, x64;
      for (const Var& x : s.inputs) {
        x32.push_back(parameter(x.value().to(DType::f32)));
        x64.push_back(parameter(x32.back().value().to(DType::f64)));
      }
      const std::vector<Var> y32 = op.f(x32, s.options), y64 = op.f(x64, s.options);
      if (!y64[0].requires_grad()) continue;  // zero by structure
      std::vector<Var> v32, v64;
      std::int64_t terms = 0;
      for (const Var& y : y32) {
        v32.push_back(tensor::uniform(numbers, y.shape(), -1, 1, DType::f32, tested_device()));
        v64.push_back(v32.back().value().to(DType::f64));
        terms += y.size();
      }
      for (const Var& x : x32) terms = std::max(terms, x.size());
      const std::vector<Var> d32 = grad(y32, x32, {.grad_outputs = v32}),
                             d64 = grad(y64, x64, {.grad_outputs = v64});
      ++configurations;
      for (std::size_t i = 0; i < d32.size(); ++i) {
        const std::vector<double> p = d32[i].value().to_vector<double>(),
                                  q = d64[i].value().to_vector<double>();
        REQUIRE(p.size() == q.size());
        double largest = 1;
        for (double e : q) largest = std::max(largest, std::abs(e));
        const double tolerance =
            2 * std::numeric_limits<float>::epsilon() * (8 * 4 + static_cast<double>(terms)) * 8 * largest;
        for (std::size_t k = 0; k < p.size(); ++k)
          if (!(std::abs(p[k] - q[k]) <= tolerance))
            FAIL_CHECK(std::string(op.name) << ": " << s.text() << ", input " << i << " element " << k << ": "
                                            << p[k] << " in f32, " << q[k] << " in f64");
      }
    }
  }
  CHECK(configurations >= 300);
}

}  // namespace gesso::tests
