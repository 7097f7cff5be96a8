// The differentiable operations. Each stands beside its edges in
// autograd/{elementwise,reduce,move,linear}.cc; the formulas of the values are those of tensor/ops.h. Every
// op is differentiable to any order; every linear op ships with its adjoint as a public op (sum_to /
// broadcast_to, take_rows / add_rows, pad / pad with negative amounts, cumsum / reversed cumsum).
#pragma once

#include "autograd/var.h"
#include "tensor/ops.h"

namespace gesso {

using tensor::Padding;

// ---- arithmetic, broadcasting (elementwise.cc) ----
Var operator+(const Var& a, const Var& b);
Var operator-(const Var& a, const Var& b);
Var operator*(const Var& a, const Var& b);
Var operator/(const Var& a, const Var& b);
Var operator-(const Var& x);
Var operator+(const Var& x, double c);
Var operator+(double c, const Var& x);
Var operator-(const Var& x, double c);
Var operator-(double c, const Var& x);
Var operator*(const Var& x, double c);
Var operator*(double c, const Var& x);
Var operator/(const Var& x, double c);
Var operator/(double c, const Var& x);
Var pow(const Var& x, double exponent);
Var pow(const Var& base, const Var& exponent);
/// The larger of two; where they are equal each gets half the gradient.
Var maximum(const Var& a, const Var& b);
Var minimum(const Var& a, const Var& b);

// ---- comparisons: masks without gradients (b8) ----
Tensor operator<(const Var& a, const Var& b);
Tensor operator<=(const Var& a, const Var& b);
Tensor operator>(const Var& a, const Var& b);
Tensor operator>=(const Var& a, const Var& b);
Tensor equal(const Var& a, const Var& b);
Tensor not_equal(const Var& a, const Var& b);
/// y = mask ? a : b; the mask is a constant.
Var where(const Tensor& mask, const Var& a, const Var& b);

// ---- functions of one variable ----
Var abs(const Var& x);
Var sign(const Var& x);  // gradient zero by structure
/// min(max(x, low), high); the gradient passes where low <= x <= high.
Var clamp(const Var& x, double low, double high);
Var exp(const Var& x);
Var log(const Var& x);
Var log1p(const Var& x);
Var sqrt(const Var& x);
Var square(const Var& x);
Var sin(const Var& x);
Var cos(const Var& x);
Var erf(const Var& x);
Var tanh(const Var& x);
Var sigmoid(const Var& x);
Var softplus(const Var& x, double beta = 1, double threshold = 20);
Var relu(const Var& x);
Var leaky_relu(const Var& x, double slope = 0.01);
Var elu(const Var& x, double alpha = 1);
Var gelu(const Var& x);
Var silu(const Var& x);

// ---- reductions (reduce.cc) ----
Var sum(const Var& x, const Axes& axes = {}, bool keep = false);
Var mean(const Var& x, const Axes& axes = {}, bool keep = false);
Var var(const Var& x, const Axes& axes = {}, int correction = 1, bool keep = false);
/// Where several elements are the largest, they share the gradient equally.
Var max(const Var& x, const Axes& axes = {}, bool keep = false);
Var min(const Var& x, const Axes& axes = {}, bool keep = false);
Tensor argmax(const Var& x, int axis, bool keep = false);
Tensor argmin(const Var& x, int axis, bool keep = false);
Var logsumexp(const Var& x, int axis, bool keep = false);
Var softmax(const Var& x, int axis);
Var log_softmax(const Var& x, int axis);
Var cumsum(const Var& x, int axis, bool reverse = false);
/// sqrt(sum x^2) over the axes; at 0 the gradient is 0.
Var norm(const Var& x, const Axes& axes = {}, bool keep = false);
Var sum_to(const Var& x, const Shape& shape);
/// sum (a - b)^2, sum |a - b|, sum bce_with_logits(logit, target), sum a b: value () in one pass over memory.
Var sum_squared_difference(const Var& a, const Var& b);
Var sum_absolute_difference(const Var& a, const Var& b);
Var sum_bce_with_logits(const Var& logit, const Var& target);
Var dot(const Var& a, const Var& b);
/// max(d,0) - d t + log1p(exp(-|d|)), element by element: -log of the Bernoulli likelihood of t with logit d.
Var bce_with_logits(const Var& logit, const Var& target);

// ---- moving elements (move.cc) ----
Var reshape(const Var& x, const Shape& shape);
Var broadcast_to(const Var& x, const Shape& shape);
Var permute(const Var& x, const std::vector<int>& order);
Var transpose(const Var& x);
Var flip(const Var& x, const Axes& axes);
Var pad(const Var& x, const Padding& padding, double value = 0);
Var slice(const Var& x, int axis, std::int64_t begin, std::int64_t end);
Var concat(const std::vector<Var>& xs, int axis = 0);
std::vector<Var> split(const Var& x, const std::vector<std::int64_t>& sizes, int axis = 0);
Var take_rows(const Var& x, const Tensor& index);
Var add_rows(const Var& x, const Tensor& index, std::int64_t rows);
Var cast(const Var& x, DType dtype);
/// The value of `forward` with the gradient of `x`: y = x + stop_gradient(forward - x).
Var straight_through(const Var& x, const Tensor& forward);

// ---- products (linear.cc) ----
/// y (..,M,N) = op(a) op(b), op transposing the last two dimensions
/// where asked; leading dimensions broadcast.
Var matmul(const Var& a, const Var& b, bool transpose_a = false, bool transpose_b = false);
/// y (..,out) = act(x (..,in) w (out,in)^T + b (out)): one kernel. b may
/// be undefined; slope belongs to leaky_relu, 0 is ReLU.
Var linear(const Var& x, const Var& w, const Var& b = {}, Activation act = Activation::none,
           double slope = 0);

}  // namespace gesso
