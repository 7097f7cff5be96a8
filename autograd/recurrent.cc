#include "autograd/recurrent.h"

#include "autograd/conv.h"

#include <array>

namespace gesso {
namespace {

/// dz (5M+3P,H), da, dc and dw behind each other, in ops that can be differentiated again. a (M,4H), c (M,H), w (P,3H); dh and dc
/// for h' and c'. Places are a dimension of their own here: (N,P,H), where w broadcasts.
Var lstm_cell_grad_in_ops(const Var& a, const Var& c, const Var& w, const Var& dh, const Var& dc_next) {
  const std::int64_t M = c.dim(0), H = c.dim(1), P = w ? w.dim(0) : 1;
  const auto by_place = [&](const Var& x) { return x.reshape({M / P, P, H}); };
  const std::vector<Var> into = split(a, {H, H, H, H}, 1);
  const std::vector<Var> peep = w ? split(w, {H, H, H}, 1) : std::vector<Var>(3);
  const auto seen = [&](std::size_t which, const Var& x) { return w ? peep[which] * x : Var(); };
  const auto plus = [](const Var& x, const Var& y) { return y ? x + y : x; };

  const Var before = by_place(c);
  const Var i = sigmoid(plus(by_place(into[0]), seen(0, before))),
            f = sigmoid(plus(by_place(into[1]), seen(1, before)));
  const Var g = tanh(by_place(into[2])), after = f * before + i * g, t = tanh(after);
  const Var o = sigmoid(plus(by_place(into[3]), seen(2, after)));

  const Var zero = tensor::zeros(before.shape(), c.dtype(), c.device());
  const Var dh_ = dh ? by_place(dh) : zero;
  const Var da_o = dh_ * t * o * (1 - o);
  const Var d = plus((dc_next ? by_place(dc_next) : zero) + dh_ * o * (1 - square(t)), seen(2, da_o));
  const Var da_i = d * g * i * (1 - i), da_f = d * before * f * (1 - f), da_g = d * i * (1 - square(g));
  const Var dc = plus(plus(d * f, seen(0, da_i)), seen(1, da_f));

  std::vector<Var> all = {concat({da_i, da_f, da_g, da_o}, 2).reshape({4 * M, H}), dc.reshape({M, H})};
  if (w)
    all.push_back(concat({sum(da_i * before, {0}), sum(da_f * before, {0}), sum(da_o * after, {0})}, 1)
                      .reshape({3 * P, H}));
  return concat(all);
}

/// The kernel's gradient; who will differentiate it again gets the same in ops.
Var lstm_cell_grad(const Var& a, const Var& c, const Var& w, const Var& dh, const Var& dc) {
  if (grad_enabled()) return lstm_cell_grad_in_ops(a, c, w, dh, dc);
  const auto value = [](const Var& x) { return x ? x.value() : Tensor(); };
  return tensor::lstm_cell_grad(a.value(), c.value(), value(w), value(dh), value(dc));
}

Shape without_last(const Shape& s) { return Shape(std::span(s.begin(), s.end() - 1)); }

/// (.., kH) as rows.
Var as_rows(const Var& x) {
  return x.rank() == 2 ? x : x.reshape({without_last(x.shape()).size(), x.dim(-1)});
}

void check_peepholes(const Var& c, const Var& w) {
  bool fits = w.rank() >= 1 && w.rank() <= c.rank() && w.dim(-1) == 3 * c.dim(-1);
  for (int i = 2; fits && i <= w.rank(); ++i) fits = w.dim(-i) == c.dim(-i);
  check(fits, "lstm_cell: peepholes {} for c {} should be (..,{}), before it the last dimensions of c",
        w.shape(), c.shape(), 3 * c.dim(-1));
}

}  // namespace

LstmState lstm_cell(const Var& a, const Var& c, const Var& w) {
  check(c.rank() >= 1 && a.rank() == c.rank() && without_last(a.shape()) == without_last(c.shape()) &&
            a.dim(-1) == 4 * c.dim(-1),
        "lstm_cell: a {} should be (..,4H), and c {} (..,H) with the same dimensions before", a.shape(),
        c.shape());
  if (w) check_peepholes(c, w);
  const Var a_ = as_rows(a), c_ = as_rows(c), w_ = w ? as_rows(w) : Var();
  const std::int64_t M = c_.dim(0), H = c_.dim(1), P = w ? w_.dim(0) : 0;
  const tensor::LstmCell y = tensor::lstm_cell(a_.value(), c_.value(), w ? w_.value() : Tensor());
  const auto part = [](std::int64_t begin, std::int64_t end, const Var& of) {
    return [=, s = of.shape()](const Var& dz) { return slice(dz, 0, begin, end).reshape(s); };
  };
  // The weights' gradient as a copy, or it would keep those of the whole batch in memory.
  const auto of_weights = [f = part(5 * M, 5 * M + 3 * P, w_)](const Var& dz) { return f(dz) * 1; };
  std::vector<Var> next = make_parts(
      "lstm_cell", {y.h.reshape(c.shape()), y.c.reshape(c.shape())}, {5 * M + 3 * P, H},
      [=](const std::vector<Var>& d) {
        return lstm_cell_grad(a_, c_, w_, d[0] ? as_rows(d[0]) : Var(), d[1] ? as_rows(d[1]) : Var());
      },
      {edge(a_, part(0, 4 * M, a_)), edge(c_, part(4 * M, 5 * M, c_)), w ? edge(w_, of_weights) : Edge{}});
  return {next[0], next[1]};
}

namespace {

/// x, h, c, w, b and peepholes; some may be undefined.
using ConvLstmInputs = std::array<Var, 6>;

/// Of those inputs that are wanted the gradients, behind each other, in ops that can be differentiated again.
Var conv_lstm_grad_in_ops(const ConvLstmInputs& in, const std::array<bool, 6>& wanted, const Var& dh,
                          const Var& dc) {
  const auto& [x, h, c, w, b, peepholes] = in;
  const Conv2dOptions same{.padding = kernels::HW(w.dim(1) / 2, w.dim(2) / 2)};
  const std::int64_t C = w.dim(3) - c.dim(3), M = c.size() / c.dim(3);
  const Var w_x = slice(w, 3, 0, C), w_h = slice(w, 3, C, w.dim(3));
  const auto geometry = [&](const Var& of, const Var& filters) {
    return tensor::conv2d_geometry(of.shape(), filters.shape(), same);
  };
  const Var from_x = x ? conv2d(x, w_x, geometry(x, w_x), b) : Var(),
            from_h = h ? conv2d(h, w_h, geometry(h, w_h), x ? Var() : b) : Var();
  const Var a = x && h ? from_x + from_h : x ? from_x : from_h;
  const auto rows = [](const Var& v) { return v ? as_rows(v) : v; };
  const Var dz = lstm_cell_grad_in_ops(rows(a), rows(c), rows(peepholes), rows(dh), rows(dc));
  const Var da = slice(dz, 0, 0, 4 * M).reshape(a.shape());

  std::vector<Var> all;
  if (wanted[0]) all.push_back(conv2d_input(da, w_x, geometry(x, w_x)));
  if (wanted[1]) all.push_back(conv2d_input(da, w_h, geometry(h, w_h)));
  if (wanted[2]) all.push_back(slice(dz, 0, 4 * M, 5 * M));
  const auto filter = [&](const Var& images, const Var& filters) {
    return images ? conv2d_filter(images, da, geometry(images, filters))
                  : Var(tensor::zeros(filters.shape(), w.dtype(), w.device()));
  };
  if (wanted[3]) all.push_back(x ? concat({filter(x, w_x), filter(h, w_h)}, 3) : filter(h, w_h));
  if (wanted[4]) all.push_back(sum(da, {0, 1, 2}));
  if (wanted[5]) all.push_back(slice(dz, 0, 5 * M, dz.dim(0)));
  for (Var& v : all) v = v.reshape({v.size()});
  return concat(all);
}

/// f(i) for each operand.
template <class F>
tensor::ConvLstm operands(const F& f) {
  return {f(0), f(1), f(2), f(3), f(4), f(5)};
}

}  // namespace

LstmState conv_lstm(const Var& x, const LstmState& state, const Var& w, const Var& b, const Var& peepholes) {
  const ConvLstmInputs in{x, state.h, state.c, w, b, peepholes};
  const auto value = [](const Var& v) { return v ? v.value() : Tensor(); };
  const auto given = [=] { return operands([&](std::size_t i) { return value(in[i]); }); };
  tensor::ConvLstmStep y = tensor::conv_lstm(given());
  std::array<bool, 6> wanted;
  std::array<std::int64_t, 7> begin{};  // of the gradients, which lie behind each other
  for (std::size_t i = 0; i < 6; ++i) {
    wanted[i] = in[i].requires_grad();
    begin[i + 1] = begin[i] + (wanted[i] ? in[i].size() : 0);
  }
  const auto gradient = [=, gates = std::move(y.gates)](const std::vector<Var>& d) -> Var {
    if (grad_enabled()) return conv_lstm_grad_in_ops(in, wanted, d[0], d[1]);
    const Tensor all({begin[6]}, in[2].dtype(), in[2].device());
    const auto to = [&](std::size_t i) {
      return wanted[i] ? all.slice(begin[i], begin[i + 1]).reshape(in[i].shape()) : Tensor();
    };
    tensor::conv_lstm_grad(given(), gates, value(d[0]), value(d[1]), operands(to));
    return all;
  };
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < 6; ++i)
    edges.push_back(edge(in[i], [=, s = in[i].shape()](const Var& dz) {
      const Var part = slice(dz, 0, begin[i], begin[i + 1]).reshape(s);
      // The weights' as copies, or they would keep the gradients of the whole batch in memory.
      return i < 3 ? part : part * 1;
    }));
  const std::vector<Var> next = make_parts("conv_lstm", {y.h, y.c}, {begin[6]}, gradient, std::move(edges));
  return {next[0], next[1]};
}

}  // namespace gesso
