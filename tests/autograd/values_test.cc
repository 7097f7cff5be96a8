// The value of every op against its float64 reference, over random shapes, values and options.
#include "tests/device.h"
#include "tests/ops.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

namespace gesso::tests {
namespace {

/// What the allocator hands out next, for tensors of this shape, is full of NaN.
void poison(const Shape& shape, DType dtype) {
  std::vector<Tensor> blocks;
  for (int i = 0; i < 4; ++i) blocks.push_back(tensor::full(shape, NAN, dtype, tested_device()));
}

double epsilon(DType t) {
  return t == DType::f32 ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
}

/// Empty, or how y differs.
std::string difference(const Var& y, const Expected& expected, DType input) {
  const DType dtype = expected.dtype.value_or(input);
  if (y.shape() != expected.shape) return fmt::format("shape {}, expected {}", y.shape(), expected.shape);
  if (y.dtype() != dtype) return fmt::format("{}, expected {}", name(y.dtype()), name(dtype));
  const std::vector<double> v = y.value().to_vector<double>();
  for (std::size_t i = 0; i < v.size(); ++i) {
    const auto [wanted, bound] = expected.v.at(i);
    if (!(std::abs(v[i] - wanted) <= bound * epsilon(input)))
      return fmt::format("element {}: {}, expected {} within {} eps, is {} eps away", i, v[i], wanted, bound,
                         std::abs(v[i] - wanted) / epsilon(input));
  }
  return {};
}

/// How the op differs from its reference on one sample with inputs of one type.
std::string failure(const Op& op, const OpSample& sample, DType dtype) {
  std::vector<Var> inputs;
  std::vector<Array> arrays;
  for (const Var& x : sample.inputs) {
    inputs.push_back(x.value().to(dtype));
    arrays.push_back(array(inputs.back().value()));
  }
  const std::vector<Expected> expected = reference(op.name)(arrays, sample.options);
  for (const Expected& e : expected) poison(e.shape, e.dtype.value_or(dtype));
  const std::vector<Var> outputs = op.f(inputs, sample.options);
  if (outputs.size() != expected.size()) return "another number of outputs";
  for (std::size_t i = 0; i < outputs.size(); ++i)
    if (std::string d = difference(outputs[i], expected[i], dtype); !d.empty()) return d;
  return {};
}

}  // namespace

TEST_CASE("every op gives the value of its reference") {
  int configurations = 0;
  for (std::uint64_t seed = 0; seed < 5; ++seed)
    for (const Op& op : tested_ops()) {
      Generator g(seed);
      for (const OpSample& drawn : op.samples(g))
        for (DType dtype : {DType::f64, DType::f32}) {
          ++configurations;
          const OpSample sample = on_tested_device(drawn);
          const std::string wrong = failure(op, sample, dtype);
          INFO(std::string(op.name) << " of " << name(dtype) << " " << sample.text() << ", seed " << seed);
          CHECK(wrong == "");
        }
    }
  MESSAGE(configurations << " configurations of " << ops_table().size() << " ops");
  CHECK(configurations >= 2000);
}

TEST_CASE("every op has a row of its own with samples of every kind") {
  for (const Op& op : ops_table()) {
    INFO(std::string(op.name));
    CHECK(find_op(op.name) == &op);  // no other row before it has the name
    CHECK(std::string(op.formula).find("=") != std::string::npos);
    bool empty = false, odd = false;
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      Generator g(seed);
      for (const OpSample& s : op.samples(g))
        for (const std::vector<Var>& vars : {s.inputs, op(s)})
          for (const Var& x : vars) {
            empty = empty || x.size() == 0;
            for (std::int64_t d : x.shape()) odd = odd || (d > 1 && d % 2 == 1);
          }
    }
    CHECK(odd);
    CHECK(empty);
  }
  CHECK(find_op("no such op") == nullptr);
}

}  // namespace gesso::tests
