// A step of a ConvLSTM, some images at a time: what comes to their gates is four times as large as the state. It remains in the caches
// from the convolution that writes it to the cell that reads it, and back from the cell's gradient to the convolutions'.
#include "tensor/conv.h"
#include "tensor/ops.h"
#include "tensor/recurrent.h"
#include "tensor/walk.h"

#include <algorithm>

namespace gesso::tensor {
namespace {

void check_operands(const ConvLstm& p) {
  constexpr const char* op = "conv_lstm";
  check_defined(op, p.c);
  check_alike(op, p.c, p.w);
  check(p.x.defined() || p.h.defined(), "{}: neither x nor h", op);
  const Shape &c = p.c.shape(), &w = p.w.shape();
  check(c.rank() == 4 && w.rank() == 4 && w[0] == 4 * c[3] && w[3] >= c[3] && w[1] % 2 == 1 && w[2] % 2 == 1,
        "{}: c {} and w {} should be (N,H,W,K) and (4K,R,S,C+K), R and S odd", op, c, w);
  const auto is = [&](const char* what, const Tensor& t, const Shape& shape) {
    if (!t) return;
    check_alike(op, p.c, t);
    check(t.shape() == shape, "{}: {} {} should be {}", op, what, t.shape(), shape);
  };
  check(p.x.defined() == (w[3] > c[3]), "{}: w {} is for {} channels of x, which is {}", op, w, w[3] - c[3],
        p.x ? "there" : "undefined");
  is("x", p.x, {c[0], c[1], c[2], w[3] - c[3]});
  is("h", p.h, c);
  is("bias", p.b, {w[0]});
  is("peepholes", p.peepholes, {c[1], c[2], 3 * c[3]});
}

/// Calls f(some), where some(t) are some images of t, for all images. On a CPU their gates take about 4 MB, which stay in L3; a GPU
/// gets all images at once, or it would wait for so many small kernels.
template <class F>
void some_at_a_time(const Tensor& c, const F& f) {
  constexpr std::int64_t kBytes = 4 << 20;
  const std::int64_t N = c.dim(0),
                     image = 4 * c.shape().product(1, 4) * static_cast<std::int64_t>(size_of(c.dtype()));
  const std::int64_t n = c.device() == Device::cpu ? kBytes / (image + 1) + 1 : N;
  for (std::int64_t begin = 0; begin < N; begin += n)
    f([=](const Tensor& t) { return t ? t.slice(begin, std::min(begin + n, N)) : t; });
}

/// The filters of one operand, and how they meet its images.
struct Part {
  Tensor w;
  Conv2dOptions same;

  Part(const Tensor& all, std::int64_t begin, std::int64_t end)
      : w(end > begin ? slice(all, 3, begin, end) : Tensor()),
        same{.padding = kernels::HW(all.dim(1) / 2, all.dim(2) / 2)} {}
  Conv2dGeometry of(const Tensor& x) const { return conv2d_geometry(x.shape(), w.shape(), same); }
  Tensor operator()(const Tensor& x, const Tensor& bias) const { return conv2d(x, w, of(x), {.bias = bias}); }
};

struct Parts {
  Part x, h;
  explicit Parts(const ConvLstm& p)
      : x(p.w, 0, p.w.dim(3) - p.c.dim(3)), h(p.w, p.w.dim(3) - p.c.dim(3), p.w.dim(3)) {}
};

template <class T>
kernels::LstmCell<T> cell(const Tensor& gates, const Tensor& c, const Tensor& peepholes) {
  const std::int64_t K = c.dim(3), places = c.dim(1) * c.dim(2);
  return {.M = c.dim(0) * places,
          .H = K,
          .P = places,
          .a = gates.device_data<T>(),
          .c = c.device_data<T>(),
          .w = peepholes ? peepholes.device_data<T>() : nullptr};
}

}  // namespace

ConvLstmStep conv_lstm(const ConvLstm& p) {
  check_operands(p);
  return with_kernels("conv_lstm", p.c, [&]<class T>(const kernels::Kernels<T>& k) {
    const auto kernel = present("conv_lstm", p.c, k.lstm_cell);
    const Parts parts(p);
    ConvLstmStep y{
        Tensor(p.c.shape(), p.c.dtype(), p.c.device()), Tensor(p.c.shape(), p.c.dtype(), p.c.device()), {}};
    some_at_a_time(p.c, [&](const auto& some) {
      // Before the first step there is nothing to convolve but the input.
      Tensor gates = p.h ? parts.h(some(p.h), p.x ? Tensor() : p.b) : parts.x(some(p.x), p.b);
      if (p.h && p.x) add_(gates, parts.x(some(p.x), p.b));
      kernel(cell<T>(gates, some(p.c), p.peepholes), some(y.h).template mutable_device_data<T>(),
             some(y.c).template mutable_device_data<T>());
      y.gates.push_back(std::move(gates));
    });
    return y;
  });
}

void conv_lstm_grad(const ConvLstm& p, const std::vector<Tensor>& gates, const Tensor& dh, const Tensor& dc,
                    ConvLstm to) {
  with_kernels("conv_lstm_grad", p.c, [&]<class T>(const kernels::Kernels<T>& k) {
    const auto cell_grad = present("conv_lstm_grad", p.c, k.lstm_cell_grad);
    const auto conv_input = present("conv_lstm_grad", p.c, k.conv2d_input);
    const Parts parts(p);
    const auto like = [&](const Tensor& t) { return Tensor(t.shape(), p.c.dtype(), p.c.device()); };
    const auto data = [](const Tensor& t) { return t ? t.device_data<T>() : nullptr; };
    const auto out = [](Tensor t) { return t ? t.mutable_device_data<T>() : nullptr; };
    for (Tensor* sum : {&to.w, &to.b, &to.peepholes})
      if (*sum) fill_(*sum, 0);
    auto next = gates.begin();
    some_at_a_time(p.c, [&](const auto& some) {
      const Tensor x = some(p.x), h = some(p.h), c = some(p.c), da = like(*next);
      const Tensor dc_before = to.c ? some(to.c) : like(c), dw = p.peepholes ? like(p.peepholes) : Tensor();
      cell_grad(cell<T>(*next++, c, p.peepholes), data(some(dh)), data(some(dc)), out(da), out(dc_before),
                out(dw));
      if (to.peepholes) add_(to.peepholes, dw);
      if (to.b) add_(to.b, sum(da, {0, 1, 2}));
      if (to.h) conv_input(parts.h.of(h), data(da), data(parts.h.w), {}, out(some(to.h)));
      if (to.x) conv_input(parts.x.of(x), data(da), data(parts.x.w), {}, out(some(to.x)));
      if (!to.w) return;
      const auto filter = [&](const Part& part, const Tensor& images) {
        return images ? conv2d_filter(images, da, part.of(images))
                      : zeros(part.w.shape(), da.dtype(), da.device());
      };
      add_(to.w, p.x ? concat({filter(parts.x, x), filter(parts.h, h)}, 3) : filter(parts.h, h));
    });
  });
}

}  // namespace gesso::tensor
