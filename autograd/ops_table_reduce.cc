#include "autograd/ops_samples.h"

namespace gesso {
namespace {

std::vector<OpSample> variance_samples(Generator& g) {
  std::vector<OpSample> out = axes_samples(kAny, false, false)(g);
  std::erase_if(out,
                [](const OpSample& s) { return s.inputs[0].rank() == 0; });  // one element has no variance
  for (std::size_t i = 0; i < out.size(); i += 2) out[i].options.correction = 0;
  return out;
}

std::vector<OpSample> sum_to_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(2, 6), m = d.integer(2, 7);
  return {{{d.values({n, m})}, {.sizes = {1, m}}},    {{d.values({n, m})}, {.sizes = {m}}},
          {{d.values({n, m})}, {.sizes = {n, 1}}},    {{d.values({n, m})}, {.sizes = {n, m}}},
          {{d.values({n, m})}, {.sizes = {}}},        {{d.values({3, n, m})}, {.sizes = {3, 1, m}}},
          {{d.values({3, n, m})}, {.sizes = {1, 1}}}, {{d.values({0, m})}, {.sizes = {1, m}}},
          {{d.values({3, 0, m})}, {.sizes = {m}}}};
}

std::vector<Op> over_axes() {
  return {
      {"sum", "y = sum of x over the axes;  dx = dy, repeated",
       one([](auto& x, auto& o) { return sum(x[0], o.axes, o.keep); }), axes_samples(kAny, false, true),
       Linear::jointly},
      {"mean", "y = sum of x over the axes / n;  dx = dy / n, repeated",
       one([](auto& x, auto& o) { return mean(x[0], o.axes, o.keep); }), axes_samples(kAny, false, false)},
      {"var", "y = sum (x - mean)^2 / (n - correction);  dx = dy 2 (x - mean) / (n - correction)",
       one([](auto& x, auto& o) { return var(x[0], o.axes, o.correction, o.keep); }), variance_samples},
      {"max", "y = the largest x over the axes;  dx = dy where x = y, shared equally",
       one([](auto& x, auto& o) { return max(x[0], o.axes, o.keep); }), axes_samples(kAny, true, false)},
      {"min", "y = the smallest x over the axes;  dx = dy where x = y, shared equally",
       one([](auto& x, auto& o) { return min(x[0], o.axes, o.keep); }), axes_samples(kAny, true, false)},
      {"norm", "y = sqrt(sum of x^2 over the axes);  dx = dy x / y, and 0 where y = 0",
       one([](auto& x, auto& o) { return norm(x[0], o.axes, o.keep); }),
       axes_samples({.low = 0.1, .high = 2}, false, true)},
      {"sum_to", "y = x summed over the dimensions that broadcasting from sizes repeated;  dx = dy, repeated",
       one([](auto& x, auto& o) { return sum_to(x[0], Shape(std::span(o.sizes))); }), sum_to_samples,
       Linear::jointly},
  };
}

std::vector<Op> along_an_axis() {
  return {
      {"argmax", "y = where x is largest along the axis; the first of equals",
       one([](auto& x, auto& o) { return argmax(x[0], o.axis, o.keep); }), axis_samples(kAny, true, false),
       Linear::no, false},
      {"argmin", "y = where x is smallest along the axis; the first of equals",
       one([](auto& x, auto& o) { return argmin(x[0], o.axis, o.keep); }), axis_samples(kAny, true, false),
       Linear::no, false},
      {"logsumexp", "y = log sum exp(x) along the axis;  dx = dy softmax(x)",
       one([](auto& x, auto& o) { return logsumexp(x[0], o.axis, o.keep); }),
       axis_samples(kAny, false, false)},
      {"softmax", "y = exp(x) / sum exp(x) along the axis;  dx = y (dy - sum(dy y))",
       one([](auto& x, auto& o) { return softmax(x[0], o.axis); }), axis_samples(kAny, false, true)},
      {"log_softmax", "y = x - log sum exp(x) along the axis;  dx = dy - exp(y) sum(dy)",
       one([](auto& x, auto& o) { return log_softmax(x[0], o.axis); }), axis_samples(kAny, false, true)},
      {"cumsum",
       "y_i = sum_{j <= i} x_j along the axis, j >= i in reverse;  dx = dy summed from the other end",
       one([](auto& x, auto& o) { return cumsum(x[0], o.axis, o.reverse); }), axis_samples(kAny, false, true),
       Linear::jointly},
  };
}

std::vector<Op> of_two_tensors() {
  const auto apart = [](Generator& g) {  // a and b of one shape, nowhere equal
    std::vector<OpSample> out = distinct_pairs()(g);
    std::erase_if(out, [](const OpSample& s) { return s.inputs[0].shape() != s.inputs[1].shape(); });
    Draw d(g);
    for (const Shape& s : {Shape{d.integer(33, 90)}, Shape{3, 0}, Shape{d.integer(2, 5), 3, d.integer(2, 7)}})
      out.push_back({{d.distinct(s), d.distinct(s, 0.125, 0.0625)}});
    return out;
  };
  return {
      {"sum_squared_difference", "y = sum (a - b)^2;  da = 2 dy (a - b), db = -da",
       binary(sum_squared_difference), equal_shapes(kAny, kAny)},
      {"sum_absolute_difference", "y = sum |a - b|;  da = dy sign(a - b), db = -da",
       binary(sum_absolute_difference), apart},
      {"sum_bce_with_logits",
       "y = sum max(d,0) - d t + log1p(exp(-|d|));  dd = dy (sigmoid(d) - t), dt = -dy d",
       binary(sum_bce_with_logits), equal_shapes({.low = -5, .high = 5}, {.low = 0, .high = 1})},
      {"dot", "y = sum a b;  da = dy b, db = dy a", binary(dot), equal_shapes(kAny, kAny),
       Linear::separately},
  };
}

}  // namespace

std::vector<Op> reduce_rows() {
  std::vector<Op> all = over_axes();
  for (const auto& more : {along_an_axis(), of_two_tensors()})
    all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace gesso
