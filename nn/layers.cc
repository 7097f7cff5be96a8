#include "nn/layers.h"

#include "nn/init.h"
#include "nn/python.h"

#include <cmath>

namespace gesso::nn {
Linear::Linear(std::int64_t in_features, std::int64_t out_features, Generator& g, LinearOptions options) {
  check(in_features > 0 && out_features > 0, "Linear: {} inputs and {} outputs; both must be positive",
        in_features, out_features);
  const double bound = 1 / std::sqrt(static_cast<double>(in_features));
  weight = parameter(tensor::uniform(g, {out_features, in_features}, -bound, bound, options.dtype));
  if (options.bias) bias = parameter(tensor::uniform(g, {out_features}, -bound, bound, options.dtype));
}

std::string Linear::title() const {
  return fmt::format("Linear(in_features={}, out_features={}, bias={})", weight.dim(1), weight.dim(0),
                     python(bias.defined()));
}

Embedding::Embedding(std::int64_t count, std::int64_t dim, Generator& g, DType dtype) {
  check(count > 0 && dim > 0, "Embedding: {} rows of {}; both must be positive", count, dim);
  weight = parameter(tensor::normal(g, {count, dim}, 0, 1, dtype));
}

std::string Embedding::title() const {
  return fmt::format("Embedding({}, {})", weight.dim(0), weight.dim(1));
}

Dropout::Dropout(double p, Generator& g) : p_(p), generator_(&g) {
  check(p >= 0 && p <= 1, "Dropout: a probability of {} is not between 0 and 1", p);
}

std::string Dropout::title() const { return fmt::format("Dropout(p={}, inplace=False)", python(p_)); }

Var Dropout::operator()(const Var& x) {
  if (!training || p_ == 0) return x;
  const double scale = p_ < 1 ? 1 / (1 - p_) : 0;  // p = 1 drops everything
  const Tensor keep =
      tensor::compare(kernels::Compare::ge, tensor::uniform(*generator_, x.shape(), 0, 1, x.dtype(), x.device()), p_);
  return x * Var(tensor::mul(keep.to(x.dtype()), scale));
}

std::string LeakyReLU::title() const { return fmt::format("LeakyReLU(negative_slope={})", python(slope_)); }
std::string ELU::title() const { return fmt::format("ELU(alpha={})", python(alpha_)); }
std::string Softplus::title() const {
  return fmt::format("Softplus(beta={}, threshold={})", python(beta_), python(threshold_));
}

std::string Flatten::title() const { return fmt::format("Flatten(start_dim={}, end_dim={})", start_, end_); }

Var Flatten::operator()(const Var& x) {
  const int first = x.shape().axis("Flatten", start_), last = x.shape().axis("Flatten", end_);
  check(first <= last, "Flatten: dimensions {} to {} of {} are none", start_, end_, x.shape());
  Shape shape;
  for (int i = 0; i < first; ++i) shape.push_back(x.dim(i));
  shape.push_back(x.shape().product(first, last + 1));
  for (int i = last + 1; i < x.rank(); ++i) shape.push_back(x.dim(i));
  return reshape(x, shape);
}

std::string Reshape::title() const { return "Reshape(" + python(shape_) + ")"; }

Var Reshape::operator()(const Var& x) {
  Shape shape{x.dim(0)};
  for (const std::int64_t d : shape_) shape.push_back(d);
  return reshape(x, shape);
}

void Sequential::parts(Parts& p) {
  for (std::size_t i = 0; i < layers_.size(); ++i) p(std::to_string(i), *layers_[i]);
}

Var Sequential::operator()(const Var& x) {
  Var h = x;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    auto* fusing = dynamic_cast<FusingLayer*>(layers_[i].get());
    const auto* next =
        i + 1 < layers_.size() ? dynamic_cast<const ActivationLayer*>(layers_[i + 1].get()) : nullptr;
    const std::optional<FusedActivation> fused = fusing && next ? next->fused() : std::nullopt;
    if (fused && fusing->fuses(*fused)) {
      h = (*fusing)(h, *fused);
      ++i;
    } else {
      h = (*layers_[i])(h);
    }
  }
  return h;
}

}  // namespace gesso::nn
