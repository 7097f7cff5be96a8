#include "autograd/ops_samples.h"

#include <cmath>

namespace gesso {

std::int64_t Draw::integer(std::int64_t low, std::int64_t high) {
  const double u = tensor::uniform(*g_, {}, 0, 1, DType::f64).item();
  return low + static_cast<std::int64_t>(u * static_cast<double>(high - low + 1));
}

Var Draw::values(const Shape& shape, const Domain& domain) {
  Tensor x = tensor::uniform(*g_, shape, domain.low, domain.high, DType::f64);
  constexpr double kMargin = 1e-5;  // 10 eps
  double* p = x.mutable_data<double>();
  for (std::int64_t i = 0; i < x.size(); ++i)
    for (double kink : domain.kinks)
      if (std::abs(p[i] - kink) < kMargin) p[i] = kink + std::copysign(kMargin, p[i] - kink);
  return parameter(x);
}

Var Draw::distinct(const Shape& shape, double step, double offset) {
  const Tensor order = tensor::permutation(*g_, shape.size()).to(DType::f64).reshape(shape);
  const double middle = static_cast<double>(shape.size() / 2);
  return parameter(tensor::add(tensor::mul(tensor::add(order, -middle), step), offset));
}

Tensor Draw::indices(const Shape& shape, std::int64_t below) {
  std::vector<std::int64_t> v;
  for (std::int64_t i = 0; i < shape.size(); ++i) v.push_back(integer(0, below - 1));
  return Tensor::from(v, shape);
}

Tensor Draw::mask(const Shape& shape) {
  return tensor::compare(kernels::Compare::lt, tensor::uniform(*g_, shape), 0.5);
}

namespace {

/// Two shapes of odd sizes: a vector, a matrix.
std::vector<Shape> ordinary_shapes(Draw& d) {
  return {{2 * d.integer(0, 20) + 1}, {d.integer(1, 7), d.integer(1, 9)}};
}

std::vector<Shape> all_shapes(Draw& d) {
  std::vector<Shape> shapes = ordinary_shapes(d);
  shapes.insert(shapes.end(),
                {{}, {0}, {d.integer(1, 3), 0, 3}, {3, d.integer(1, 5), d.integer(4, 7), d.integer(5, 8)}});
  return shapes;
}

std::vector<std::pair<Shape, Shape>> broadcast_shapes(Draw& d) {
  const std::int64_t n = d.integer(2, 6), m = d.integer(2, 7), k = d.integer(2, 4);
  return {{{n, m}, {n, m}}, {{}, {}},         {{}, {n, m}},           {{n, m}, {}},        {{m}, {n, m}},
          {{n, 1}, {m}},    {{n, m}, {1, m}}, {{k, 1, m}, {n, 1}},    {{k, n, m}, {n, m}}, {{1}, {m}},
          {{0, m}, {m}},    {{0}, {1}},       {{k, n, 1, m}, {k, 1}}, {{1, 1, m}, {n, 1}}};
}

std::vector<OpOptions> axes_options(Draw& d) {
  const int axis = static_cast<int>(d.integer(0, 2));
  return {{},
          {.keep = true},
          {.axes = {axis}},
          {.axes = {axis - 3}, .keep = true},
          {.axes = {0, 2}},
          {.axes = {-1, 1}, .keep = true},
          {.axes = {1, 0}}};
}

}  // namespace

Samples unary_samples(const Domain& domain, const std::vector<OpOptions>& options) {
  return [=](Generator& g) {
    Draw d(g);
    std::vector<OpSample> out;
    for (const OpOptions& o : options)
      for (const Shape& s : out.empty() ? all_shapes(d) : ordinary_shapes(d))
        out.push_back({{d.values(s, domain)}, o});
    return out;
  };
}

Samples binary_samples(const Domain& a, const Domain& b) {
  return [=](Generator& g) {
    Draw d(g);
    std::vector<OpSample> out;
    for (const auto& [p, q] : broadcast_shapes(d)) out.push_back({{d.values(p, a), d.values(q, b)}});
    return out;
  };
}

Samples distinct_pairs() {
  return [](Generator& g) {
    Draw d(g);
    std::vector<OpSample> out;
    for (const auto& [p, q] : broadcast_shapes(d))
      out.push_back({{d.distinct(p), d.distinct(q, 0.125, 0.0625)}});
    return out;
  };
}

Samples equal_shapes(const Domain& a, const Domain& b) {
  return [=](Generator& g) {
    Draw d(g);
    std::vector<OpSample> out;
    for (const Shape& s : all_shapes(d)) out.push_back({{d.values(s, a), d.values(s, b)}});
    return out;
  };
}

Samples axes_samples(const Domain& domain, bool distinct, bool empty) {
  return [=](Generator& g) {
    Draw d(g);
    const auto x = [&](const Shape& s) { return distinct ? d.distinct(s) : d.values(s, domain); };
    std::vector<OpSample> out;
    for (const OpOptions& o : axes_options(d))
      out.push_back({{x({d.integer(2, 5), d.integer(2, 4), d.integer(2, 7)})}, o});
    out.push_back({{x({})}});
    out.push_back({{x({d.integer(2, 40)})}, {.axes = {-1}}});
    out.push_back({{x({d.integer(2, 9), 2, d.integer(5, 8), 3})}, {.axes = {1, 2}}});
    out.push_back({{x({0, d.integer(2, 4)})}, {.axes = {1}, .keep = true}});
    if (empty) out.push_back({{x({0, d.integer(2, 4)})}, {.axes = {0}}});
    return out;
  };
}

Samples axis_samples(const Domain& domain, bool distinct, bool empty) {
  return [=](Generator& g) {
    Draw d(g);
    const auto x = [&](const Shape& s) { return distinct ? d.distinct(s) : d.values(s, domain); };
    std::vector<OpSample> out;
    for (int axis : {0, 1, 2, -1})
      for (bool flag : {false, true})
        out.push_back({{x({d.integer(1, 4), d.integer(1, 5), d.integer(1, 7)})},
                       {.axis = axis, .keep = flag, .reverse = flag}});
    out.push_back({{x({d.integer(65, 90)})}});
    out.push_back({{x({3, d.integer(17, 33)})}, {.axis = 1}});
    out.push_back({{x({0, d.integer(2, 4)})}, {.axis = 1}});
    if (empty) out.push_back({{x({d.integer(2, 4), 0})}, {.axis = 1}});
    return out;
  };
}

}  // namespace gesso
