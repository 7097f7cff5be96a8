// Initialisation of weights, in place, from a Generator that the caller passes.
//
// fan_in is the number of inputs that one output sums over, fan_out the number of outputs that one input
// reaches. For weights (out,in) and filters (K,R,S,C) alike they are the product of all extents but the
// first, and of all but the last.
#pragma once

#include "tensor/ops.h"

namespace gesso::nn::init {

struct Fans {
  std::int64_t in, out;
};
Fans fans(const Shape& shape);

void constant(Tensor& w, double value);
/// w ~ U[low, high)
void uniform(Tensor& w, Generator& g, double low, double high);
/// w ~ N(mean, std^2)
void normal(Tensor& w, Generator& g, double mean = 0, double std = 1);

/// w ~ U[-b, b), b = gain sqrt(6 / (fan_in + fan_out)): keeps the variance of activations and gradients
/// through tanh layers. Glorot & Bengio 2010, equation 16.
void xavier_uniform(Tensor& w, Generator& g, double gain = 1);
/// w ~ N(0, gain^2 2 / (fan_in + fan_out)). Glorot & Bengio 2010.
void xavier_normal(Tensor& w, Generator& g, double gain = 1);

/// w ~ U[-b, b), b = sqrt(6 / ((1 + slope^2) fan_in)): keeps the variance of activations through leaky ReLU
/// layers. He et al. 2015, section 2.2. slope = sqrt 5 gives PyTorch's bound for its own layers, 1 /
/// sqrt(fan_in).
void kaiming_uniform(Tensor& w, Generator& g, double slope = 0);
/// w ~ N(0, 2 / ((1 + slope^2) fan_in)). He et al. 2015, equations 10 and 15.
void kaiming_normal(Tensor& w, Generator& g, double slope = 0);

/// w (rows, cols), all dimensions but the first taken as one: gain times a random matrix with orthonormal
/// rows (or columns, if there are more rows than columns). Saxe et al. 2013.
void orthogonal(Tensor& w, Generator& g, double gain = 1);

}  // namespace gesso::nn::init
