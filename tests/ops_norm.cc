#include "autograd/norm.h"
#include "tests/ops.h"

#include <algorithm>
#include <cmath>
#include <map>

namespace gesso::tests {
namespace {

using Inputs = std::vector<Array>;
using Result = std::vector<Expected>;

double parameter_at(const Inputs& x, std::size_t which, const Index& i, double otherwise) {
  return which < x.size() ? at(x[which], i) : otherwise;
}

double activated(double p, const OpOptions& o) {
  return o.activation == Activation::leaky_relu && p <= 0 ? o.a * p : p;
}

/// Mean and variance, each with its error in units of eps. A sum of n terms is wrong by n sum |terms|.
struct Statistics {
  double mean = 0, var = 0, mean_bound = 0, var_bound = 0;
};

Statistics statistics(const std::vector<double>& v) {
  Statistics s;
  const double n = static_cast<double>(v.size());
  double size = 0, distances = 0;
  for (double e : v) s.mean += e / n, size += std::abs(e);
  for (double e : v) s.var += (e - s.mean) * (e - s.mean) / n, distances += std::abs(e - s.mean) / n;
  s.mean_bound = 2 * size;
  s.var_bound = 2 * (n + 2) * s.var + 2 * distances * s.mean_bound;
  return s;
}

/// act((e - mean) / sqrt(var + b) gamma + beta)
Value normalised(double e, const Statistics& s, double gamma, double beta, const OpOptions& o) {
  const double var = s.var + o.b, xh = (e - s.mean) / std::sqrt(var);
  const double xh_bound =
      (s.mean_bound + std::abs(e - s.mean)) / std::sqrt(var) + std::abs(xh) * (4 + s.var_bound / var);
  const double p = xh * gamma + beta;
  return {activated(p, o),
          std::abs(gamma) * xh_bound + 2 * std::abs(xh * gamma) + std::abs(beta) + 2 * std::abs(p)};
}

/// Each element of x normalised together with those for which `group` gives the same.
Result by_groups(const Inputs& x, const OpOptions& o, const std::function<Index(const Index&)>& group) {
  std::map<Index, std::vector<double>> members;
  for_each_index(x[0].shape, [&](const Index& i) { members[group(i)].push_back(at(x[0], i)); });
  std::map<Index, Statistics> known;
  for (const auto& [g, v] : members) known[g] = statistics(v);
  Expected out{x[0].shape, {}};
  for_each_index(x[0].shape, [&](const Index& i) {
    out.v.push_back(
        normalised(at(x[0], i), known.at(group(i)), parameter_at(x, 1, i, 1), parameter_at(x, 2, i, 0), o));
  });
  return {out};
}

Result batch_norm(const Inputs& x, const OpOptions& o) {
  return by_groups(x, o, [](const Index& i) { return Index{i.back()}; });
}

Result batch_norm_fixed(const Inputs& x, const OpOptions& o) {
  const Array moments = array(o.fixed);
  Expected out{x[0].shape, {}};
  for_each_index(x[0].shape, [&](const Index& i) {
    const Statistics s{.mean = at(moments, {0, i.back()}), .var = at(moments, {1, i.back()})};
    Statistics rounded = s;  // the moments are rounded to the type of x
    rounded.mean_bound = std::abs(s.mean), rounded.var_bound = s.var;
    out.v.push_back(normalised(at(x[0], i), rounded, parameter_at(x, 1, i, 1), parameter_at(x, 2, i, 0), o));
  });
  return {out};
}

Result layer_norm(const Inputs& x, const OpOptions& o) {
  return by_groups(x, o, [&](const Index& i) { return Index(i.begin(), i.end() - o.sizes[0]); });
}

Result group_norm(const Inputs& x, const OpOptions& o) {
  const std::int64_t C = x[0].shape[x[0].shape.rank() - 1];
  return by_groups(x, o, [&](const Index& i) { return Index{i.front(), i.back() * o.sizes[0] / C}; });
}

Result instance_norm(const Inputs& x, const OpOptions& o) {
  return by_groups(x, o, [](const Index& i) { return Index{i.front(), i.back()}; });
}

Result spectral_norm(const Inputs& x, const OpOptions& o) {
  const Array uv = array(o.fixed);
  const std::size_t out = static_cast<std::size_t>(x[0].shape[0]), n = x[0].v.size(),
                    rest = out ? n / out : 0;
  double s = 0;  // all terms are positive
  for (std::size_t i = 0; i < n; ++i) s += uv.v[i / rest] * x[0].v[i] * uv.v[out + i % rest];
  Expected y{x[0].shape, {}};
  for (double e : x[0].v) y.v.push_back({e / s, (2 * static_cast<double>(n) + 8) * std::abs(e / s)});
  return {y};
}

Var zeros(const Shape& shape, DType dtype = DType::f32) { return tensor::zeros(shape, dtype); }

}  // namespace

References norm_references() {
  return {{"batch_norm", batch_norm},       {"batch_norm_fixed", batch_norm_fixed},
          {"layer_norm", layer_norm},       {"group_norm", group_norm},
          {"instance_norm", instance_norm}, {"spectral_norm", spectral_norm}};
}

std::vector<Mistake> norm_mistakes() {
  const auto with = [](const Shape& x, const Shape& gamma) {
    return [=] { batch_norm(zeros(x), zeros(gamma), {}); };
  };
  const auto fixed = [](const Shape& mean) {
    return [=] { batch_norm_fixed(zeros({4, 3}), {zeros(mean).value(), zeros({3}).value()}, {}, {}); };
  };
  const auto spectral = [](const Shape& u) {
    return [=] {
      Tensor left = tensor::zeros(u), right = tensor::zeros({6});
      spectral_norm(zeros({4, 2, 3}), left, right);
    };
  };
  return {
      {"batch_norm", with({4, 3}, {4}), "batch_norm: gamma (4) for the 3 channels of x (4,3)"},
      {"batch_norm", with({3}, {3}), "batch_norm: x (3) should be (rows.., C)"},
      {"batch_norm", with({1, 1, 1, 3}, {3}),
       "batch_norm: x (1,3) has 1 rows; a batch to learn from needs at least 2"},
      {"batch_norm",
       [] {
         batch_norm(zeros({4, 3}), zeros({3}, DType::f64), {});
       },
       "f64; convert one of them"},
      {"batch_norm",
       [] {
         batch_norm(zeros({4, 3}), {}, {}, {.slope = -1});
       },
       "batch_norm: slope -1 is negative"},
      {"batch_norm",
       [] {
         batch_norm(zeros({4, 3}, DType::i64), {}, {});
       },
       "arithmetic is for f32 and f64"},
      {"batch_norm_fixed", fixed({4}), "batch_norm: mean (4) for the 3 channels of x (4,3)"},
      {"layer_norm",
       [] {
         layer_norm(zeros({4, 3}), 3, {}, {});
       },
       "layer_norm: x (4,3) has no 3 last dimensions"},
      {"layer_norm",
       [] {
         layer_norm(zeros({4, 3}), 1, zeros({4}), {});
       },
       "layer_norm: gamma and beta of x (4,3) are (3), not (4)"},
      {"group_norm",
       [] {
         group_norm(zeros({2, 4, 6}), 4, {}, {});
       },
       "group_norm: 4 groups do not divide the 6 channels of x (2,4,6)"},
      {"instance_norm", [] { instance_norm(zeros({6}), {}, {}); }, "instance_norm: x (6) should be (N,..,C)"},
      {"spectral_norm", spectral({3}), "spectral_norm: w (4,2,3) goes with u (4) and v (6), not (3) and (6)"},
  };
}

}  // namespace gesso::tests
