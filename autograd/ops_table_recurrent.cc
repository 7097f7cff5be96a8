#include "autograd/ops_samples.h"
#include "autograd/recurrent.h"

#include <algorithm>

namespace gesso {
namespace {

std::vector<OpSample> lstm_cell_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(2, 5), H = d.integer(1, 5), odd = 2 * d.integer(1, 3) + 1;
  const auto plain = [&](const Shape& before, std::int64_t hidden) {
    Shape a = before, c = before;
    a.push_back(4 * hidden), c.push_back(hidden);
    return OpSample{{d.values(a), d.values(c)}};
  };
  const auto peeping = [&](const Shape& before, const Shape& places, std::int64_t hidden) {
    OpSample s = plain(before, hidden);
    Shape w = places;
    w.push_back(3 * hidden);
    s.inputs.push_back(d.values(w));
    return s;
  };
  return {plain({n}, H),
          plain({2, 3}, odd),
          plain({}, 3),
          peeping({n}, {}, odd),
          peeping({n, 3}, {3}, H),
          peeping({2, 3, 2}, {3, 2}, 3),
          peeping({2, 2, 3}, {}, H),
          peeping({0, 2}, {2}, 3),
          plain({n}, 0)};
}

/// x, h, c, w, bias and peepholes, without those that are not there: ranks and the filters' channels tell which.
LstmState conv_lstm_of(const std::vector<Var>& in) {
  const auto of_rank = [&](int rank) {
    const auto found = std::find_if(in.begin(), in.end(), [=](const Var& v) { return v.rank() == rank; });
    return found == in.end() ? Var() : *found;
  };
  const bool others = of_rank(1).defined(), peeping = of_rank(3).defined();
  const std::size_t images = in.size() - others - peeping;
  const Var &c = in.at(images - 2), &w = in.at(images - 1);
  const bool sees = w.dim(3) > c.dim(3), has_h = images == (sees ? 4 : 3);
  return conv_lstm(sees ? in[0] : Var(), {has_h ? in.at(sees) : Var(), c}, w, of_rank(1), of_rank(3));
}

std::vector<OpSample> conv_lstm_samples(Generator& g) {
  Draw d(g);
  struct Step {
    std::int64_t N, H, W, C, K, R, S;
    bool h = true, bias = true, peepholes = true;
  };
  const auto sample = [&](const Step& s) {
    OpSample out;
    if (s.C) out.inputs.push_back(d.values({s.N, s.H, s.W, s.C}));
    if (s.h) out.inputs.push_back(d.values({s.N, s.H, s.W, s.K}));
    out.inputs.push_back(d.values({s.N, s.H, s.W, s.K}));
    out.inputs.push_back(d.values({4 * s.K, s.R, s.S, s.C + s.K}, {-0.5, 0.5}));
    if (s.bias) out.inputs.push_back(d.values({4 * s.K}));
    if (s.peepholes) out.inputs.push_back(d.values({s.H, s.W, 3 * s.K}));
    return out;
  };
  const std::int64_t n = d.integer(1, 2), C = d.integer(1, 2), K = d.integer(1, 2);
  return {sample({2, 2, 3, C, K, 3, 1}),
          sample({n, 2, 2, 1, 1, 3, 3}),
          sample({1, 2, 2, C, 2, 1, 1, true, false}),
          sample({n, 3, 2, 0, K, 1, 3, true, true, false}),
          sample({n, 2, 2, 2, K, 1, 3, false}),
          sample({n, 1, 2, 2, 1, 1, 1, false, false, false}),
          sample({0, 2, 2, C, K, 1, 1})};
}

}  // namespace

std::vector<Op> recurrent_rows() {
  return {{"lstm_cell",
           "h' = o tanh(c'), c' = f c + i g, i = sigmoid(a_i + w_i c), f = sigmoid(a_f + w_f c), g = "
           "tanh(a_g), o = "
           "sigmoid(a_o + w_o c')",
           [](const std::vector<Var>& x, const OpOptions&) {
             const LstmState next = lstm_cell(x[0], x[1], x.size() > 2 ? x[2] : Var());
             return std::vector<Var>{next.h, next.c};
           },
           lstm_cell_samples},
          {"conv_lstm", "h', c' = lstm_cell(a, c, peepholes), a = [x h] * w + b, padded to keep the size",
           [](const std::vector<Var>& x, const OpOptions&) {
             const LstmState next = conv_lstm_of(x);
             return std::vector<Var>{next.h, next.c};
           },
           conv_lstm_samples}};
}

}  // namespace gesso
