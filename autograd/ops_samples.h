// Random inputs for the table of ops. Internal to autograd/.
#pragma once

#include "autograd/ops_table.h"

namespace gesso {

using Samples = std::function<std::vector<OpSample>(Generator&)>;
using OpFunction = std::function<std::vector<Var>(const std::vector<Var>&, const OpOptions&)>;

/// The values an input may take: from low to high, but not within ten times gradcheck's eps (1e-6) of a kink.
struct Domain {
  double low = -2, high = 2;
  std::vector<double> kinks = {};
};
inline const Domain kAny;

class Draw {
 public:
  explicit Draw(Generator& g) : g_(&g) {}
  /// From low to high, both included.
  std::int64_t integer(std::int64_t low, std::int64_t high);
  Var values(const Shape& shape, const Domain& domain = {});
  /// Values that differ by at least `step` from each other, in random order; `offset` shifts them all.
  Var distinct(const Shape& shape, double step = 0.125, double offset = 0);
  Tensor indices(const Shape& shape, std::int64_t below);
  Tensor mask(const Shape& shape);

 private:
  Generator* g_;
};

/// f(inputs, options) with one output.
template <class F>
OpFunction one(F f) {
  return [f](const std::vector<Var>& x, const OpOptions& o) { return std::vector<Var>{f(x, o)}; };
}
inline OpFunction unary(Var (*f)(const Var&)) {
  return [f](const std::vector<Var>& x, const OpOptions&) { return std::vector<Var>{f(x[0])}; };
}
template <class R>
OpFunction binary(R (*f)(const Var&, const Var&)) {
  return [f](const std::vector<Var>& x, const OpOptions&) { return std::vector<Var>{f(x[0], x[1])}; };
}

/// x of every kind of shape with the first of the options, and of two shapes with each of the others.
Samples unary_samples(const Domain& domain, const std::vector<OpOptions>& options = {{}});
/// Every way in which two shapes broadcast.
Samples binary_samples(const Domain& a, const Domain& b);
/// The same, a and b nowhere equal.
Samples distinct_pairs();
/// Two inputs of the same shape.
Samples equal_shapes(const Domain& a, const Domain& b);
/// Reductions over some axes, kept or not. `distinct`: no two values equal. `empty`: 0 elements are allowed along an axis.
Samples axes_samples(const Domain& domain, bool distinct, bool empty);
/// Along one axis.
Samples axis_samples(const Domain& domain, bool distinct, bool empty);

// The rows, by the file that holds the ops.
std::vector<Op> elementwise_rows();
std::vector<Op> reduce_rows();
std::vector<Op> move_rows();
std::vector<Op> linear_rows();
std::vector<Op> conv_rows();
std::vector<Op> norm_rows();
std::vector<Op> image_rows();
std::vector<Op> recurrent_rows();

}  // namespace gesso
