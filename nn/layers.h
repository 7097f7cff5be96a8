// Layers, with PyTorch's names, defaults, printing and initialisation. Random numbers come from the Generator
// passed.
#pragma once

#include "nn/module.h"

#include <concepts>
#include <memory>
#include <optional>

namespace gesso::nn {

/// An activation that the kernel of a layer applies to its result before storing it.
struct FusedActivation {
  Activation act = Activation::none;
  double slope = 0;  // of leaky_relu; 0 is ReLU
};
inline constexpr FusedActivation kRelu{Activation::leaky_relu, 0};
inline constexpr FusedActivation kTanh{Activation::tanh};
inline constexpr FusedActivation kSigmoid{Activation::sigmoid};
constexpr FusedActivation leaky(double slope) { return {Activation::leaky_relu, slope}; }

/// A layer whose kernel can apply an activation to its result. `layer(x, kRelu)` does, and so does Sequential with an
/// activation layer that follows.
class FusingLayer : public Layer {
 public:
  virtual bool fuses(const FusedActivation&) const { return true; }
  virtual Var operator()(const Var& x, FusedActivation activation) = 0;
  Var operator()(const Var& x) override { return (*this)(x, {}); }
};

struct LinearOptions {
  bool bias = true;
  DType dtype = DType::f32;
};
/// y (..,out) = x (..,in) w (out,in)^T + b (out); w and b start as U(-k, k), k = 1 / sqrt(in).
class Linear : public FusingLayer {
 public:
  Linear(std::int64_t in_features, std::int64_t out_features, Generator& g, LinearOptions options = {});
  void parts(Parts& p) override { p("weight", weight), p("bias", bias); }
  std::string title() const override;
  using FusingLayer::operator();
  Var operator()(const Var& x, FusedActivation activation) override {
    return linear(x, weight, bias, activation.act, activation.slope);
  }

  Var weight, bias;  // (out,in), (out); bias may be undefined
};

/// y (..,dim) = weight[index (..)]; weight (count,dim) starts as N(0,1). index i64.
class Embedding : public Module {
 public:
  Embedding(std::int64_t count, std::int64_t dim, Generator& g, DType dtype = DType::f32);
  void parts(Parts& p) override { p("weight", weight); }
  std::string title() const override;
  Var operator()(const Tensor& index) const { return take_rows(weight, index); }

  Var weight;
};

/// A layer without parts.
class PlainLayer : public Layer {
 public:
  void parts(Parts&) override {}
};

/// In training y = x mask / (1 - p), where mask is 0 with probability p; in evaluation y = x. (Srivastava et
/// al. 2014, scaled in training.) Draws from g, which must outlive the layer, so that one saved state covers
/// all randomness.
class Dropout : public PlainLayer {
 public:
  Dropout(double p, Generator& g);
  std::string title() const override;
  Var operator()(const Var& x) override;

 private:
  double p_;
  Generator* generator_;
};

/// An activation layer; `fused` says how the layer before can do its work, where a kernel exists for that.
class ActivationLayer : public PlainLayer {
 public:
  virtual std::optional<FusedActivation> fused() const { return std::nullopt; }
};

/// max(x, 0)
class ReLU : public ActivationLayer {
 public:
  std::string title() const override { return "ReLU()"; }
  Var operator()(const Var& x) override { return relu(x); }
  std::optional<FusedActivation> fused() const override { return kRelu; }
};
/// x > 0 ? x : slope x
class LeakyReLU : public ActivationLayer {
 public:
  explicit LeakyReLU(double negative_slope = 0.01) : slope_(negative_slope) {}
  std::string title() const override;
  Var operator()(const Var& x) override { return leaky_relu(x, slope_); }
  std::optional<FusedActivation> fused() const override {  // from the result alone, the sign of x is known
    return slope_ >= 0 ? std::optional(leaky(slope_)) : std::nullopt;
  }

 private:
  double slope_;
};
/// tanh(x)
class Tanh : public ActivationLayer {
 public:
  std::string title() const override { return "Tanh()"; }
  Var operator()(const Var& x) override { return tanh(x); }
  std::optional<FusedActivation> fused() const override { return kTanh; }
};
/// 1 / (1 + exp(-x))
class Sigmoid : public ActivationLayer {
 public:
  std::string title() const override { return "Sigmoid()"; }
  Var operator()(const Var& x) override { return sigmoid(x); }
  std::optional<FusedActivation> fused() const override { return kSigmoid; }
};
/// x > 0 ? x : alpha (exp(x) - 1). Clevert et al. 2015.
class ELU : public ActivationLayer {
 public:
  explicit ELU(double alpha = 1) : alpha_(alpha) {}
  std::string title() const override;
  Var operator()(const Var& x) override { return elu(x, alpha_); }

 private:
  double alpha_;
};
/// x Phi(x), the erf form. Hendrycks & Gimpel 2016.
class GELU : public ActivationLayer {
 public:
  std::string title() const override { return "GELU(approximate='none')"; }
  Var operator()(const Var& x) override { return gelu(x); }
};
/// x sigmoid(x)
class SiLU : public ActivationLayer {
 public:
  std::string title() const override { return "SiLU()"; }
  Var operator()(const Var& x) override { return silu(x); }
};
/// log(1 + exp(beta x)) / beta, and x where beta x > threshold.
class Softplus : public ActivationLayer {
 public:
  explicit Softplus(double beta = 1, double threshold = 20) : beta_(beta), threshold_(threshold) {}
  std::string title() const override;
  Var operator()(const Var& x) override { return softplus(x, beta_, threshold_); }

 private:
  double beta_, threshold_;
};

/// y (N, ..): dimensions start to end become one.
class Flatten : public PlainLayer {
 public:
  explicit Flatten(int start_dim = 1, int end_dim = -1) : start_(start_dim), end_(end_dim) {}
  std::string title() const override;
  Var operator()(const Var& x) override;

 private:
  int start_, end_;
};

/// y (N, shape..) = x (N, ..): every sample takes a new shape, in which one extent may be -1.
class Reshape : public PlainLayer {
 public:
  explicit Reshape(const Shape& shape) : shape_(shape) {}
  std::string title() const override;
  Var operator()(const Var& x) override;

 private:
  Shape shape_;
};

/// Layers one after the other, named "0", "1", ..
///
///   Sequential net{Linear(784, 400, g), ReLU(), Linear(400, 10, g)};
///
/// A layer that fuses (Linear, BatchNorm) with the activation that follows runs as one kernel with it; names and
/// printing do not change. Only braces construct it, because they alone fix the order in which the layers
/// draw from g.
class Sequential : public Layer {
 public:
  /// Any layer, moved in.
  struct Part {
    template <std::derived_from<Layer> L>
    Part(L l) : layer(std::make_shared<L>(std::move(l))) {}
    std::shared_ptr<Layer> layer;
  };
  Sequential() = default;
  Sequential(std::initializer_list<Part> layers) {
    for (const Part& p : layers) layers_.push_back(p.layer);
  }
  template <std::derived_from<Layer> L>
  Sequential& add(L layer) {
    layers_.push_back(std::make_shared<L>(std::move(layer)));
    return *this;
  }

  void parts(Parts& p) override;
  std::string title() const override { return layers_.empty() ? "Sequential()" : "Sequential"; }
  Var operator()(const Var& x) override;

  std::size_t size() const { return layers_.size(); }
  Layer& operator[](std::size_t i) { return *layers_.at(i); }

 private:
  std::vector<std::shared_ptr<Layer>> layers_;
};

}  // namespace gesso::nn
