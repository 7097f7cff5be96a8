// The operations on tensors: each checks its shapes, allocates the result and calls one kernel. No gradients here.
//
// Operands are on one device, and so is the result (an index may come from the CPU).
// Arithmetic is for f32 and f64; moving elements (permute, concat, take_rows, ..) works for every dtype. Binary operations
// broadcast as NumPy does: shapes are aligned at their last dimension and extents of 1 are repeated.
// `axes` lists dimensions to reduce, negative ones count from the end; an empty list means all of them.
#pragma once

#include "tensor/tensor.h"

#include <utility>
#include <vector>

namespace gesso {

/// A stream of random numbers: element i of a draw is a function of (seed, offset + i) alone (Philox4x32-10), so that
/// results never depend on threads or devices. Each draw advances the offset by the number of its elements.
struct Generator {
  explicit Generator(std::uint64_t seed = 0) : state{seed, 0} {}
  kernels::RandomState state;

  kernels::RandomState reserve(std::int64_t n) {
    const kernels::RandomState here = state;
    state.offset += static_cast<std::uint64_t>(n);
    return here;
  }
};

using Axes = std::vector<int>;
using kernels::Activation;

namespace tensor {

// ---- creation (create.cc) ----
Tensor zeros(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);
Tensor ones(const Shape& shape, DType dtype = DType::f32, Device device = Device::cpu);
Tensor full(const Shape& shape, double value, DType dtype = DType::f32, Device device = Device::cpu);
/// start, start + step, .., up to but without stop.
Tensor arange(double start, double stop, double step = 1, DType dtype = DType::f32,
              Device device = Device::cpu);
Tensor uniform(Generator& g, const Shape& shape, double low = 0, double high = 1, DType dtype = DType::f32,
               Device device = Device::cpu);
Tensor normal(Generator& g, const Shape& shape, double mean = 0, double std = 1, DType dtype = DType::f32,
              Device device = Device::cpu);
/// A random order of 0 .. n-1, i64.
Tensor permutation(Generator& g, std::int64_t n);
/// y (.., classes) = 1 where the index equals the class; index i64.
Tensor one_hot(const Tensor& index, std::int64_t classes, DType dtype = DType::f32);

// ---- element by element (elementwise.cc) ----
using gesso::name;  // of dtypes and devices
const char* name(kernels::Unary op);
const char* name(kernels::Binary op);
Tensor unary(kernels::Unary op, const Tensor& x, kernels::Scalars s = {});
Tensor binary(kernels::Binary op, const Tensor& a, const Tensor& b, kernels::Scalars s = {});
/// A mask (b8).
Tensor compare(kernels::Compare op, const Tensor& a, const Tensor& b);
Tensor compare(kernels::Compare op, const Tensor& a, double b);
Tensor logical_not(const Tensor& mask);
/// y = mask ? a : b, all three broadcast.
Tensor where(const Tensor& mask, const Tensor& a, const Tensor& b);
Tensor cast(const Tensor& x, DType dtype);

inline Tensor add(const Tensor& a, const Tensor& b) { return binary(kernels::Binary::add, a, b); }
inline Tensor sub(const Tensor& a, const Tensor& b) { return binary(kernels::Binary::sub, a, b); }
inline Tensor mul(const Tensor& a, const Tensor& b) { return binary(kernels::Binary::mul, a, b); }
inline Tensor div(const Tensor& a, const Tensor& b) { return binary(kernels::Binary::div, a, b); }
inline Tensor add(const Tensor& x, double c) { return unary(kernels::Unary::add_scalar, x, {c}); }
inline Tensor mul(const Tensor& x, double c) { return unary(kernels::Unary::mul_scalar, x, {c}); }

// ---- in place: y changes, and its version with it (elementwise.cc) ----
void fill_(Tensor& y, double value);
/// y += x; the same shape.
void add_(Tensor& y, const Tensor& x);
/// y = x, converted to y's dtype; the same shape.
void copy_(Tensor& y, const Tensor& x);
/// y += weight (x - y): an exponential moving average with decay 1 - weight.
void lerp_(Tensor& y, const Tensor& x, double weight);

// ---- reductions (reduce.cc) ----
Tensor sum(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor mean(const Tensor& x, const Axes& axes = {}, bool keep = false);
/// sum (x - mean)^2 / (n - correction), in two passes.
Tensor var(const Tensor& x, const Axes& axes = {}, int correction = 1, bool keep = false);
Tensor max(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor min(const Tensor& x, const Axes& axes = {}, bool keep = false);
Tensor argmax(const Tensor& x, int axis, bool keep = false);  // i64; the first of equals
Tensor argmin(const Tensor& x, int axis, bool keep = false);
Tensor logsumexp(const Tensor& x, int axis, bool keep = false);
Tensor softmax(const Tensor& x, int axis);
Tensor log_softmax(const Tensor& x, int axis);
Tensor cumsum(const Tensor& x, int axis, bool reverse = false);
/// y () = sum f(a_i, b_i) over all elements, in one pass; a and b of the same shape.
Tensor sum_binary(kernels::Binary op, const Tensor& a, const Tensor& b, kernels::Scalars s = {});
/// Sums x over the dimensions that broadcasting from `shape` to x's shape repeated: the adjoint of broadcast_to.
Tensor sum_to(const Tensor& x, const Shape& shape);

// ---- moving elements (move.cc); reshape and leading-dimension slices are views (Tensor) ----
Tensor broadcast_to(const Tensor& x, const Shape& shape);
/// y's dimension i is x's dimension order[i].
Tensor permute(const Tensor& x, const std::vector<int>& order);
/// The last two dimensions exchanged.
Tensor transpose(const Tensor& x);
Tensor flip(const Tensor& x, const Axes& axes);
/// Before and after each dimension; negative amounts crop.
using Padding = std::vector<std::pair<std::int64_t, std::int64_t>>;
Tensor pad(const Tensor& x, const Padding& padding, double value = 0);
Tensor slice(const Tensor& x, int axis, std::int64_t begin, std::int64_t end);
Tensor concat(const std::vector<Tensor>& xs, int axis = 0);
std::vector<Tensor> split(const Tensor& x, const std::vector<std::int64_t>& sizes, int axis = 0);
/// y[i] = x[index[i]] along the leading dimension; index i64 of any shape: y (index.., x.shape[1:]).
Tensor take_rows(const Tensor& x, const Tensor& index);
/// y (rows, ..) = 0, y[index[i]] += x[i], in the order of i: the adjoint of take_rows.
Tensor add_rows(const Tensor& x, const Tensor& index, std::int64_t rows);

// ---- matrix product (matmul.cc) ----
struct MatmulOptions {
  bool transpose_a = false, transpose_b = false;
  Tensor bias = {};  // (N), optional
  Activation activation = Activation::none;
  double slope = 0;
};
/// y (..,M,N) = act(a (..,M,K) b (..,K,N) + bias (N)); with a transpose flag the operand's last two dimensions are
/// (K,M) or (N,K). Leading dimensions are batches and broadcast.
Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options = {});

}  // namespace tensor
}  // namespace gesso
