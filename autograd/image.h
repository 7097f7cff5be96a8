// Pooling, resizing and padding of images x (N,H,W,C).
#pragma once

#include "autograd/ops.h"
#include "tensor/image.h"

namespace gesso {

/// y (N,P,Q,C): rows maps H to P, columns maps W to Q. Its adjoint is resample by rows.transposed() and columns.transposed().
Var resample(const Var& x, const AxisMap& rows, const AxisMap& columns);

/// The mean over each window, which outside of the image has zeros, or with `count_outside` = false nothing.
Var avg_pool2d(const Var& x, const PoolOptions& options, bool count_outside = true);
/// The mean over P by Q parts of the image, which overlap where they cannot be even.
Var adaptive_avg_pool2d(const Var& x, HW size);
/// The largest of each window; its gradient goes to the first of equals.
Var max_pool2d(const Var& x, const PoolOptions& options);

/// y (N,P,Q,C) of the given size: the pixel at the same place, or a mean of four by distance.
Var upsample_nearest(const Var& x, HW size);
Var upsample_bilinear(const Var& x, HW size, bool align_corners = false);

/// Before and after the rows and the columns, as if there were mirrors through the outermost pixels.
Var reflection_pad2d(const Var& x, std::pair<std::int64_t, std::int64_t> rows,
                     std::pair<std::int64_t, std::int64_t> columns);

/// y (N, rH, rW, C), y[n, r h + i, r w + j, c] = x[n, h, w, (c r + i) r + j]; x (N,H,W,C r r). Shi et al. 2016, equation 4.
Var pixel_shuffle(const Var& x, std::int64_t r);
/// Its inverse and adjoint: y (N, H/r, W/r, C r r).
Var pixel_unshuffle(const Var& x, std::int64_t r);

/// y[n,p,q,c] = x[n,h,w,c], and its adjoint, y (N,H,W,C) = 0, y[n,h,w,c] += x[n,p,q,c]; h W + w = index[n,p,q,c].
Var take_pixels(const Var& x, const Tensor& index);
Var add_pixels(const Var& x, const Tensor& index, HW size);

}  // namespace gesso
