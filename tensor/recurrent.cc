#include "tensor/recurrent.h"

#include "tensor/walk.h"

namespace gesso::tensor {
namespace {

template <class T>
kernels::LstmCell<T> kernel_parameters(const char* op, const Tensor& a, const Tensor& c, const Tensor& w) {
  check_alike(op, a, c);
  check(c.rank() == 2 && a.shape() == Shape{c.dim(0), 4 * c.dim(1)},
        "{}: a {} and c {} should be (M,4H) and (M,H)", op, a.shape(), c.shape());
  kernels::LstmCell<T> p{.M = c.dim(0), .H = c.dim(1), .a = a.device_data<T>(), .c = c.device_data<T>()};
  if (!w) return p;
  check_alike(op, a, w);
  check(w.rank() == 2 && w.dim(1) == 3 * p.H && w.dim(0) > 0 && p.M % w.dim(0) == 0,
        "{}: peepholes {} should be (P,{}) where P divides the {} rows of c {}", op, w.shape(), 3 * p.H, p.M,
        c.shape());
  p.P = w.dim(0), p.w = w.device_data<T>();
  return p;
}

}  // namespace

LstmCell lstm_cell(const Tensor& a, const Tensor& c, const Tensor& w) {
  return with_kernels("lstm_cell", a, [&]<class T>(const kernels::Kernels<T>& k) {
    const auto kernel = present("lstm_cell", a, k.lstm_cell);
    const kernels::LstmCell<T> given = kernel_parameters<T>("lstm_cell", a, c, w);
    LstmCell y{Tensor(c.shape(), c.dtype(), c.device()), Tensor(c.shape(), c.dtype(), c.device())};
    if (c.size()) kernel(given, y.h.template mutable_device_data<T>(), y.c.template mutable_device_data<T>());
    return y;
  });
}

Tensor lstm_cell_grad(const Tensor& a, const Tensor& c, const Tensor& w, const Tensor& dh, const Tensor& dc) {
  return with_kernels("lstm_cell_grad", a, [&]<class T>(const kernels::Kernels<T>& k) {
    const auto kernel = present("lstm_cell_grad", a, k.lstm_cell_grad);
    const kernels::LstmCell<T> given = kernel_parameters<T>("lstm_cell_grad", a, c, w);
    const auto data = [&](const Tensor& d) -> const T* {
      if (!d) return nullptr;
      check_alike("lstm_cell_grad", c, d);
      check_same_shape("lstm_cell_grad", c, d);
      return d.device_data<T>();
    };
    Tensor all({5 * given.M + (w ? 3 * given.P : 0), given.H}, a.dtype(), a.device());
    T* const da = all.mutable_device_data<T>();
    if (all.size()) kernel(given, data(dh), data(dc), da, da + a.size(), da + a.size() + c.size());
    return all;
  });
}

}  // namespace gesso::tensor
