#include "nn/image_layers.h"

#include "nn/python.h"

#include <cmath>

namespace gesso::nn {
namespace {

/// "kernel_size=2, stride=2, padding=0"
std::string windows(const PoolOptions& o) {
  const HW stride{o.stride.h ? o.stride.h : o.size.h, o.stride.w ? o.stride.w : o.size.w};
  return fmt::format("kernel_size={}, stride={}, padding={}", python(o.size), python(stride),
                     python(o.padding));
}

}  // namespace

std::string MaxPool2d::title() const {
  return fmt::format("MaxPool2d({}, dilation=1, ceil_mode=False)", windows(options_));
}
std::string AvgPool2d::title() const { return fmt::format("AvgPool2d({})", windows(options_)); }
std::string AdaptiveAvgPool2d::title() const {
  return fmt::format("AdaptiveAvgPool2d(output_size={})", python(size_));
}

Upsample::Upsample(double scale_factor, Resizing mode, bool align_corners)
    : scale_factor_(scale_factor), mode_(mode), align_corners_(align_corners) {
  check(scale_factor > 0 && std::isfinite(scale_factor),
        "Upsample: a scale factor of {}; it must be positive", scale_factor);
}

std::string Upsample::title() const {
  return fmt::format("Upsample(scale_factor={}, mode='{}')", python(scale_factor_),
                     mode_ == Resizing::nearest ? "nearest" : "bilinear");
}

Var Upsample::operator()(const Var& x) {
  check(x.rank() == 4, "Upsample: x {} should be images (N,H,W,C)", x.shape());
  const auto map = [this](std::int64_t inputs) {
    const auto outputs = static_cast<std::int64_t>(static_cast<double>(inputs) * scale_factor_);
    return mode_ == Resizing::nearest
               ? nearest(inputs, outputs, 1 / scale_factor_)
               : linear_interpolation(inputs, outputs, align_corners_, 1 / scale_factor_);
  };
  return resample(x, map(x.dim(1)), map(x.dim(2)));
}

}  // namespace gesso::nn
