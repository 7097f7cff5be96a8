#include "tensor/norm.h"

#include "tensor/walk.h"

namespace gesso::tensor {

using kernels::Kernels;

namespace {

std::int64_t columns(const char* op, const Tensor& x) {
  check_defined(op, x);
  check(x.rank() >= 2, "{}: x {} should be (rows.., C)", op, x.shape());
  return x.dim(-1);
}

void check_column_parameter(const char* op, const char* what, const Tensor& x, const Tensor& p) {
  check_alike(op, x, p);
  check(p.shape() == Shape{x.dim(-1)}, "{}: {} {} for the {} channels of x {}", op, what, p.shape(),
        x.dim(-1), x.shape());
}

template <class T>
kernels::BatchNorm<T> kernel_parameters(const char* op, const Tensor& x, const BatchNormParameters& p) {
  const std::int64_t C = columns(op, x);
  const auto data = [&](const char* what, const Tensor& t) {
    check_column_parameter(op, what, x, t);
    return t.device_data<T>();
  };
  const auto optional = [&](const char* what, const Tensor& t) { return t ? data(what, t) : nullptr; };
  return {.rows = x.shape().product(0, x.rank() - 1),
          .C = C,
          .x = x.device_data<T>(),
          .mean = data("mean", p.by.mean),
          .var = data("var", p.by.var),
          .gamma = optional("gamma", p.gamma),
          .beta = optional("beta", p.beta),
          .eps = static_cast<T>(p.eps),
          .slope = static_cast<T>(p.slope)};
}

}  // namespace

Moments moments(const Tensor& x) {
  const std::int64_t C = columns("moments", x);
  check(x.size() > 0 || C == 0, "moments: x {} has no rows", x.shape());
  return with_kernels("moments", x, [&]<class T>(const Kernels<T>& k) {
    const auto kernel = present("moments", x, k.moments);
    Moments m{Tensor({C}, x.dtype(), x.device()), Tensor({C}, x.dtype(), x.device())};
    if (C)
      kernel(x.size() / C, C, x.device_data<T>(), m.mean.template mutable_device_data<T>(),
             m.var.template mutable_device_data<T>());
    return m;
  });
}

Tensor batch_norm(const Tensor& x, const BatchNormParameters& p) {
  return with_kernels("batch_norm", x, [&]<class T>(const Kernels<T>& k) {
    const auto kernel = present("batch_norm", x, k.batch_norm);
    const kernels::BatchNorm<T> given = kernel_parameters<T>("batch_norm", x, p);
    Tensor y(x.shape(), x.dtype(), x.device());
    if (y.size()) kernel(given, y.mutable_device_data<T>());
    return y;
  });
}

Tensor batch_norm_grad(const Tensor& dy, const Tensor& x, const BatchNormParameters& p) {
  check_alike("batch_norm_grad", dy, x);
  check_same_shape("batch_norm_grad", dy, x);
  return with_kernels("batch_norm_grad", x, [&]<class T>(const Kernels<T>& k) {
    const auto sums = present("batch_norm_grad", x, k.batch_norm_sums);
    const auto input = present("batch_norm_grad", x, k.batch_norm_input);
    const kernels::BatchNorm<T> given = kernel_parameters<T>("batch_norm_grad", x, p);
    Tensor all({given.rows + 2, given.C}, x.dtype(), x.device());
    if (x.size() == 0) return all;
    T* const dx = all.mutable_device_data<T>();
    T *const dgamma = dx + x.size(), *const dbeta = dgamma + given.C;
    sums(given, dy.device_data<T>(), dgamma, dbeta);
    input(given, dy.device_data<T>(), dgamma, dbeta, dx);
    return all;
  });
}

}  // namespace gesso::tensor
