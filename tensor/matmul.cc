#include "tensor/ops.h"
#include "tensor/walk.h"

namespace gesso::tensor {
namespace {

/// A matrix of the last two dimensions, transposed or not, with its strides.
struct Operand {
  std::int64_t rows, cols, row_stride, col_stride;
};
Operand operand(const Shape& s, bool transposed) {
  const std::int64_t r = s[s.rank() - 2], c = s[s.rank() - 1];
  return transposed ? Operand{c, r, 1, c} : Operand{r, c, c, 1};
}
Shape batch_of(const Shape& s) { return Shape(std::span(s.begin(), s.end() - 2)); }

}  // namespace

Tensor matmul(const Tensor& a, const Tensor& b, const MatmulOptions& options) {
  check_floating_pair("matmul", a, b);
  check(a.rank() >= 2 && b.rank() >= 2, "matmul: a {} and b {} must have at least two dimensions", a.shape(), b.shape());
  const Operand A = operand(a.shape(), options.transpose_a), B = operand(b.shape(), options.transpose_b);
  check(A.cols == B.rows, "matmul: a {}{} has {} columns, b {}{} has {} rows", a.shape(),
        options.transpose_a ? " transposed" : "", A.cols, b.shape(), options.transpose_b ? " transposed" : "", B.rows);
  const Tensor& bias = options.bias;
  if (bias.defined()) {
    check_floating_pair("matmul: bias", a, bias);
    check(bias.shape() == Shape{B.cols}, "matmul: bias {} for {} columns", bias.shape(), B.cols);
  }
  const Shape batch = broadcast_shape("matmul", batch_of(a.shape()), batch_of(b.shape()));
  Shape shape = batch;
  shape.push_back(A.rows);
  shape.push_back(B.cols);

  return with_kernels("matmul", a, [&]<class T>(const kernels::Kernels<T>& k) {
    Tensor c(shape, a.dtype());
    kernels::MatMul<T> p;
    p.M = A.rows, p.N = B.cols, p.K = A.cols;
    p.a = a.data<T>(), p.a_row = A.row_stride, p.a_col = A.col_stride;
    p.b = b.data<T>(), p.b_row = B.row_stride, p.b_col = B.col_stride;
    T* out = p.c = c.template mutable_data<T>();
    p.c_row = B.cols;
    p.bias = bias.defined() ? bias.data<T>() : nullptr;
    p.act = options.activation;
    p.slope = static_cast<T>(options.slope);
    const std::int64_t a_size = A.rows * A.cols, b_size = B.rows * B.cols, c_size = A.rows * B.cols;
    p.c_batch = c_size;

    // The batch dimensions merge into at most a few; the last merged one is the kernel's batch, the others a loop here.
    Strides as = broadcast_strides(batch_of(a.shape()), batch), bs = broadcast_strides(batch_of(b.shape()), batch);
    kernels::Walk walk = make_walk(batch, {as, bs});
    if (c.size() == 0) return c;
    if (walk.dims == 0) {
      k.matmul(p);
      return c;
    }
    const int last = walk.dims - 1;
    p.batch = walk.shape[last];
    p.a_batch = walk.strides[0][last] * a_size;
    p.b_batch = walk.strides[1][last] * b_size;
    const std::int64_t outer = batch.size() / p.batch;
    for (std::int64_t i = 0; i < outer; ++i) {
      std::int64_t rest = i, a_at = 0, b_at = 0;
      for (int d = last - 1; d >= 0; --d) {
        a_at += rest % walk.shape[d] * walk.strides[0][d];
        b_at += rest % walk.shape[d] * walk.strides[1][d];
        rest /= walk.shape[d];
      }
      p.a = a.data<T>() + a_at * a_size;
      p.b = b.data<T>() + b_at * b_size;
      p.c = out + i * p.batch * c_size;
      k.matmul(p);
    }
    return c;
  });
}

}  // namespace gesso::tensor
