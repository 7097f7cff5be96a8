#include "autograd/ops_samples.h"
#include "autograd/recurrent.h"

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
           lstm_cell_samples}};
}

}  // namespace gesso
