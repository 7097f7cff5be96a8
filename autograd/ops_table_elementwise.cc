#include "autograd/ops_samples.h"

#include <array>

namespace gesso {
namespace {

const Domain kPositive = {.low = 0.2, .high = 3};
const Domain kAwayFromZero = {.low = 0.5, .high = 2.5};
const Domain kKinkAtZero = {.kinks = {0}};

std::vector<Op> arithmetic() {
  return {
      {"add", "y = a + b;  da = dy, db = dy", binary(operator+), binary_samples(kAny, kAny), Linear::jointly},
      {"sub", "y = a - b;  da = dy, db = -dy", binary<Var>(operator-), binary_samples(kAny, kAny),
       Linear::jointly},
      {"mul", "y = a b;  da = dy b, db = dy a", binary<Var>(operator*), binary_samples(kAny, kAny),
       Linear::separately},
      {"div", "y = a / b;  da = dy / b, db = -dy y / b", binary<Var>(operator/),
       binary_samples(kAny, kAwayFromZero)},
      {"neg", "y = -x;  dx = -dy", unary(operator-), unary_samples(kAny), Linear::jointly},
      {"add_scalar", "y = x + a;  dx = dy",
       one([](auto& x, auto& o) { return o.reverse ? o.a + x[0] : x[0] + o.a; }),
       unary_samples(kAny, {{.a = 1.7}, {.a = -0.3, .reverse = true}})},
      {"sub_scalar", "y = x - a;  dx = dy", one([](auto& x, auto& o) { return x[0] - o.a; }),
       unary_samples(kAny, {{.a = 0.6}})},
      {"rsub_scalar", "y = a - x;  dx = -dy", one([](auto& x, auto& o) { return o.a - x[0]; }),
       unary_samples(kAny, {{.a = 1}})},
      {"mul_scalar", "y = a x;  dx = a dy",
       one([](auto& x, auto& o) { return o.reverse ? o.a * x[0] : x[0] * o.a; }),
       unary_samples(kAny, {{.a = -3}, {.a = 0.5, .reverse = true}, {.a = 0}}), Linear::jointly},
      {"div_scalar", "y = x / a;  dx = dy / a", one([](auto& x, auto& o) { return x[0] / o.a; }),
       unary_samples(kAny, {{.a = 4}, {.a = -0.5}}), Linear::jointly},
      {"rdiv_scalar", "y = a / x;  dx = -dy y / x", one([](auto& x, auto& o) { return o.a / x[0]; }),
       unary_samples(kAwayFromZero, {{.a = 1}, {.a = -2.5}})},
      {"pow_scalar", "y = x^a;  dx = dy a x^(a-1)", one([](auto& x, auto& o) { return pow(x[0], o.a); }),
       unary_samples(kPositive, {{.a = 3}, {.a = 2}, {.a = 1}, {.a = 0}, {.a = 0.5}, {.a = -1.5}})},
      {"pow", "y = a^b;  da = dy b a^(b-1), db = dy y log a",
       one([](auto& x, auto&) { return pow(x[0], x[1]); }), binary_samples(kPositive, kAny)},
  };
}

std::vector<Op> choices() {
  const auto where_samples = [](Generator& g) {
    Draw d(g);
    const std::int64_t n = d.integer(2, 6), m = d.integer(2, 7);
    std::vector<OpSample> out;
    for (const auto& [mask, a, b] : std::vector<std::array<Shape, 3>>{{{{n, m}, {n, m}, {n, m}}},
                                                                      {{{n, 1}, {m}, {}}},
                                                                      {{{m}, {n, m}, {n, 1}}},
                                                                      {{{}, {m}, {m}}},
                                                                      {{{n, m}, {}, {1, m}}},
                                                                      {{{0, m}, {m}, {1, 1}}}})
      out.push_back({{d.values(a), d.values(b)}, {.fixed = d.mask(mask)}});
    return out;
  };
  return {
      {"maximum", "y = max(a, b);  the larger gets dy, equals get half of it", binary(maximum),
       distinct_pairs()},
      {"minimum", "y = min(a, b);  the smaller gets dy, equals get half of it", binary(minimum),
       distinct_pairs()},
      {"less", "y = a < b, a mask", binary<Tensor>(operator<), distinct_pairs(), Linear::no, false},
      {"less_equal", "y = a <= b, a mask", binary<Tensor>(operator<=), distinct_pairs(), Linear::no, false},
      {"greater", "y = a > b, a mask", binary<Tensor>(operator>), distinct_pairs(), Linear::no, false},
      {"greater_equal", "y = a >= b, a mask", binary<Tensor>(operator>=), distinct_pairs(), Linear::no,
       false},
      {"equal", "y = a == b, a mask", binary(equal), distinct_pairs(), Linear::no, false},
      {"not_equal", "y = a != b, a mask", binary(not_equal), distinct_pairs(), Linear::no, false},
      {"where", "y = mask ? a : b;  da = mask ? dy : 0, db = mask ? 0 : dy",
       one([](auto& x, auto& o) { return where(o.fixed, x[0], x[1]); }), where_samples, Linear::jointly},
  };
}

std::vector<Op> functions() {
  return {
      {"abs", "y = |x|;  dx = dy sign(x)", unary(abs), unary_samples(kKinkAtZero)},
      {"sign", "y = -1, 0 or 1;  the gradient is zero", unary(sign), unary_samples(kKinkAtZero)},
      {"clamp", "y = min(max(x, a), b);  dx = a <= x <= b ? dy : 0",
       one([](auto& x, auto& o) { return clamp(x[0], o.a, o.b); }),
       unary_samples({.kinks = {-0.5, 0.8}}, {{.a = -0.5, .b = 0.8}})},
      {"exp", "y = exp(x);  dx = dy y", unary(exp), unary_samples(kAny)},
      {"log", "y = log(x);  dx = dy / x", unary(log), unary_samples(kPositive)},
      {"log1p", "y = log(1 + x);  dx = dy / (1 + x)", unary(log1p), unary_samples({.low = -0.8, .high = 3})},
      {"sqrt", "y = sqrt(x);  dx = dy / (2 y)", unary(sqrt), unary_samples(kPositive)},
      {"square", "y = x^2;  dx = 2 x dy", unary(square), unary_samples(kAny)},
      {"sin", "y = sin(x);  dx = dy cos(x)", unary(sin), unary_samples({.low = -4, .high = 4})},
      {"cos", "y = cos(x);  dx = -dy sin(x)", unary(cos), unary_samples({.low = -4, .high = 4})},
      {"erf", "y = 2/sqrt(pi) int_0^x exp(-t^2) dt;  dx = dy 2/sqrt(pi) exp(-x^2)", unary(erf),
       unary_samples(kAny)},
      {"tanh", "y = tanh(x);  dx = dy (1 - y^2)", unary(tanh), unary_samples(kAny)},
      {"sigmoid", "y = 1 / (1 + exp(-x));  dx = dy y (1 - y)", unary(sigmoid),
       unary_samples({.low = -6, .high = 6})},
      {"softplus", "y = log(1 + exp(a x)) / a, and x where a x > b;  dx = dy sigmoid(a x), and dy there",
       one([](auto& x, auto& o) { return softplus(x[0], o.a, o.b); }),
       unary_samples({.low = -6, .high = 6, .kinks = {1}},
                     {{.a = 1, .b = 20}, {.a = 2, .b = 20}, {.a = 1, .b = 1}})},
      {"relu", "y = max(x, 0);  dx = y > 0 ? dy : 0", unary(relu), unary_samples(kKinkAtZero)},
      {"leaky_relu", "y = x > 0 ? x : a x;  dx = x > 0 ? dy : a dy",
       one([](auto& x, auto& o) { return leaky_relu(x[0], o.a); }),
       unary_samples(kKinkAtZero, {{.a = 0.01}, {.a = 0.2}, {.a = 1.5}, {.a = -0.5}})},
      {"elu", "y = x > 0 ? x : a (exp(x) - 1);  dx = y > 0 ? dy : dy (y + a)",
       one([](auto& x, auto& o) { return elu(x[0], o.a); }),
       unary_samples(kKinkAtZero, {{.a = 1}, {.a = 0.3}})},
      {"gelu", "y = x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2;  dx = dy (Phi(x) + x phi(x))", unary(gelu),
       unary_samples(kAny)},
      {"silu", "y = x s, s = sigmoid(x);  dx = dy (y + s (1 - y))", unary(silu), unary_samples(kAny)},
      {"bce_with_logits", "y = max(d,0) - d t + log1p(exp(-|d|));  dd = dy (sigmoid(d) - t), dt = -dy d",
       binary(bce_with_logits), binary_samples({.low = -5, .high = 5}, {.low = 0, .high = 1})},
  };
}

}  // namespace

std::vector<Op> elementwise_rows() {
  std::vector<Op> all = arithmetic();
  for (const auto& more : {choices(), functions()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace gesso
