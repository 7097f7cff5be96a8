// Normalisation of the columns of x (.., C), all other dimensions taken as rows, as fused kernels.
#pragma once

#include "tensor/tensor.h"

namespace gesso::tensor {

/// mean (C), var (C) = sum (x - mean)^2 / rows, the biased variance.
struct Moments {
  Tensor mean, var;
};
Moments moments(const Tensor& x);

struct BatchNormParameters {
  Moments by;          // what x is normalised by
  Tensor gamma, beta;  // (C); absent ones are 1 and 0
  double eps = 1e-5;   // added to the variance
  double slope = 1;    // of the leaky ReLU in the same kernel; 1: none
};

/// y = leaky_relu((x - mean) rstd gamma + beta, slope), rstd = 1 / sqrt(var + eps). Ioffe & Szegedy 2015, algorithm 1.
Tensor batch_norm(const Tensor& x, const BatchNormParameters& p);

/// Its gradient where p.by are x's own moments: (rows + 2, C), of which the first rows are dx, then come dgamma and dbeta.
Tensor batch_norm_grad(const Tensor& dy, const Tensor& x, const BatchNormParameters& p);

}  // namespace gesso::tensor
