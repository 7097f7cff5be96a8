#include "autograd/ops_samples.h"

#include <algorithm>
#include <cmath>

namespace gesso {
namespace {

std::vector<OpSample> matmul_samples(Generator& g) {
  Draw d(g);
  std::vector<OpSample> out;
  for (bool ta : {false, true})
    for (bool tb : {false, true}) {
      const std::int64_t m = d.integer(1, 7), k = d.integer(1, 9), n = d.integer(1, 8);
      const Shape a = ta ? Shape{k, m} : Shape{m, k}, b = tb ? Shape{n, k} : Shape{k, n};
      const auto batched = [](Shape batch, const Shape& matrix) {
        batch.push_back(matrix[0]);
        batch.push_back(matrix[1]);
        return batch;
      };
      const OpOptions o = {.transpose_a = ta, .transpose_b = tb};
      out.push_back({{d.values(a), d.values(b)}, o});
      out.push_back({{d.values(batched({3}, a)), d.values(batched({3}, b))}, o});
      out.push_back({{d.values(batched({2, 3}, a)), d.values(b)}, o});
      out.push_back({{d.values(a), d.values(batched({2}, b))}, o});
      out.push_back({{d.values(batched({2, 1}, a)), d.values(batched({3}, b))}, o});
    }
  out.push_back({{d.values({0, 3}), d.values({3, 2})}});
  out.push_back({{d.values({4, 0}), d.values({0, 2})}});
  out.push_back({{d.values({2, 0, 3}), d.values({3, 2})}});
  out.push_back({{d.values({0, 2, 3}), d.values({3, 5})}});
  out.push_back({{d.values({d.integer(17, 30), d.integer(33, 40)}), d.values({d.integer(5, 9), 40})},
                 {.transpose_b = true}});
  out.back().inputs[0] = d.values({out.back().inputs[0].dim(0), 40});
  return out;
}

/// Inputs of a linear layer whose pre-activations all stay clear of 0, where leaky ReLU has its kink.
std::vector<Var> layer(Draw& d, const Shape& x, std::int64_t out, bool bias) {
  while (true) {
    std::vector<Var> inputs = {d.values(x), d.values({out, x[x.rank() - 1]})};
    if (bias) inputs.push_back(d.values({out}));
    const Var p = linear(inputs[0], inputs[1], bias ? inputs[2] : Var());
    const std::vector<double> v = p.value().to_vector<double>();
    if (std::all_of(v.begin(), v.end(), [](double e) { return std::abs(e) > 1e-4; })) return inputs;
  }
}

std::vector<OpSample> linear_samples(Generator& g) {
  Draw d(g);
  std::vector<OpSample> out;
  for (const OpOptions& o : std::vector<OpOptions>{{},
                                                   {.a = 0, .activation = Activation::leaky_relu},
                                                   {.a = 0.2, .activation = Activation::leaky_relu},
                                                   {.activation = Activation::tanh},
                                                   {.activation = Activation::sigmoid}}) {
    const std::int64_t n = d.integer(1, 6), in = d.integer(1, 7), units = d.integer(1, 8);
    out.push_back({layer(d, {n, in}, units, true), o});
    out.push_back({layer(d, {n, in}, units, false), o});
    out.push_back({layer(d, {2, n, in}, units, true), o});
    out.push_back({layer(d, {in}, units, true), o});
  }
  out.push_back({{d.values({0, 3}), d.values({2, 3}), d.values({2})}});
  out.push_back({{d.values({3, 0}), d.values({2, 0}), d.values({2})}, {.activation = Activation::tanh}});
  return out;
}

}  // namespace

std::vector<Op> linear_rows() {
  return {
      {"matmul", "y = a b, each transposed where asked;  da = dy b^T, db = a^T dy",
       one([](auto& x, auto& o) { return matmul(x[0], x[1], o.transpose_a, o.transpose_b); }), matmul_samples,
       Linear::separately},
      {"linear",
       "y = act(p), p = x w^T + b;  dp = dy act'(p), dx = dp w, dw = dp^T x, db = the column sums of dp",
       one([](auto& x, auto& o) {
         return linear(x[0], x[1], x.size() > 2 ? x[2] : Var(), o.activation, o.a);
       }),
       linear_samples},
  };
}

}  // namespace gesso
