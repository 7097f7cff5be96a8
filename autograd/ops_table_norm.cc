#include "autograd/norm.h"
#include "autograd/ops_samples.h"

#include <algorithm>
#include <cmath>

namespace gesso {
namespace {

// Options of a row: a is the slope of a leaky ReLU where `activation` asks for one, b is eps.
BatchNormOptions batch_norm_options(const OpOptions& o) {
  return {.eps = o.b, .slope = o.activation == Activation::leaky_relu ? o.a : 1};
}

Var gamma_of(const std::vector<Var>& x) { return x.size() > 1 ? x[1] : Var(); }
Var beta_of(const std::vector<Var>& x) { return x.size() > 2 ? x[2] : Var(); }

Var call_batch_norm(const std::vector<Var>& x, const OpOptions& o) {
  return batch_norm(x[0], gamma_of(x), beta_of(x), batch_norm_options(o));
}

Var call_batch_norm_fixed(const std::vector<Var>& x, const OpOptions& o) {
  const Tensor m = o.fixed.to(x[0].dtype());
  return batch_norm_fixed(x[0], {m[0], m[1]}, gamma_of(x), beta_of(x), batch_norm_options(o));
}

/// A sample of f, x of the given shape with gamma and beta, whose values stay clear of 0, the kink of a leaky ReLU behind it.
template <class F>
OpSample clear_of_zero(Draw& d, const F& f, const Shape& x, const OpOptions& o) {
  OpOptions linear = o;
  linear.activation = Activation::none;
  while (true) {
    OpSample s{{d.values(x), d.values({x[x.rank() - 1]}), d.values({x[x.rank() - 1]})}, o};
    const std::vector<double> v = f(s.inputs, linear).value().template to_vector<double>();
    if (std::all_of(v.begin(), v.end(), [](double e) { return std::abs(e) > 1e-4; })) return s;
  }
}

const std::vector<OpOptions> kBatchNormOptions = {{.b = 1e-5},
                                                  {.b = 0.3},
                                                  {.a = 0.2, .b = 1e-2, .activation = Activation::leaky_relu},
                                                  {.a = 0, .b = 1e-2, .activation = Activation::leaky_relu}};

std::vector<OpSample> batch_norm_samples(Generator& g) {
  Draw d(g);
  std::vector<OpSample> out;
  for (const OpOptions& o : kBatchNormOptions) {
    const std::int64_t n = d.integer(5, 9), C = d.integer(1, 6);
    out.push_back(clear_of_zero(d, call_batch_norm, {n, C}, o));
    out.push_back(clear_of_zero(d, call_batch_norm, {3, n, C}, o));
  }
  out.push_back({{d.values({7, 3})}, {.b = 0.1}});
  out.push_back({{d.values({2, 3, 3, 2}), d.values({2})}, {.b = 0.1}});
  out.push_back({{d.values({4, 0}), d.values({0}), d.values({0})}, {.b = 0.1}});
  return out;
}

std::vector<OpSample> batch_norm_fixed_samples(Generator& g) {
  Draw d(g);
  const auto moments = [&d](std::int64_t C) {
    return tensor::concat({d.values({1, C}).value(), d.values({1, C}, {.low = 0.2, .high = 3}).value()});
  };
  std::vector<OpSample> out;
  for (OpOptions o : kBatchNormOptions) {
    const std::int64_t n = d.integer(1, 7), C = d.integer(1, 6);
    o.fixed = moments(C);
    out.push_back(clear_of_zero(d, call_batch_norm_fixed, {n, C}, o));
    out.push_back(clear_of_zero(d, call_batch_norm_fixed, {2, n, 3, C}, o));
  }
  out.push_back({{d.values({7, 3})}, {.b = 0.1, .fixed = moments(3)}});
  out.push_back({{d.values({0, 3}), d.values({3}), d.values({3})}, {.b = 0.1, .fixed = moments(3)}});
  return out;
}

std::vector<OpSample> layer_norm_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(2, 5), m = d.integer(5, 8);
  return {{{d.values({n, m}), d.values({m}), d.values({m})}, {.b = 1e-3, .sizes = {1}}},
          {{d.values({2, n, m}), d.values({m}), d.values({m})}, {.b = 0.1, .sizes = {1}}},
          {{d.values({3, n, m}), d.values({n, m}), d.values({n, m})}, {.b = 1e-3, .sizes = {2}}},
          {{d.values({n, m})}, {.b = 0.1, .sizes = {1}}},
          {{d.values({0, m}), d.values({m})}, {.b = 0.1, .sizes = {1}}}};
}

std::vector<OpSample> group_norm_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(1, 3), h = d.integer(2, 4);
  return {{{d.values({n, h, 3, 6}), d.values({6}), d.values({6})}, {.b = 1e-2, .sizes = {3}}},
          {{d.values({n, h, 3, 4}), d.values({4}), d.values({4})}, {.b = 0.1, .sizes = {1}}},
          {{d.values({n, 5, 2}), d.values({2}), d.values({2})}, {.b = 1e-2, .sizes = {2}}},
          {{d.values({n, 9})}, {.b = 0.1, .sizes = {3}}},
          {{d.values({0, h, 4}), d.values({4}), d.values({4})}, {.b = 0.1, .sizes = {2}}}};
}

