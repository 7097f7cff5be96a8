// Layers that make images (N,H,W,C) from images, with PyTorch's names, defaults and printing.
#pragma once

#include "autograd/image.h"
#include "nn/layers.h"

namespace gesso::nn {

/// The largest of each window.
class MaxPool2d : public PlainLayer {
 public:
  explicit MaxPool2d(const PoolOptions& options) : options_(options) {}
  std::string title() const override;
  Var operator()(const Var& x) override { return max_pool2d(x, options_); }

 private:
  PoolOptions options_;
};

/// The mean of each window; what lies outside counts as zeros unless count_include_pad = false.
class AvgPool2d : public PlainLayer {
 public:
  explicit AvgPool2d(const PoolOptions& options, bool count_include_pad = true)
      : options_(options), count_include_pad_(count_include_pad) {}
  std::string title() const override;
  Var operator()(const Var& x) override { return avg_pool2d(x, options_, count_include_pad_); }

 private:
  PoolOptions options_;
  bool count_include_pad_;
};

/// The means of so many parts of the image, whatever its size.
class AdaptiveAvgPool2d : public PlainLayer {
 public:
  explicit AdaptiveAvgPool2d(HW output_size) : size_(output_size) {}
  std::string title() const override;
  Var operator()(const Var& x) override { return adaptive_avg_pool2d(x, size_); }

 private:
  HW size_;
};

enum class Resizing : std::uint8_t { nearest, bilinear };
/// scale_factor times as large, rounded down.
class Upsample : public PlainLayer {
 public:
  explicit Upsample(double scale_factor, Resizing mode = Resizing::nearest, bool align_corners = false);
  std::string title() const override;
  Var operator()(const Var& x) override;

 private:
  double scale_factor_;
  Resizing mode_;
  bool align_corners_;
};

/// y (N,rH,rW,C) from x (N,H,W,C r r). Shi et al. 2016.
class PixelShuffle : public PlainLayer {
 public:
  explicit PixelShuffle(std::int64_t upscale_factor) : r_(upscale_factor) {}
  std::string title() const override { return fmt::format("PixelShuffle(upscale_factor={})", r_); }
  Var operator()(const Var& x) override { return pixel_shuffle(x, r_); }

 private:
  std::int64_t r_;
};

/// As many mirrored pixels on all four sides.
class ReflectionPad2d : public PlainLayer {
 public:
  explicit ReflectionPad2d(std::int64_t padding) : padding_(padding) {}
  std::string title() const override {
    return fmt::format("ReflectionPad2d(({0}, {0}, {0}, {0}))", padding_);
  }
  Var operator()(const Var& x) override {
    return reflection_pad2d(x, {padding_, padding_}, {padding_, padding_});
  }

 private:
  std::int64_t padding_;
};

}  // namespace gesso::nn
