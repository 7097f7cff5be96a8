// Normalisations. Images and vectors are channels-last, (.., C): a channel is a column, and all other dimensions are rows.
// gamma and beta may be undefined: 1 and 0.
#pragma once

#include "autograd/ops.h"
#include "tensor/norm.h"

namespace gesso {

struct BatchNormOptions {
  double eps = 1e-5;
  double slope = 1;  // of the leaky ReLU in the same kernel; 1: none, 0: ReLU
};

/// y (..,C) = leaky_relu(xh gamma + beta, slope), xh = (x - mean) / sqrt(var + eps), mean and (biased) variance of each
/// channel over this batch, which `seen` receives. Ioffe & Szegedy 2015. Throws for fewer than two rows.
Var batch_norm(const Var& x, const Var& gamma, const Var& beta, const BatchNormOptions& options = {},
               tensor::Moments* seen = nullptr);
/// The same by moments that do not depend on x, as in evaluation.
Var batch_norm_fixed(const Var& x, const tensor::Moments& fixed, const Var& gamma, const Var& beta,
                     const BatchNormOptions& options = {});

/// Over the last `dims` dimensions of each sample; gamma and beta have their shape. Ba, Kiros & Hinton 2016.
Var layer_norm(const Var& x, int dims, const Var& gamma, const Var& beta, double eps = 1e-5);
/// x (N,..,C): over the places of each sample and each of `groups` groups of neighbouring channels; gamma and beta (C).
/// Wu & He 2018.
Var group_norm(const Var& x, std::int64_t groups, const Var& gamma, const Var& beta, double eps = 1e-5);
/// The same with a group for each channel. Ulyanov, Vedaldi & Lempitsky 2016.
Var instance_norm(const Var& x, const Var& gamma, const Var& beta, double eps = 1e-5);

/// y = w / s, s = u^T W v, the largest singular value of w seen as a matrix W (out, rest) once u (out) and v (rest) are its
/// singular vectors: `iterations` steps of the power method take them there, in place, with gradients flowing through W
/// alone. Miyato et al. 2018, algorithm 1.
Var spectral_norm(const Var& w, Tensor& u, Tensor& v, int iterations = 1, double eps = 1e-12);

}  // namespace gesso
