// Convolution layers over images (N,H,W,C), with PyTorch's names, defaults, printing and initialisation; and the way of their
// filters to and from PyTorch's layout.
#pragma once

#include "autograd/conv.h"
#include "nn/layers.h"

namespace gesso::nn {

struct ConvOptions {
  HW stride = 1, padding = 0, output_padding = 0;  // output_padding: of ConvTranspose2d
  std::int64_t groups = 1;
  bool bias = true;
  HW dilation = 1;
  DType dtype = DType::f32;
};

/// What both convolutions are: filters (K,R,S,C/groups) and a bias, which start as U(-k, k), k = 1 / sqrt(R S C / groups).
class ConvLayer : public FusingLayer {
 public:
  void parts(Parts& p) override { p("weight", weight), p("bias", bias); }
  using FusingLayer::operator();

  Var weight, bias;  // bias may be undefined

 protected:
  ConvLayer(const char* name, const Shape& weight_shape, std::int64_t out_channels, Generator& g,
            const ConvOptions& options);
  Conv2dOptions geometry_options() const;
  std::string title(const char* name, std::int64_t in, std::int64_t out) const;
  ConvOptions options_;
};

/// y (N,P,Q,out) = x (N,H,W,in) * weight (out,R,S,in/groups) + bias (out)
class Conv2d : public ConvLayer {
 public:
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, HW kernel_size, Generator& g,
         ConvOptions options = {});
  std::string title() const override;
  using ConvLayer::operator();
  Var operator()(const Var& x, FusedActivation activation) override;
};

/// y (N,H,W,out) from x (N,P,Q,in): the adjoint of a convolution with weight (in,R,S,out/groups), plus bias (out).
/// H = (P - 1) stride - 2 padding + dilation (R - 1) + output_padding + 1.
class ConvTranspose2d : public ConvLayer {
 public:
  ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, HW kernel_size, Generator& g,
                  ConvOptions options = {});
  std::string title() const override;
  using ConvLayer::operator();
  Var operator()(const Var& x, FusedActivation activation) override;
};

/// The state of a module as PyTorch lays it out: filters (K,R,S,C) become (K,C,R,S), which it calls OIHW for convolutions and
/// IOHW for transposed ones; everything else is the same. New tensors where layouts differ.
State pytorch_state(Module& m);
/// load_state() of a state in PyTorch's layout.
void load_pytorch_state(Module& m, const State& s);

}  // namespace gesso::nn
