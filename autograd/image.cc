// Images made from images. All but the choice of maxima is linear, and each edge is an adjoint.
#include "autograd/image.h"

namespace gesso {
namespace {

void check_images(const char* op, const Var& x) {
  check(x.rank() == 4, "{}: x {} should be images (N,H,W,C)", op, x.shape());
}

}  // namespace

Var resample(const Var& x, const AxisMap& rows, const AxisMap& columns) {
  return make("resample", tensor::resample(x.value(), rows, columns),
              edge(x, [=](const Var& dy) { return resample(dy, rows.transposed(), columns.transposed()); }));
}

Var avg_pool2d(const Var& x, const PoolOptions& o, bool count_outside) {
  check_images("avg_pool2d", x);
  const auto means = [&](std::int64_t inputs, std::int64_t size, std::int64_t stride, std::int64_t padding) {
    return window_means(inputs, size, stride ? stride : size, padding, count_outside);
  };
  return resample(x, means(x.dim(1), o.size.h, o.stride.h, o.padding.h),
                  means(x.dim(2), o.size.w, o.stride.w, o.padding.w));
}

Var adaptive_avg_pool2d(const Var& x, HW size) {
  check_images("adaptive_avg_pool2d", x);
  return resample(x, adaptive_means(x.dim(1), size.h), adaptive_means(x.dim(2), size.w));
}

namespace {

// take_pixels and add_pixels by an index that is known to be good
Var added(const Var& x, const Var& index, HW size);
Var taken(const Var& x, const Var& index) {
  return make("take_pixels", tensor::take_pixels(x.value(), index.value()),
              edge(x, [=, size = HW(x.dim(1), x.dim(2))](const Var& dy) { return added(dy, index, size); }));
}
Var added(const Var& x, const Var& index, HW size) {
  return make("add_pixels", tensor::add_pixels(x.value(), index.value(), size),
              edge(x, [=](const Var& dy) { return taken(dy, index); }));
}

}  // namespace

Var max_pool2d(const Var& x, const PoolOptions& o) { return taken(x, tensor::arg_max_pool(x.value(), o)); }

Var upsample_nearest(const Var& x, HW size) {
  check_images("upsample_nearest", x);
  return resample(x, nearest(x.dim(1), size.h), nearest(x.dim(2), size.w));
}

Var upsample_bilinear(const Var& x, HW size, bool align_corners) {
  check_images("upsample_bilinear", x);
  return resample(x, linear_interpolation(x.dim(1), size.h, align_corners),
                  linear_interpolation(x.dim(2), size.w, align_corners));
}

Var reflection_pad2d(const Var& x, std::pair<std::int64_t, std::int64_t> rows,
                     std::pair<std::int64_t, std::int64_t> columns) {
  check_images("reflection_pad2d", x);
  return resample(x, reflection(x.dim(1), rows.first, rows.second),
                  reflection(x.dim(2), columns.first, columns.second));
}

Var pixel_shuffle(const Var& x, std::int64_t r) {
  check_images("pixel_shuffle", x);
  const std::int64_t N = x.dim(0), H = x.dim(1), W = x.dim(2), C = x.dim(3);
  check(r >= 1 && C % (r * r) == 0, "pixel_shuffle: the {} channels of x {} are no multiple of {} squared", C,
        x.shape(), r);
  return permute(x.reshape({N, H, W, C / (r * r), r, r}), {0, 1, 4, 2, 5, 3})
      .reshape({N, H * r, W * r, C / (r * r)});
}

Var pixel_unshuffle(const Var& x, std::int64_t r) {
  check_images("pixel_unshuffle", x);
  const std::int64_t N = x.dim(0), H = x.dim(1), W = x.dim(2), C = x.dim(3);
  check(r >= 1 && H % r == 0 && W % r == 0, "pixel_unshuffle: x {} does not divide into squares of {} pixels",
        x.shape(), r);
  return permute(x.reshape({N, H / r, r, W / r, r, C}), {0, 1, 3, 5, 2, 4})
      .reshape({N, H / r, W / r, C * r * r});
}

Var take_pixels(const Var& x, const Tensor& index) {
  check_images("take_pixels", x);
  tensor::check_pixel_index("take_pixels", index, x.value(), {x.dim(1), x.dim(2)});
  return taken(x, index);
}

Var add_pixels(const Var& x, const Tensor& index, HW size) {
  tensor::check_pixel_index("add_pixels", index, x.value(), size);
  return added(x, index, size);
}

}  // namespace gesso
