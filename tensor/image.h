// Images (N,H,W,C) made from images: linear maps along rows and columns, and maxima of windows.
#pragma once

#include "tensor/tensor.h"

namespace gesso {

using kernels::HW;

/// A linear map along one axis of an image, as a sparse matrix (outputs, inputs): output i is the sum of weight[j] times input
/// column[j] for begin[i] <= j < begin[i + 1]. Pooling, resizing and padding are such maps, and so are their adjoints.
struct AxisMap {
  std::int64_t inputs = 0;
  Tensor begin, column;  // i64 (outputs + 1), i64 (elements)
  Tensor weight;         // f64 (elements)

  std::int64_t outputs() const { return begin.size() - 1; }
  /// The adjoint: column sums become row sums.
  AxisMap transposed() const;
};

/// The mean over windows of `size`, the first at -padding, `stride` apart. What lies outside counts as zeros, or with
/// `count_outside` = false not at all.
AxisMap window_means(std::int64_t inputs, std::int64_t size, std::int64_t stride, std::int64_t padding = 0,
                     bool count_outside = true);
/// The mean over inputs floor(i n / m) to ceil((i + 1) n / m) - 1, n inputs, m outputs.
AxisMap adaptive_means(std::int64_t inputs, std::int64_t outputs);
/// The mean over inputs i n / m to (i + 1) n / m, where these are fractions of an input at both ends; m <= n.
AxisMap area_means(std::int64_t inputs, std::int64_t outputs);
/// Output i is input floor(i step); step = inputs / outputs unless given.
AxisMap nearest(std::int64_t inputs, std::int64_t outputs, double step = 0);
/// Output i is the linear interpolation at (i + 1/2) step - 1/2, pixels being areas, or with `align_corners` at
/// i (inputs - 1) / (outputs - 1), pixels being points.
AxisMap linear_interpolation(std::int64_t inputs, std::int64_t outputs, bool align_corners = false,
                             double step = 0);
/// The inputs, with those behind the first repeated before it backwards, and those before the last behind it.
AxisMap reflection(std::int64_t inputs, std::int64_t before, std::int64_t after);

/// Windows of `size`, `stride` apart (0: as far as they are large), from -padding on.
struct PoolOptions {
  HW size;
  HW stride = 0;
  HW padding = 0;
};

namespace tensor {

/// y (N,P,Q,C): rows maps H to P, columns maps W to Q.
Tensor resample(const Tensor& x, const AxisMap& rows, const AxisMap& columns);

/// index (N,P,Q,C) i64: where each window of x (N,H,W,C) has its largest element, as h W + w.
/// P = floor((H + 2 padding - size) / stride) + 1, and Q likewise. The first of equals; NaN wins.
Tensor arg_max_pool(const Tensor& x, const PoolOptions& options);

/// Throws unless index (N,P,Q,C) is i64 and names pixels of images (N,H,W,C), (H,W) = size. Where the index comes from
/// arg_max_pool there is nothing to check.
void check_pixel_index(const char* op, const Tensor& index, const Tensor& images, HW size);
/// y[n,p,q,c] = x[n,h,w,c], h W + w = index[n,p,q,c]
Tensor take_pixels(const Tensor& x, const Tensor& index);
/// y (N,H,W,C) = 0, then y[n,h,w,c] += x[n,p,q,c], h W + w = index[n,p,q,c]: the adjoint of take_pixels.
Tensor add_pixels(const Tensor& x, const Tensor& index, HW size);

}  // namespace tensor
}  // namespace gesso
