#include "autograd/recurrent.h"
#include "tests/ops.h"

#include <cmath>

namespace gesso::tests {
namespace {

/// f(sum of terms): 4 roundings of its own, and those of the sum, which f makes at most `steep` times as large.
Value gate(double y, double steep, double size, double from_before = 0) {
  return {y, 4 * std::abs(y) + steep * (2 * size + from_before)};
}
double logistic(double x) { return 1 / (1 + std::exp(-x)); }

std::vector<Expected> lstm_cell(const std::vector<Array>& x, const OpOptions&) {
  const Array &a = x[0], &c = x[1];
  const std::int64_t H = c.shape[c.shape.rank() - 1];
  Expected h_next{c.shape, {}}, c_next{c.shape, {}};
  for_each_index(c.shape, [&](const Index& at_c) {
    const auto part = [&](const Array& from, std::int64_t which) {
      Index i = at_c;
      i.back() += which * H;
      return at(from, i);
    };
    const auto peephole = [&](std::int64_t which) { return x.size() > 2 ? part(x[2], which) : 0; };
    const double before = at(c, at_c), a_i = part(a, 0), a_f = part(a, 1), a_g = part(a, 2), a_o = part(a, 3);
    const double w_i = peephole(0), w_f = peephole(1), w_o = peephole(2);
    const Value i = gate(logistic(a_i + w_i * before), 0.25, std::abs(a_i) + 2 * std::abs(w_i * before));
    const Value f = gate(logistic(a_f + w_f * before), 0.25, std::abs(a_f) + 2 * std::abs(w_f * before));
    const Value g = gate(std::tanh(a_g), 1, 0);
    const double after = f.y * before + i.y * g.y;
    const Value c1{after, std::abs(before) * f.bound + std::abs(g.y) * i.bound + i.y * g.bound +
                              2 * (std::abs(f.y * before) + std::abs(i.y * g.y))};
    const Value o = gate(logistic(a_o + w_o * after), 0.25, std::abs(a_o) + 2 * std::abs(w_o * after),
                         std::abs(w_o) * c1.bound);
    const Value t = gate(std::tanh(after), 1, 0, c1.bound);
    c_next.v.push_back(c1);
    h_next.v.push_back({o.y * t.y, std::abs(t.y) * o.bound + o.y * t.bound + std::abs(o.y * t.y)});
  });
  return {h_next, c_next};
}

Var zeros(const Shape& shape, DType dtype = DType::f32) { return tensor::zeros(shape, dtype); }

}  // namespace

References recurrent_references() { return {{"lstm_cell", lstm_cell}}; }

std::vector<Mistake> recurrent_mistakes() {
  const auto with = [](const Shape& a, const Shape& c, const Shape& w) {
    return [=] { gesso::lstm_cell(zeros(a), zeros(c), zeros(w)); };
  };
  return {
      {"lstm_cell",
       [] {
         gesso::lstm_cell(zeros({2, 12}), zeros({2, 4}));
       },
       "lstm_cell: a (2,12) should be (..,4H), and c (2,4) (..,H) with the same dimensions before"},
      {"lstm_cell",
       [] {
         gesso::lstm_cell(zeros({3, 16}), zeros({2, 4}));
       },
       "a (3,16) should be (..,4H)"},
      {"lstm_cell", [] { gesso::lstm_cell(zeros({4}), zeros({})); },
       "a (4) should be (..,4H), and c () (..,H)"},
      {"lstm_cell", with({2, 16}, {2, 4}, {4}),
       "lstm_cell: peepholes (4) for c (2,4) should be (..,12), before it the last dimensions of c"},
      {"lstm_cell", with({2, 5, 16}, {2, 5, 4}, {3, 12}), "peepholes (3,12) for c (2,5,4)"},
      {"lstm_cell", with({16}, {4}, {1, 12}), "peepholes (1,12) for c (4)"},
      {"lstm_cell",
       [] {
         gesso::lstm_cell(zeros({2, 16}), zeros({2, 4}, DType::f64));
       },
       "f64; convert one of them"},
      {"lstm_cell",
       [] {
         gesso::lstm_cell(zeros({2, 16}, DType::i64), zeros({2, 4}, DType::i64));
       },
       "arithmetic is for f32 and f64"},
  };
}

}  // namespace gesso::tests
