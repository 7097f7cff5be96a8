// Normalisations, each with its edges.
#include "autograd/norm.h"

#include "autograd/fused.h"

namespace gesso {
namespace {

using tensor::BatchNormParameters;

Tensor value_or_none(const Var& x) { return x ? x.value() : Tensor(); }

void check_options(const Var& x, const BatchNormOptions& o) {
  check(x.rank() >= 2, "batch_norm: x {} should be (rows.., C)", x.shape());
  check(o.slope >= 0, "batch_norm: slope {} is negative", o.slope);
}

/// Row i of z, as a copy: the gradient of a parameter must not keep that of a whole image batch in memory.
Var row(const Var& z, std::int64_t i) {
  return make("row", z.value()[i].clone(), edge(z, [i, s = z.shape()](const Var& dy) {
                return pad(dy.reshape({1, s[1]}), {{i, s[0] - 1 - i}, {0, 0}});
              }));
}

/// batch_norm of x (rows,C), as its derivatives see it.
struct Normalisation {
  Var x, gamma, beta;
  tensor::Moments by;
  BatchNormOptions options;

  BatchNormParameters parameters(double slope) const {
    return {by, value_or_none(gamma), value_or_none(beta), options.eps, slope};
  }
  Tensor value() const { return tensor::batch_norm(x.value(), parameters(options.slope)); }
  /// The derivative of the leaky ReLU times v.
  Var activated(const Var& v) const {
    if (options.slope == 1) return v;
    return leaky_relu_grad(v, tensor::batch_norm(x.value(), parameters(1)), options.slope);
  }
  Var scaled(const Var& v) const { return gamma ? v * gamma : v; }
};

/// xh = (x - mean) rstd in ops that can be differentiated again.
struct Whitened {
  explicit Whitened(const Normalisation& n) {
    const Var centred = n.x - mean(n.x, {0}, true);
    rstd = 1 / sqrt(mean(square(centred), {0}, true) + n.options.eps);
    xh = centred * rstd;
  }
  /// v without what the normalisation takes from it: v - mean(v) - xh mean(v xh). This map P is its own adjoint.
  Var project(const Var& v) const { return v - mean(v, {0}, true) - xh * mean(v * xh, {0}, true); }
  Var xh, rstd;
};

/// dz (rows+2,C) from dy: dx = gamma rstd P(dp), dgamma = sum dp xh, dbeta = sum dp, dp = dy behind the activation.
///
/// For its own edges let U, a, b be what comes for dx, dgamma, dbeta. They are the gradients of
///   L = sum U gamma rstd P(dp) + sum a xh dp + sum b dp
/// with respect to dy, x and gamma; through x, xh and rstd both change:
///   d rstd / dx = -rstd^2 xh / rows, and a gradient q of xh becomes rstd P(q).
Var batch_norm_grad(const Var& dy, const Normalisation& n) {
  const std::int64_t rows = n.x.dim(0);
  const auto parts = [rows](const Var& G) {
    struct {
      Var U, a, b;
    } p{slice(G, 0, 0, rows), row(G, rows), row(G, rows + 1)};
    return p;
  };
  return make(
      "batch_norm_grad", tensor::batch_norm_grad(dy.value(), n.x.value(), n.parameters(n.options.slope)),
      edge(dy,
           [=](const Var& G) {
             const auto [U, a, b] = parts(G);
             const Whitened w(n);
             return n.activated(n.scaled(w.rstd * w.project(U)) + w.xh * a + b);
           }),
      edge(n.gamma,
           [=](const Var& G) {
             const Whitened w(n);
             return sum(parts(G).U * w.project(n.activated(dy)) * w.rstd, {0});
           }),
      edge(n.x, [=](const Var& G) {
        const auto [U, a, b] = parts(G);
        const Whitened w(n);
        const Var dp = n.activated(dy);
        const Var q =
            dp * a - n.scaled(w.rstd * (U * mean(dp * w.xh, {0}, true) + dp * mean(U * w.xh, {0}, true)));
        const Var slope = n.scaled(square(w.rstd) * mean(U * w.project(dp), {0}, true));
        return w.rstd * w.project(q) - w.xh * slope;
      }));
}

/// The gradient of batch_norm is one tensor dz, in which dx, dgamma and dbeta lie behind each other, so that what they share is
/// computed once: z is a node without a value that stands for x, gamma and beta as rows below each other.
Var stacked(const Var& x, const Var& gamma, const Var& beta) {
  const std::int64_t rows = x.dim(0);
  return without_value("stack", {rows + 2, x.dim(1)}, x.dtype(),
                       {edge(x, [rows](const Var& dz) { return slice(dz, 0, 0, rows); }),
                        edge(gamma, [rows](const Var& dz) { return row(dz, rows); }),
                        edge(beta, [rows](const Var& dz) { return row(dz, rows + 1); })});
}

}  // namespace

Var batch_norm(const Var& x, const Var& gamma, const Var& beta, const BatchNormOptions& o,
               tensor::Moments* seen) {
  check_options(x, o);
  const Shape rows = x.shape().as_rows();
  if (x.rank() > 2) return batch_norm(x.reshape(rows), gamma, beta, o, seen).reshape(x.shape());
  check(rows[0] >= 2, "batch_norm: x {} has {} rows; a batch to learn from needs at least 2", x.shape(),
        rows[0]);
  const Normalisation n{x, gamma, beta, tensor::moments(x.value()), o};
  if (seen) *seen = n.by;
  return make("batch_norm", n.value(),
              edge(stacked(x, gamma, beta), [n](const Var& dy) { return batch_norm_grad(dy, n); }));
}

// p = (x - mean) rstd gamma + beta is a node without a value: dx = dp gamma rstd, dgamma = sum dp xh, dbeta = sum dp
Var batch_norm_fixed(const Var& x, const tensor::Moments& fixed, const Var& gamma, const Var& beta,
                     const BatchNormOptions& o) {
  check_options(x, o);
  if (x.rank() > 2)
    return batch_norm_fixed(x.reshape(x.shape().as_rows()), fixed, gamma, beta, o).reshape(x.shape());
  Tensor y = Normalisation{x, gamma, beta, fixed, o}.value();
  const auto rstd = [var = Var(fixed.var), o] { return 1 / sqrt(var + o.eps); };
  std::vector<Edge> edges = {
      edge(x, [=](const Var& dp) { return dp * (gamma ? gamma * rstd() : rstd()); }),
      edge(gamma, [=, m = Var(fixed.mean)](const Var& dp) { return sum(dp * ((x - m) * rstd()), {0}); }),
      edge(beta, [](const Var& dp) { return sum(dp, {0}); })};
  if (o.slope == 1) return make("batch_norm_fixed", std::move(y), std::move(edges));
  return make(
      "leaky_relu", std::move(y),
      edge(without_value("batch_norm_fixed", x.shape(), x.dtype(), std::move(edges)),
           [slope = o.slope](const Var& dy, const Var& out) { return leaky_relu_grad(dy, out, slope); }));
}

namespace {

/// (x - mean) / sqrt(var + eps), mean and variance over the axes.
Var standardised(const Var& x, const Axes& axes, double eps) {
  const Var centred = x - mean(x, axes, true);
  return centred / sqrt(mean(square(centred), axes, true) + eps);
}

Var affine(const char* op, const Var& x, const Shape& wanted, const Var& gamma, const Var& beta) {
  for (const Var* p : {&gamma, &beta})
    check(!*p || p->shape() == wanted, "{}: gamma and beta of x {} are {}, not {}", op, x.shape(), wanted,
          p->shape());
  const Var scaled = gamma ? x * gamma : x;
  return beta ? scaled + beta : scaled;
}

}  // namespace

Var layer_norm(const Var& x, int dims, const Var& gamma, const Var& beta, double eps) {
  check(dims >= 1 && dims <= x.rank(), "layer_norm: x {} has no {} last dimensions", x.shape(), dims);
  Axes axes;
  Shape last;
  for (int i = x.rank() - dims; i < x.rank(); ++i) axes.push_back(i), last.push_back(x.dim(i));
  return affine("layer_norm", standardised(x, axes, eps), last, gamma, beta);
}

Var group_norm(const Var& x, std::int64_t groups, const Var& gamma, const Var& beta, double eps) {
  check(x.rank() >= 2, "group_norm: x {} should be (N,..,C)", x.shape());
  const std::int64_t N = x.dim(0), C = x.dim(-1), places = x.shape().product(1, x.rank() - 1);
  check(groups >= 1 && C % groups == 0, "group_norm: {} groups do not divide the {} channels of x {}", groups,
        C, x.shape());
  const Var y = standardised(x.reshape({N, places, groups, C / groups}), {1, 3}, eps);
  return affine("group_norm", y.reshape(x.shape()), {C}, gamma, beta);
}

Var instance_norm(const Var& x, const Var& gamma, const Var& beta, double eps) {
  check(x.rank() >= 2, "instance_norm: x {} should be (N,..,C)", x.shape());
  if (x.dim(-1) == 0) return x;
  return group_norm(x, x.dim(-1), gamma, beta, eps);
}

Var spectral_norm(const Var& w, Tensor& u, Tensor& v, int iterations, double eps) {
  check(w.rank() >= 2, "spectral_norm: w {} should be (out, rest..)", w.shape());
  if (w.size() == 0) return w;
  const Var W = w.reshape({w.dim(0), -1});
  check(u.shape() == Shape{W.dim(0)} && v.shape() == Shape{W.dim(1)},
        "spectral_norm: w {} goes with u ({}) and v ({}), not {} and {}", w.shape(), W.dim(0), W.dim(1),
        u.shape(), v.shape());
  const Var least = tensor::full({}, eps, w.dtype(), w.device());
  const auto step = [&](Tensor& to, const Tensor& from, bool transposed) {
    const Var t = matmul(W.detach(), Var(from.reshape({-1, 1})), transposed).reshape(to.shape());
    tensor::copy_(to, (t / maximum(norm(t), least)).value());
  };
  for (int i = 0; i < iterations; ++i) {
    step(v, u, true);
    step(u, v, false);
  }
  // Copies: the next call changes u and v, while this graph may still wait for its backward.
  const Var left = u.clone().reshape({1, -1}), right = v.clone().reshape({-1, 1});
  return w / matmul(matmul(left, W), right).reshape({});
}

}  // namespace gesso
