#include "nn/conv.h"

#include "nn/init.h"
#include "nn/python.h"

#include <cmath>

namespace gesso::nn {
namespace {

std::string tuple(HW e) { return python(Shape{e.h, e.w}); }

/// The shape of `filters` filters in groups: those of a convolution make its outputs, those of a transposed one read its inputs.
Shape filter_shape(const char* name, std::int64_t filters, HW kernel, std::int64_t channels,
                   std::int64_t groups) {
  check(filters > 0 && channels > 0 && kernel.h > 0 && kernel.w > 0,
        "{}: {} and {} channels and a kernel of {}; all must be positive", name, filters, channels,
        tuple(kernel));
  check(groups > 0 && filters % groups == 0 && channels % groups == 0,
        "{}: {} and {} channels cannot be cut into {} groups", name, filters, channels, groups);
  return {filters, kernel.h, kernel.w, channels / groups};
}

State permuted(const State& s, const std::vector<int>& order) {
  State out;
  for (const auto& [name, t] : s) out.emplace(name, t.rank() == 4 ? tensor::permute(t, order) : t);
  return out;
}

}  // namespace

ConvLayer::ConvLayer(const char* name, const Shape& weight_shape, std::int64_t out_channels, Generator& g,
                     const ConvOptions& options)
    : options_(options) {
  check(options.stride.h > 0 && options.stride.w > 0 && options.dilation.h > 0 && options.dilation.w > 0 &&
            options.padding.h >= 0 && options.padding.w >= 0,
        "{}: stride {}, dilation {}, padding {}; strides and dilations must be positive, no padding negative",
        name, tuple(options.stride), tuple(options.dilation), tuple(options.padding));
  const double bound = 1 / std::sqrt(static_cast<double>(init::fans(weight_shape).in));
  weight = parameter(tensor::uniform(g, weight_shape, -bound, bound, options.dtype));
  if (options.bias) bias = parameter(tensor::uniform(g, {out_channels}, -bound, bound, options.dtype));
}

Conv2dOptions ConvLayer::geometry_options() const {
  return {options_.stride, options_.padding, options_.dilation, options_.groups, options_.output_padding};
}

std::string ConvLayer::title(const char* name, std::int64_t in, std::int64_t out) const {
  std::string s = fmt::format("{}({}, {}, kernel_size={}, stride={}", name, in, out,
                              tuple(HW(weight.dim(1), weight.dim(2))), tuple(options_.stride));
  const auto add = [&s](const char* what, HW value, HW usual) {
    if (value != usual) s += fmt::format(", {}={}", what, tuple(value));
  };
  add("padding", options_.padding, 0);
  add("dilation", options_.dilation, 1);
  add("output_padding", options_.output_padding, 0);
  if (options_.groups != 1) s += fmt::format(", groups={}", options_.groups);
  return s + (bias ? ")" : ", bias=False)");
}

Conv2d::Conv2d(std::int64_t in_channels, std::int64_t out_channels, HW kernel_size, Generator& g,
               ConvOptions options)
    : ConvLayer("Conv2d", filter_shape("Conv2d", out_channels, kernel_size, in_channels, options.groups),
                out_channels, g, options) {
  check(options.output_padding == HW(0), "Conv2d: output_padding is for ConvTranspose2d");
}
std::string Conv2d::title() const {
  return ConvLayer::title("Conv2d", weight.dim(3) * options_.groups, weight.dim(0));
}
Var Conv2d::operator()(const Var& x, FusedActivation activation) {
  const Conv2dGeometry g = tensor::conv2d_geometry(x.shape(), weight.shape(), geometry_options());
  return conv2d(x, weight, g, bias, activation.act, activation.slope);
}

ConvTranspose2d::ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, HW kernel_size,
                                 Generator& g, ConvOptions options)
    : ConvLayer("ConvTranspose2d",
                filter_shape("ConvTranspose2d", in_channels, kernel_size, out_channels, options.groups),
                out_channels, g, options) {}
std::string ConvTranspose2d::title() const {
  return ConvLayer::title("ConvTranspose2d", weight.dim(0), weight.dim(3) * options_.groups);
}
Var ConvTranspose2d::operator()(const Var& x, FusedActivation activation) {
  const Conv2dGeometry g = tensor::conv2d_transposed_geometry(x.shape(), weight.shape(), geometry_options());
  return conv2d_input(x, weight, g, bias, activation.act, activation.slope);
}

State pytorch_state(Module& m) { return permuted(state(m), {0, 3, 1, 2}); }
void load_pytorch_state(Module& m, const State& s) { load_state(m, permuted(s, {0, 2, 3, 1})); }

}  // namespace gesso::nn
