// Convolution of images (N,H,W,C) with filters (K,R,S,C/groups): the three siblings of one trilinear form. Each is handed a
// geometry that is made once, and checked once, from the shapes of its operands.
#pragma once

#include "kernels/conv.h"
#include "tensor/ops.h"

namespace gesso {

using kernels::Conv2dGeometry;
using kernels::HW;

/// PyTorch's arguments of a convolution; one number stands for the height and the width.
struct Conv2dOptions {
  HW stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
  HW output_padding =
      0;  // of the transposed convolution alone: rows and columns added to the end of its result
};

namespace tensor {

/// The geometry of y (N,P,Q,K) = x (N,H,W,C) * w (K,R,S,C/groups):
///   P = floor((H + 2 padding - dilation (R - 1) - 1) / stride) + 1, Q likewise.
/// Throws where shapes and options do not fit or the filter is larger than the padded image.
Conv2dGeometry conv2d_geometry(const Shape& x, const Shape& w, const Conv2dOptions& options);
/// The geometry of the transposed convolution, x (N,H,W,C) from y (N,P,Q,K) and w (K,R,S,C/groups):
///   H = (P - 1) stride - 2 padding + dilation (R - 1) + output_padding + 1, W likewise.
Conv2dGeometry conv2d_transposed_geometry(const Shape& y, const Shape& w, const Conv2dOptions& options);

/// What the kernel does to a sum before it is stored.
struct Conv2dEpilogue {
  Tensor bias = {};  // a number for each channel of the result, optional
  Activation activation = Activation::none;
  double slope = 0;
};

/// y (N,P,Q,K) = act(b (K) + sum over r, s, c of x[n, p stride + r dilation - padding, .., c] w[k, r, s, c])
Tensor conv2d(const Tensor& x, const Tensor& w, const Conv2dGeometry& g, const Conv2dEpilogue& e = {});
/// x (N,H,W,C) = act(b (C) + the same terms, y w, summed over p, q, k): the adjoint of conv2d in x, the transposed
/// convolution.
Tensor conv2d_input(const Tensor& y, const Tensor& w, const Conv2dGeometry& g, const Conv2dEpilogue& e = {});
/// w (K,R,S,C/groups) = the same terms, x y, summed over n, p, q: the adjoint of conv2d in w.
Tensor conv2d_filter(const Tensor& x, const Tensor& y, const Conv2dGeometry& g);

}  // namespace tensor
}  // namespace gesso
