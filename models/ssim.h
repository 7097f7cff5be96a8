// How alike two pictures are to an eye.
#pragma once

#include "tensor/tensor.h"

#include <vector>

namespace gesso::models {

/// The mean structural similarity of each of N pairs of images (N,H,W,C), f32 in [0,1]: over all places of a window, and
/// channels, the mean of
///   (2 mx my + c1) (2 sxy + c2) / ((mx^2 + my^2 + c1) (sx^2 + sy^2 + c2)),   c1 = 0.01^2, c2 = 0.03^2
/// from means, variances and covariance under a Gaussian window of 11x11, sigma 1.5, where it lies within the image (of less where
/// the image is smaller). 1 where both are the same. Wang, Bovik, Sheikh & Simoncelli 2004, equation 13 and section III.
std::vector<double> ssim(const Tensor& x, const Tensor& y);

}  // namespace gesso::models
