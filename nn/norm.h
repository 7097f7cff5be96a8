// Normalisation layers, with PyTorch's names and defaults. Inputs are channels-last, (N,..,C).
#pragma once

#include "autograd/norm.h"
#include "nn/layers.h"

namespace gesso::nn {

struct BatchNormOptions {
  double eps = 1e-5;
  double momentum = 0.1;  // how much of each batch goes into the running statistics
  bool affine = true;     // weight and bias, from 1 and 0
  bool track = true;      // running statistics; without them evaluation uses those of its batch
  DType dtype = DType::f32;
};
/// BatchNorm1d, 2d and 3d of PyTorch are one: y (..,C) = (x - mean) / sqrt(var + eps) weight + bias, by the channel. In training
/// mean and (biased) variance are those of the batch, and running_mean, running_var move towards its mean and unbiased
/// variance; in evaluation x is normalised by the running ones. With a leaky ReLU that follows it runs as one kernel.
class BatchNorm : public FusingLayer {
 public:
  explicit BatchNorm(std::int64_t features, BatchNormOptions options = {});
  void parts(Parts& p) override;
  std::string title() const override;
  bool fuses(const FusedActivation& a) const override { return a.act == Activation::leaky_relu; }
  using FusingLayer::operator();
  Var operator()(const Var& x, FusedActivation activation) override;

  Var weight, bias;                                       // (C), or undefined
  Tensor running_mean, running_var, num_batches_tracked;  // (C), (C), i64 (), or undefined

 private:
  void track(const tensor::Moments& batch, std::int64_t rows);
  std::int64_t features_;
  BatchNormOptions options_;
};

/// Over the last dimensions of each sample, which `shape` gives; weight and bias have it.
class LayerNorm : public Layer {
 public:
  explicit LayerNorm(const Shape& shape, double eps = 1e-5, bool affine = true, DType dtype = DType::f32);
  void parts(Parts& p) override { p("weight", weight), p("bias", bias); }
  std::string title() const override;
  Var operator()(const Var& x) override;

  Var weight, bias;

 private:
  Shape shape_;
  double eps_;
};

/// Over the places of each sample and each group of neighbouring channels; weight and bias (C).
class GroupNorm : public Layer {
 public:
  GroupNorm(std::int64_t groups, std::int64_t channels, double eps = 1e-5, bool affine = true,
            DType dtype = DType::f32);
  void parts(Parts& p) override { p("weight", weight), p("bias", bias); }
  std::string title() const override;
  Var operator()(const Var& x) override;

  Var weight, bias;

 private:
  std::int64_t groups_, channels_;
  double eps_;
};

/// Over the places of each sample and each channel, in training and evaluation alike; weight and bias (C) only where asked for.
class InstanceNorm : public Layer {
 public:
  explicit InstanceNorm(std::int64_t features, double eps = 1e-5, bool affine = false,
                        DType dtype = DType::f32);
  void parts(Parts& p) override { p("weight", weight), p("bias", bias); }
  std::string title() const override;
  Var operator()(const Var& x) override;

  Var weight, bias;

 private:
  std::int64_t features_;
  double eps_;
};

}  // namespace gesso::nn
