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

/// `bounds`: how wrong a may be. w is null where there are no peepholes.
std::vector<Expected> cell(const Array& a, const Array& bounds, const Array& c, const Array* w) {
  const std::int64_t H = c.shape[c.shape.rank() - 1];
  Expected h_next{c.shape, {}}, c_next{c.shape, {}};
  for_each_index(c.shape, [&](const Index& at_c) {
    const auto part = [&](const Array& from, std::int64_t which) {
      Index i = at_c;
      i.back() += which * H;
      return at(from, i);
    };
    const auto peephole = [&](std::int64_t which) { return w ? part(*w, which) : 0; };
    const auto bound = [&](std::int64_t which) { return part(bounds, which); };
    const double before = at(c, at_c), a_i = part(a, 0), a_f = part(a, 1), a_g = part(a, 2), a_o = part(a, 3);
    const double w_i = peephole(0), w_f = peephole(1), w_o = peephole(2);
    const Value i =
        gate(logistic(a_i + w_i * before), 0.25, std::abs(a_i) + 2 * std::abs(w_i * before), bound(0));
    const Value f =
        gate(logistic(a_f + w_f * before), 0.25, std::abs(a_f) + 2 * std::abs(w_f * before), bound(1));
    const Value g = gate(std::tanh(a_g), 1, 0, bound(2));
    const double after = f.y * before + i.y * g.y;
    const Value c1{after, std::abs(before) * f.bound + std::abs(g.y) * i.bound + i.y * g.bound +
                              2 * (std::abs(f.y * before) + std::abs(i.y * g.y))};
    const Value o = gate(logistic(a_o + w_o * after), 0.25, std::abs(a_o) + 2 * std::abs(w_o * after),
                         std::abs(w_o) * c1.bound + bound(3));
    const Value t = gate(std::tanh(after), 1, 0, c1.bound);
    c_next.v.push_back(c1);
    h_next.v.push_back({o.y * t.y, std::abs(t.y) * o.bound + o.y * t.bound + std::abs(o.y * t.y)});
  });
  return {h_next, c_next};
}

std::vector<Expected> lstm_cell(const std::vector<Array>& x, const OpOptions&) {
  return cell(x[0], {x[0].shape, std::vector<double>(x[0].v.size())}, x[1], x.size() > 2 ? &x[2] : nullptr);
}

/// Its inputs are x, h, c, w, bias (rank 1), peepholes (rank 3); all but c and w may be missing.
std::vector<Expected> conv_lstm(const std::vector<Array>& in, const OpOptions&) {
  std::vector<const Array*> images;
  const Array *bias = nullptr, *peepholes = nullptr;
  for (const Array& one : in)
    if (one.shape.rank() == 4)
      images.push_back(&one);
    else
      (one.shape.rank() == 1 ? bias : peepholes) = &one;
  const Array &c = *images[images.size() - 2], &w = *images.back();
  const std::int64_t K = c.shape[3], C = w.shape[3] - K, H = c.shape[1], W = c.shape[2];
  const Array* const x = C ? images[0] : nullptr;
  const Array* const h = images.size() == (C ? 4 : 3) ? images[images.size() - 3] : nullptr;

  Array a{{c.shape[0], H, W, 4 * K}, {}}, bounds = a;
  for_each_index(a.shape, [&](const Index& at_a) {
    const std::int64_t n = at_a[0], k = at_a[3];
    double sum = bias ? bias->v[static_cast<std::size_t>(k)] : 0, size = std::abs(sum), terms = 1;
    for_each_index({w.shape[1], w.shape[2], C + K}, [&](const Index& tap) {
      const std::int64_t p = at_a[1] + tap[0] - w.shape[1] / 2, q = at_a[2] + tap[1] - w.shape[2] / 2;
      const Array* const from = tap[2] < C ? x : h;
      if (!from || p < 0 || p >= H || q < 0 || q >= W) return;
      const double term =
          at(*from, {n, p, q, tap[2] < C ? tap[2] : tap[2] - C}) * at(w, {k, tap[0], tap[1], tap[2]});
      sum += term, size += std::abs(term), terms += 1;
    });
    a.v.push_back(sum), bounds.v.push_back(2 * terms * size);
  });
  return cell(a, bounds, c, peepholes);
}

Var zeros(const Shape& shape, DType dtype = DType::f32) { return tensor::zeros(shape, dtype); }

}  // namespace

References recurrent_references() { return {{"lstm_cell", lstm_cell}, {"conv_lstm", conv_lstm}}; }

std::vector<Mistake> recurrent_mistakes() {
  const auto with = [](const Shape& a, const Shape& c, const Shape& w) {
    return [=] { gesso::lstm_cell(zeros(a), zeros(c), zeros(w)); };
  };
  struct Step {
    Shape x = {}, h = {}, c{2, 3, 4, 2}, w{8, 3, 3, 5}, b{8}, peepholes{3, 4, 6};  // {}: undefined
    DType dtype = DType::f32;
  };
  const auto step = [](const Step& s) {
    return [=] {
      const auto given = [](const Shape& shape) { return shape.rank() ? zeros(shape) : Var(); };
      gesso::conv_lstm(given(s.x), {given(s.h), given(s.c)}, zeros(s.w, s.dtype), given(s.b),
                       given(s.peepholes));
    };
  };
  const Shape x{2, 3, 4, 3}, h{2, 3, 4, 2};
  return {
      {"conv_lstm", step({}), "conv_lstm: neither x nor h"},
      {"conv_lstm", step({.x = x, .h = h, .w = {8, 3, 3, 4}}), "conv_lstm: x (2,3,4,3) should be (2,3,4,2)"},
      {"conv_lstm", step({.x = x, .h = h, .w = {8, 2, 3, 5}}),
       "conv_lstm: c (2,3,4,2) and w (8,2,3,5) should be (N,H,W,K) and (4K,R,S,C+K), R and S odd"},
      {"conv_lstm", step({.x = x, .w = {6, 3, 3, 5}}), "and w (6,3,3,5) should be (N,H,W,K)"},
      {"conv_lstm", step({.h = h}), "conv_lstm: w (8,3,3,5) is for 3 channels of x, which is undefined"},
      {"conv_lstm", step({.x = x, .h = {1, 3, 4, 2}}), "conv_lstm: h (1,3,4,2) should be (2,3,4,2)"},
      {"conv_lstm", step({.x = x, .b = {4}}), "conv_lstm: bias (4) should be (8)"},
      {"conv_lstm", step({.x = x, .peepholes = {3, 4, 2}}), "conv_lstm: peepholes (3,4,2) should be (3,4,6)"},
      {"conv_lstm", step({.x = x, .dtype = DType::f64}), "f64; convert one of them"},
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
