#include "nn/norm.h"

#include "nn/python.h"

namespace gesso::nn {
namespace {

/// weight and bias as they start: 1 and 0, or undefined.
void start(Var& weight, Var& bias, const Shape& shape, bool affine, DType dtype) {
  if (!affine) return;
  weight = parameter(tensor::ones(shape, dtype));
  bias = parameter(tensor::zeros(shape, dtype));
}

void check_channels(const char* layer, const Var& x, std::int64_t channels) {
  check(x.rank() >= 2 && x.dim(-1) == channels, "{}: x {} should be (N,..,{})", layer, x.shape(), channels);
}

}  // namespace

BatchNorm::BatchNorm(std::int64_t features, BatchNormOptions options)
    : features_(features), options_(options) {
  check(features > 0, "BatchNorm: {} channels; it must be positive", features);
  check(options.momentum >= 0 && options.momentum <= 1, "BatchNorm: a momentum of {} is not between 0 and 1",
        options.momentum);
  start(weight, bias, {features}, options.affine, options.dtype);
  if (!options.track) return;
  running_mean = tensor::zeros({features}, options.dtype);
  running_var = tensor::ones({features}, options.dtype);
  num_batches_tracked = tensor::zeros({}, DType::i64);
}

void BatchNorm::parts(Parts& p) {
  p("weight", weight), p("bias", bias);
  p("running_mean", running_mean), p("running_var", running_var);
  p("num_batches_tracked", num_batches_tracked);
}

std::string BatchNorm::title() const {
  return fmt::format("BatchNorm({}, eps={}, momentum={}, affine={}, track_running_stats={})", features_,
                     python(options_.eps), python(options_.momentum), python(options_.affine),
                     python(options_.track));
}

// Of n samples the unbiased variance is n / (n - 1) times the mean squared deviation.
void BatchNorm::track(const tensor::Moments& batch, std::int64_t rows) {
  const double n = static_cast<double>(rows);
  tensor::lerp_(running_mean, batch.mean, options_.momentum);
  tensor::lerp_(running_var, tensor::mul(batch.var, n / (n - 1)), options_.momentum);
  tensor::copy_(num_batches_tracked, tensor::add(num_batches_tracked.to(DType::f64), 1));
}

Var BatchNorm::operator()(const Var& x, FusedActivation activation) {
  check_channels("BatchNorm", x, features_);
  const gesso::BatchNormOptions options{
      .eps = options_.eps, .slope = activation.act == Activation::leaky_relu ? activation.slope : 1};
  if (!training && options_.track)
    return batch_norm_fixed(x, {running_mean, running_var}, weight, bias, options);
  tensor::Moments batch;
  const Var y = batch_norm(x, weight, bias, options, &batch);
  if (training && options_.track) track(batch, x.size() / features_);
  return y;
}

LayerNorm::LayerNorm(const Shape& shape, double eps, bool affine, DType dtype) : shape_(shape), eps_(eps) {
  check(shape.rank() > 0 && shape.size() > 0, "LayerNorm: over {}, which has no elements", shape);
  start(weight, bias, shape, affine, dtype);
}

std::string LayerNorm::title() const {
  return fmt::format("LayerNorm({}, eps={}, elementwise_affine={})", python(shape_), python(eps_),
                     python(weight.defined()));
}

Var LayerNorm::operator()(const Var& x) {
  const int before = x.rank() - shape_.rank();
  check(before >= 0 && std::equal(shape_.begin(), shape_.end(), x.shape().begin() + before),
        "LayerNorm: x {} does not end in {}", x.shape(), shape_);
  return layer_norm(x, shape_.rank(), weight, bias, eps_);
}

GroupNorm::GroupNorm(std::int64_t groups, std::int64_t channels, double eps, bool affine, DType dtype)
    : groups_(groups), channels_(channels), eps_(eps) {
  check(groups > 0 && channels > 0 && channels % groups == 0,
        "GroupNorm: {} groups do not divide {} channels", groups, channels);
  start(weight, bias, {channels}, affine, dtype);
}

std::string GroupNorm::title() const {
  return fmt::format("GroupNorm({}, {}, eps={}, affine={})", groups_, channels_, python(eps_),
                     python(weight.defined()));
}

Var GroupNorm::operator()(const Var& x) {
  check_channels("GroupNorm", x, channels_);
  return group_norm(x, groups_, weight, bias, eps_);
}

InstanceNorm::InstanceNorm(std::int64_t features, double eps, bool affine, DType dtype)
    : features_(features), eps_(eps) {
  check(features > 0, "InstanceNorm: {} channels; it must be positive", features);
  start(weight, bias, {features}, affine, dtype);
}

std::string InstanceNorm::title() const {
  return fmt::format("InstanceNorm({}, eps={}, momentum=0.1, affine={}, track_running_stats=False)",
                     features_, python(eps_), python(weight.defined()));
}

Var InstanceNorm::operator()(const Var& x) {
  check_channels("InstanceNorm", x, features_);
  return instance_norm(x, weight, bias, eps_);
}

}  // namespace gesso::nn
