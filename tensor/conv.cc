#include "tensor/conv.h"

#include "tensor/walk.h"

namespace gesso::tensor {
namespace {

std::string text(HW e) { return fmt::format("({},{})", e.h, e.w); }

/// Both in [least, 2^31): so no sum or product of a geometry overflows.
void check_between(const char* op, const char* what, HW e, std::int64_t least) {
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  check(e.h >= least && e.w >= least && e.h < kMost && e.w < kMost, "{}: {} {} must be at least {}", op, what,
        text(e), least);
}

/// What images and filters of any convolution must be; `images` has `image_channels` that the filter must match.
void check_operands(const char* op, const Shape& images, const Shape& w, const Conv2dOptions& o) {
  check(images.rank() == 4 && w.rank() == 4,
        "{}: images {} and filters {} must be (N,H,W,C) and (K,R,S,C/groups)", op, images, w);
  check_between(op, "stride", o.stride, 1);
  check_between(op, "dilation", o.dilation, 1);
  check_between(op, "padding", o.padding, 0);
  check(w.size() > 0 && images.product(1, 4) > 0, "{}: images {} and filters {} without elements", op, images,
        w);
  check(o.groups > 0 && w[0] % o.groups == 0, "{}: w {} has {} filters, which is no multiple of {} groups",
        op, w, w[0], o.groups);
}

std::int64_t outputs(std::int64_t size, std::int64_t taps, std::int64_t stride, std::int64_t padding,
                     std::int64_t dilation) {
  const std::int64_t room = size + 2 * padding - dilation * (taps - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

void check_shape(const char* op, const char* name, const Tensor& t, const Shape& wanted) {
  check(t.shape() == wanted, "{}: {} is {}, the geometry has {}", op, name, t.shape(), wanted);
}
Shape x_shape(const Conv2dGeometry& g) { return {g.N, g.H, g.W, g.C}; }
Shape y_shape(const Conv2dGeometry& g) { return {g.N, g.P, g.Q, g.K}; }
Shape w_shape(const Conv2dGeometry& g) { return {g.K, g.R, g.S, g.C / g.groups}; }

void check_bias(const char* op, const Conv2dEpilogue& e, const Tensor& x, std::int64_t channels) {
  if (!e.bias.defined()) return;
  check_alike(op, x, e.bias);
  check(e.bias.shape() == Shape{channels}, "{}: bias {} for {} channels", op, e.bias.shape(), channels);
}
template <class T>
kernels::Epilogue<T> epilogue(const Conv2dEpilogue& e) {
  return {e.bias.defined() ? e.bias.device_data<T>() : nullptr, e.activation, static_cast<T>(e.slope)};
}

}  // namespace

Conv2dGeometry conv2d_geometry(const Shape& x, const Shape& w, const Conv2dOptions& o) {
  check_operands("conv2d", x, w, o);
  check(w[3] * o.groups == x[3], "conv2d: x {} has {} channels, w {} in {} groups wants {}", x, x[3], w,
        o.groups, w[3] * o.groups);
  check(o.output_padding == HW(0), "conv2d: output padding {} is for transposed convolutions",
        text(o.output_padding));
  const std::int64_t P = outputs(x[1], w[1], o.stride.h, o.padding.h, o.dilation.h),
                     Q = outputs(x[2], w[2], o.stride.w, o.padding.w, o.dilation.w);
  check(P > 0 && Q > 0, "conv2d: w {} with dilation {} is larger than x {} with padding {}", w,
        text(o.dilation), x, text(o.padding));
  return {x[0], x[1], x[2], x[3], w[0], w[1], w[2], P, Q, o.stride, o.padding, o.dilation, o.groups};
}

Conv2dGeometry conv2d_transposed_geometry(const Shape& y, const Shape& w, const Conv2dOptions& o) {
  constexpr const char* op = "conv2d_input";
  check_operands(op, y, w, o);
  check(w[0] == y[3], "{}: y {} has {} channels, w {} wants {}", op, y, y[3], w, w[0]);
  check_between(op, "output padding", o.output_padding, 0);
  check(o.output_padding.h < std::max(o.stride.h, o.dilation.h) &&
            o.output_padding.w < std::max(o.stride.w, o.dilation.w),
        "{}: output padding {} must be below stride {} or dilation {}", op, text(o.output_padding),
        text(o.stride), text(o.dilation));
  const auto size = [](std::int64_t P, std::int64_t R, std::int64_t stride, std::int64_t padding,
                       std::int64_t dilation, std::int64_t more) {
    return (P - 1) * stride - 2 * padding + dilation * (R - 1) + more + 1;
  };
  const std::int64_t H = size(y[1], w[1], o.stride.h, o.padding.h, o.dilation.h, o.output_padding.h),
                     W = size(y[2], w[2], o.stride.w, o.padding.w, o.dilation.w, o.output_padding.w);
  check(H > 0 && W > 0, "{}: padding {} leaves nothing of y {} and w {}", op, text(o.padding), y, w);
  return {y[0], H,    W,        w[3] * o.groups, w[0],       w[1],    w[2],
          y[1], y[2], o.stride, o.padding,       o.dilation, o.groups};
}

Tensor conv2d(const Tensor& x, const Tensor& w, const Conv2dGeometry& g, const Conv2dEpilogue& e) {
  check_alike("conv2d", x, w);
  check_shape("conv2d", "x", x, x_shape(g));
  check_shape("conv2d", "w", w, w_shape(g));
  check_bias("conv2d", e, x, g.K);
  return with_kernels("conv2d", x, [&]<class T>(const kernels::Kernels<T>& k) {
    const auto kernel = present("conv2d", x, k.conv2d);
    Tensor y(y_shape(g), x.dtype(), x.device());
    kernel(g, x.device_data<T>(), w.device_data<T>(), epilogue<T>(e), y.mutable_device_data<T>());
    return y;
  });
}

Tensor conv2d_input(const Tensor& y, const Tensor& w, const Conv2dGeometry& g, const Conv2dEpilogue& e) {
  check_alike("conv2d_input", y, w);
  check_shape("conv2d_input", "y", y, y_shape(g));
  check_shape("conv2d_input", "w", w, w_shape(g));
  check_bias("conv2d_input", e, y, g.C);
  return with_kernels("conv2d_input", y, [&]<class T>(const kernels::Kernels<T>& k) {
    const auto kernel = present("conv2d_input", y, k.conv2d_input);
    Tensor x(x_shape(g), y.dtype(), y.device());
    kernel(g, y.device_data<T>(), w.device_data<T>(), epilogue<T>(e), x.mutable_device_data<T>());
    return x;
  });
}

Tensor conv2d_filter(const Tensor& x, const Tensor& y, const Conv2dGeometry& g) {
  check_alike("conv2d_filter", x, y);
  check_shape("conv2d_filter", "x", x, x_shape(g));
  check_shape("conv2d_filter", "y", y, y_shape(g));
  return with_kernels("conv2d_filter", x, [&]<class T>(const kernels::Kernels<T>& k) {
    const auto kernel = present("conv2d_filter", x, k.conv2d_filter);
    Tensor w(w_shape(g), x.dtype(), x.device());
    kernel(g, x.device_data<T>(), y.device_data<T>(), w.mutable_device_data<T>());
    return w;
  });
}

}  // namespace gesso::tensor