std::vector<OpSample> instance_norm_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(1, 3), h = d.integer(2, 4), C = d.integer(1, 5);
  return {{{d.values({n, h, 3, C}), d.values({C}), d.values({C})}, {.b = 1e-2}},
          {{d.values({n, 7, C})}, {.b = 0.1}},
          {{d.values({n, 3, 0})}, {.b = 0.1}}};
}

std::vector<OpSample> spectral_norm_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(2, 6), m = d.integer(3, 7);
  const Domain positive = {.low = 0.2, .high = 2};  // keeps u^T W v, the divisor, away from 0
  const auto sample = [&](const Shape& w) {
    return OpSample{{d.values(w, positive)},
                    {.fixed = d.values({w[0] + w.product(1, w.rank())}, positive).value()}};
  };
  return {sample({n, m}), sample({n, 2, 2, 3}), sample({1, m}), sample({5, 1}), sample({0, 3})};
}

Var call_spectral_norm(const std::vector<Var>& x, const OpOptions& o) {
  const Tensor both = o.fixed.to(x[0].dtype());
  Tensor u = both.slice(0, x[0].dim(0)), v = both.slice(x[0].dim(0), both.dim(0));
  return spectral_norm(x[0], u, v, 0);
}

}  // namespace

std::vector<Op> norm_rows() {
  return {
      {"batch_norm",
       "y = act(p), p = xh gamma + beta, xh = (x - mean) rstd, rstd = 1 / sqrt(var + b) over the rows;  "
       "dgamma = "
       "sum dp xh, dbeta = sum dp, dx = gamma rstd (dp - mean dp - xh mean(dp xh))",
       one(call_batch_norm), batch_norm_samples},
      {"batch_norm_fixed",
       "y = act(p), p = xh gamma + beta, xh = (x - mean) rstd by given moments;  dx = dp gamma rstd, dgamma "
       "= sum "
       "dp xh, dbeta = sum dp",
       one(call_batch_norm_fixed), batch_norm_fixed_samples},
      {"layer_norm", "y = (x - mean) / sqrt(var + b) gamma + beta over the last sizes[0] dimensions",
       one([](auto& x, auto& o) {
         return layer_norm(x[0], static_cast<int>(o.sizes[0]), gamma_of(x), beta_of(x), o.b);
       }),
       layer_norm_samples},
      {"group_norm",
       "y = (x - mean) / sqrt(var + b) gamma + beta over the places and the channels of each of sizes[0] "
       "groups",
       one([](auto& x, auto& o) { return group_norm(x[0], o.sizes[0], gamma_of(x), beta_of(x), o.b); }),
       group_norm_samples},
      {"instance_norm", "y = (x - mean) / sqrt(var + b) gamma + beta over the places of each channel",
       one([](auto& x, auto& o) { return instance_norm(x[0], gamma_of(x), beta_of(x), o.b); }),
       instance_norm_samples},
      {"spectral_norm", "y = w / s, s = u^T w v with u and v given;  dw = (dy - sum(dy y) u v^T) / s",
       one(call_spectral_norm), spectral_norm_samples},
  };
}

}  // namespace gesso
