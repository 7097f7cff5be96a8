#include "tests/ops.h"

#include <cmath>

namespace gesso::tests {
namespace {

/// y, wrong by at most n units in the last place.
Value ulps(double n, double y) { return {y, n * std::abs(y)}; }

Reference of_one(double n, double (*f)(double)) {
  return elementwise([=](auto& x, auto&) { return ulps(n, f(x[0])); });
}
Reference compared(bool (*f)(double, double)) {
  return elementwise([f](auto& x, auto&) { return Value{f(x[0], x[1]) ? 1.0 : 0.0}; }, DType::b8);
}

double softplus(double t) { return t > 0 ? t + std::log1p(std::exp(-t)) : std::log1p(std::exp(t)); }

/// a^b: the logarithm of the result, b log a, is rounded before the exponential magnifies it.
Value power(double a, double b) { return ulps(8 + 2 * std::abs(b * std::log(a)), std::pow(a, b)); }

Expected where(const std::vector<Array>& x, const OpOptions& o) {
  const Array mask = array(o.fixed);
  Expected out{common_shape({x[0], x[1], mask}), {}};
  for_each_index(out.shape,
                 [&](const Index& i) { out.v.push_back({at(mask, i) != 0 ? at(x[0], i) : at(x[1], i)}); });
  return out;
}

// An option in f32 is rounded, so that arithmetic with one is a unit worse than arithmetic alone.
References arithmetic() {
  return {
      {"add", elementwise([](auto& x, auto&) { return ulps(1, x[0] + x[1]); })},
      {"sub", elementwise([](auto& x, auto&) { return ulps(1, x[0] - x[1]); })},
      {"mul", elementwise([](auto& x, auto&) { return ulps(1, x[0] * x[1]); })},
      {"div", elementwise([](auto& x, auto&) { return ulps(1, x[0] / x[1]); })},
      {"neg", elementwise([](auto& x, auto&) { return ulps(0, -x[0]); })},
      {"add_scalar", elementwise([](auto& x, auto& o) {
         return Value{x[0] + o.a, std::abs(x[0]) + 2 * std::abs(o.a)};
       })},
      {"sub_scalar", elementwise([](auto& x, auto& o) {
         return Value{x[0] - o.a, std::abs(x[0]) + 2 * std::abs(o.a)};
       })},
      {"rsub_scalar", elementwise([](auto& x, auto& o) {
         return Value{o.a - x[0], std::abs(x[0]) + 2 * std::abs(o.a)};
       })},
      {"mul_scalar", elementwise([](auto& x, auto& o) { return ulps(2, x[0] * o.a); })},
      {"div_scalar", elementwise([](auto& x, auto& o) { return ulps(2, x[0] / o.a); })},
      {"rdiv_scalar", elementwise([](auto& x, auto& o) { return ulps(2, o.a / x[0]); })},
      {"pow_scalar", elementwise([](auto& x, auto& o) { return power(x[0], o.a); })},
      {"pow", elementwise([](auto& x, auto&) { return power(x[0], x[1]); })},
      {"maximum", elementwise([](auto& x, auto&) { return ulps(0, std::fmax(x[0], x[1])); })},
      {"minimum", elementwise([](auto& x, auto&) { return ulps(0, std::fmin(x[0], x[1])); })},
      {"less", compared([](double a, double b) { return a < b; })},
      {"less_equal", compared([](double a, double b) { return a <= b; })},
      {"greater", compared([](double a, double b) { return a > b; })},
      {"greater_equal", compared([](double a, double b) { return a >= b; })},
      {"equal", compared([](double a, double b) { return a == b; })},
      {"not_equal", compared([](double a, double b) { return a != b; })},
      {"where", [](auto& x, auto& o) { return std::vector{where(x, o)}; }},
  };
}

References functions() {
  return {
      {"abs", of_one(0, std::fabs)},
      {"sign", of_one(0, [](double x) { return x > 0   ? 1.0
                                               : x < 0 ? -1.0
                                                       : 0.0; })},
      {"clamp", elementwise([](auto& x, auto& o) { return ulps(1, std::fmin(std::fmax(x[0], o.a), o.b)); })},
      {"exp", of_one(4, std::exp)},
      {"log", of_one(4, std::log)},
      {"log1p", of_one(4, std::log1p)},
      {"sqrt", of_one(1, std::sqrt)},
      {"square", of_one(1, [](double x) { return x * x; })},
      {"sin", of_one(4, std::sin)},
      {"cos", of_one(4, std::cos)},
      {"erf", of_one(4, std::erf)},
      {"tanh", of_one(4, std::tanh)},
      {"sigmoid", of_one(4, [](double x) { return 1 / (1 + std::exp(-x)); })},
      {"softplus", elementwise([](auto& x, auto& o) {
         const double t = o.a * x[0], y = t > o.b ? x[0] : softplus(t) / o.a;
         return Value{y, 8 * std::abs(y) + 2 * std::abs(x[0])};  // a x is rounded first
       })},
      {"relu", of_one(0, [](double x) { return x > 0 ? x : 0.0; })},
      {"leaky_relu", elementwise([](auto& x, auto& o) { return ulps(2, x[0] > 0 ? x[0] : o.a * x[0]); })},
      {"elu",
       elementwise([](auto& x, auto& o) { return ulps(6, x[0] > 0 ? x[0] : o.a * std::expm1(x[0])); })},
      {"gelu", elementwise([](auto& x, auto&) {  // Phi is right to a few eps, not relative to itself
         return Value{x[0] * 0.5 * std::erfc(-x[0] / std::sqrt(2.0)), 6 * std::abs(x[0])};
       })},
      {"silu", of_one(6, [](double x) { return x / (1 + std::exp(-x)); })},
      {"bce_with_logits", elementwise([](auto& x, auto&) {
         const double s = softplus(x[0]), dt = x[0] * x[1];
         return Value{s - dt, 8 * s + 2 * std::abs(dt)};
       })},
  };
}

}  // namespace

References elementwise_references() {
  References all = arithmetic();
  for (auto& r : functions()) all.push_back(r);
  return all;
}

}  // namespace gesso::tests
