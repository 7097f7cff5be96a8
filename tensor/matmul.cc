#include "tensor/ops.h"
#include "tensor/walk.h"

#include <utility>

namespace gesso::tensor {
namespace {

/// The matrix in the last two dimensions, transposed or not, with its strides.
struct Operand {
  std::int64_t rows, cols, row_stride, col_stride;
};
Operand operand(const Shape& s, bool transposed) {
  const std::int64_t r = s[s.rank() - 2], c = s[s.rank() - 1];
  return transposed ? Operand{c, r, 1, c} : Operand{r, c, c, 1};
}
Shape batch_of(const Shape& s) { return Shape(std::span(s.begin(), s.end() - 2)); }

/// The products of all batches. `walk` goes over the matrices of a and b: its last dimension is the kernel's batch, the
/// others are a loop here. p holds one product.
template <class T>
void multiply(const kernels::Kernels<T>& k, kernels::MatMul<T> p, const kernels::Walk& walk) {
  const int last = walk.dims - 1;
  const std::int64_t a_size = p.M * p.K, b_size = p.K * p.N;
  std::int64_t outer = 1;
  for (int d = 0; d < last; ++d) outer *= walk.shape[d];
  if (last >= 0) {
    p.batch = walk.shape[last];
    p.a_batch = walk.strides[0][last] * a_size;
    p.b_batch = walk.strides[1][last] * b_size;
    p.c_batch = p.M * p.N;
  }
  // One b for all of a batch: the matrices of a below each other are one.
  if (p.batch > 1 && p.b_batch == 0 && p.a_batch == a_size && p.a_row == p.K && p.a_col == 1)
    p.M *= std::exchange(p.batch, 1);

  const T *a = p.a, *b = p.b;
  for (std::int64_t i = 0; i < outer; ++i) {
    std::int64_t rest = i, a_at = 0, b_at = 0;
    for (int d = last - 1; d >= 0; --d) {
      a_at += rest % walk.shape[d] * walk.strides[0][d];
      b_at += rest % walk.shape[d] * walk.strides[1][d];
      rest /= walk.shape[d];
    }
    p.a = a + a_at * a_size;
    p.b = b + b_at * b_size;
    k.matmul(p);
    p.c += p.batch * p.M * p.N;
  }
}

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  check_alike("matmul", a, b);
  check(a.rank() >= 2 && b.rank() >= 2, "matmul: a {} and b {} must have at least two dimensions", a.shape(),
        b.shape());
  const Operand A = operand(a.shape(), options.transpose_a), B = operand(b.shape(), options.transpose_b);
  check(A.cols == B.rows, "matmul: a {}{} has {} columns, b {}{} has {} rows", a.shape(),
        options.transpose_a ? " transposed" : "", A.cols, b.shape(), options.transpose_b ? " transposed" : "",
        B.rows);
  const Tensor& bias = options.bias;
  if (bias.defined()) {
    check_alike("matmul: bias", a, bias);
    check(bias.shape() == Shape{B.cols}, "matmul: bias {} for {} columns", bias.shape(), B.cols);
  }
  const Shape a_batch = batch_of(a.shape()), b_batch = batch_of(b.shape());
  const Shape batch = broadcast_shape("matmul: batches", a_batch, b_batch);
  Shape shape = batch;
  shape.push_back(A.rows);
  shape.push_back(B.cols);

  return with_kernels("matmul", a, [&]<class T>(const kernels::Kernels<T>& k) {
    Tensor c(shape, a.dtype(), a.device());
    if (c.size() == 0) return c;
    kernels::MatMul<T> p;
    p.M = A.rows, p.N = B.cols, p.K = A.cols;
    p.a = a.device_data<T>(), p.a_row = A.row_stride, p.a_col = A.col_stride;
    p.b = b.device_data<T>(), p.b_row = B.row_stride, p.b_col = B.col_stride;
    p.c = c.mutable_device_data<T>(), p.c_row = B.cols;
    p.bias = bias.defined() ? bias.device_data<T>() : nullptr;
    p.act = options.activation;
    p.slope = static_cast<T>(options.slope);
    multiply(k, p, make_walk(batch, {broadcast_strides(a_batch, batch), broadcast_strides(b_batch, batch)}));
    return c;
  });
}

}  // namespace gesso::tensor
