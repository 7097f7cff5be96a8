#include "tensor/image.h"

#include "tensor/walk.h"

#include <algorithm>
#include <vector>

namespace gesso {
namespace {

/// Builds an AxisMap row by row.
class Rows {
 public:
  explicit Rows(std::int64_t inputs) : inputs_(inputs) {}
  void add(std::int64_t column, double weight) {
    column_.push_back(column);
    weight_.push_back(weight);
  }
  void end_row() { begin_.push_back(static_cast<std::int64_t>(column_.size())); }
  AxisMap map() const {
    const auto n = static_cast<std::int64_t>(column_.size());
    return {inputs_, Tensor::from(begin_, {static_cast<std::int64_t>(begin_.size())}),
            Tensor::from(column_, {n}), Tensor::from(weight_, {n})};
  }

 private:
  std::int64_t inputs_;
  std::vector<std::int64_t> begin_{0}, column_;
  std::vector<double> weight_;
};

void check_extents(const char* op, std::int64_t inputs, std::int64_t outputs) {
  check(inputs > 0 && outputs > 0, "{}: from {} pixels to {}; both must be positive", op, inputs, outputs);
}

/// How many windows there are.
std::int64_t window_count(const char* op, std::int64_t inputs, std::int64_t size, std::int64_t stride,
                          std::int64_t padding) {
  check(size > 0 && stride > 0 && padding >= 0 && 2 * padding <= size,
        "{}: windows of {}, {} apart, {} of padding; a window is positive and the padding at most half of it",
        op, size, stride, padding);
  check(inputs + 2 * padding >= size, "{}: a window of {} does not fit {} pixels with a padding of {}", op,
        size, inputs, padding);
  return (inputs + 2 * padding - size) / stride + 1;
}

}  // namespace

AxisMap AxisMap::transposed() const {
  const std::int64_t *b = begin.data<std::int64_t>(), *col = column.data<std::int64_t>();
  const double* w = weight.data<double>();
  std::vector<std::vector<std::pair<std::int64_t, double>>> turned(static_cast<std::size_t>(inputs));
  for (std::int64_t i = 0; i < outputs(); ++i)
    for (std::int64_t j = b[i]; j < b[i + 1]; ++j)
      turned[static_cast<std::size_t>(col[j])].emplace_back(i, w[j]);
  Rows rows(outputs());
  for (const auto& row : turned) {
    for (const auto& [i, weight_of_i] : row) rows.add(i, weight_of_i);
    rows.end_row();
  }
  return rows.map();
}

AxisMap window_means(std::int64_t inputs, std::int64_t size, std::int64_t stride, std::int64_t padding,
                     bool count_outside) {
  const std::int64_t outputs = window_count("window_means", inputs, size, stride, padding);
  Rows rows(inputs);
  for (std::int64_t i = 0; i < outputs; ++i) {
    const std::int64_t first = std::max<std::int64_t>(i * stride - padding, 0),
                       end = std::min(i * stride - padding + size, inputs);
    for (std::int64_t j = first; j < end; ++j)
      rows.add(j, 1 / static_cast<double>(count_outside ? size : end - first));
    rows.end_row();
  }
  return rows.map();
}

AxisMap adaptive_means(std::int64_t inputs, std::int64_t outputs) {
  check_extents("adaptive_means", inputs, outputs);
  Rows rows(inputs);
  for (std::int64_t i = 0; i < outputs; ++i) {
    const std::int64_t first = i * inputs / outputs, end = ((i + 1) * inputs + outputs - 1) / outputs;
    for (std::int64_t j = first; j < end; ++j) rows.add(j, 1 / static_cast<double>(end - first));
    rows.end_row();
  }
  return rows.map();
}

AxisMap area_means(std::int64_t inputs, std::int64_t outputs) {
  check_extents("area_means", inputs, outputs);
  check(outputs <= inputs, "area_means: from {} pixels to {}; there are no areas to take the means of",
        inputs, outputs);
  Rows rows(inputs);
  for (std::int64_t i = 0; i < outputs; ++i) {
    const std::int64_t low = i * inputs, high = (i + 1) * inputs;  // in units of 1 / outputs
    for (std::int64_t j = low / outputs; j * outputs < high; ++j) {
      const std::int64_t shared = std::min(high, (j + 1) * outputs) - std::max(low, j * outputs);
      rows.add(j, static_cast<double>(shared) / static_cast<double>(inputs));
    }
    rows.end_row();
  }
  return rows.map();
}

AxisMap nearest(std::int64_t inputs, std::int64_t outputs, double step) {
  check_extents("nearest", inputs, outputs);
  Rows rows(inputs);
  for (std::int64_t i = 0; i < outputs; ++i) {
    const std::int64_t source =
        step > 0 ? static_cast<std::int64_t>(static_cast<double>(i) * step) : i * inputs / outputs;
    rows.add(std::min(source, inputs - 1), 1);
    rows.end_row();
  }
  return rows.map();
}

AxisMap linear_interpolation(std::int64_t inputs, std::int64_t outputs, bool align_corners, double step) {
  check_extents("linear_interpolation", inputs, outputs);
  const double n = static_cast<double>(inputs), m = static_cast<double>(outputs);
  const double apart = align_corners ? (outputs > 1 ? (n - 1) / (m - 1) : 0) : step > 0 ? step : n / m;
  const double first = align_corners ? 0 : apart / 2 - 0.5;
  Rows rows(inputs);
  for (std::int64_t i = 0; i < outputs; ++i) {
    const double at = std::min(std::max(first + static_cast<double>(i) * apart, 0.0), n - 1);
    const auto low = static_cast<std::int64_t>(at);
    const double fraction = at - static_cast<double>(low);
    rows.add(low, 1 - fraction);
    if (fraction > 0) rows.add(low + 1, fraction);
    rows.end_row();
  }
  return rows.map();
}

AxisMap reflection(std::int64_t inputs, std::int64_t before, std::int64_t after) {
  check(before >= 0 && after >= 0 && before < inputs && after < inputs,
        "reflection: ({}, {}) around {} pixels; there are at most {} to reflect", before, after, inputs,
        inputs - 1);
  Rows rows(inputs);
  for (std::int64_t i = -before; i < inputs + after; ++i) {
    rows.add(i < 0 ? -i : i < inputs ? i : 2 * (inputs - 1) - i, 1);
    rows.end_row();
  }
  return rows.map();
}

namespace tensor {

using kernels::Kernels;

namespace {

void check_images(const char* op, const Tensor& x) {
  check_defined(op, x);
  check(x.rank() == 4, "{}: x {} should be images (N,H,W,C)", op, x.shape());
}

/// An AxisMap on x's device, in x's type.
template <class T>
class MapThere {
 public:
  MapThere(const AxisMap& map, const Tensor& x)
      : begin_(map.begin.to(x.device())),
        column_(map.column.to(x.device())),
        weight_(map.weight.to(x.dtype()).to(x.device())) {}
  kernels::SparseRows<T> rows() const {
    return {begin_.size() - 1, begin_.device_data<std::int64_t>(), column_.device_data<std::int64_t>(),
            weight_.device_data<T>()};
  }

 private:
  Tensor begin_, column_, weight_;
};

}  // namespace

Tensor resample(const Tensor& x, const AxisMap& rows, const AxisMap& columns) {
  check_images("resample", x);
  check(x.dim(1) == rows.inputs && x.dim(2) == columns.inputs, "resample: maps of {}x{} pixels for x {}",
        rows.inputs, columns.inputs, x.shape());
  return with_kernels("resample", x, [&]<class T>(const Kernels<T>& k) {
    const auto kernel = present("resample", x, k.resample);
    Tensor y({x.dim(0), rows.outputs(), columns.outputs(), x.dim(3)}, x.dtype(), x.device());
    const MapThere<T> r(rows, x), c(columns, x);
    if (y.size())
      kernel(x.dim(0), x.dim(1), x.dim(2), x.dim(3), r.rows(), c.rows(), x.device_data<T>(),
             y.mutable_device_data<T>());
    return y;
  });
}

Tensor arg_max_pool(const Tensor& x, const PoolOptions& o) {
  check_images("max_pool2d", x);
  const HW stride{o.stride.h ? o.stride.h : o.size.h, o.stride.w ? o.stride.w : o.size.w};
  const kernels::Windows g{.N = x.dim(0),
                           .H = x.dim(1),
                           .W = x.dim(2),
                           .C = x.dim(3),
                           .P = window_count("max_pool2d", x.dim(1), o.size.h, stride.h, o.padding.h),
                           .Q = window_count("max_pool2d", x.dim(2), o.size.w, stride.w, o.padding.w),
                           .size = o.size,
                           .stride = stride,
                           .padding = o.padding};
  return with_kernels("max_pool2d", x, [&]<class T>(const Kernels<T>& k) {
    const auto kernel = present("max_pool2d", x, k.arg_max_pool);
    Tensor index({g.N, g.P, g.Q, g.C}, DType::i64, x.device());
    if (index.size()) kernel(g, x.device_data<T>(), index.mutable_device_data<std::int64_t>());
    return index;
  });
}

void check_pixel_index(const char* op, const Tensor& index, const Tensor& images, HW size) {
  check_images(op, images);
  check_index(op, index, size.h * size.w, "pixels");
  check(index.rank() == 4 && index.dim(0) == images.dim(0) && index.dim(3) == images.dim(3),
        "{}: index {} does not fit images {}", op, index.shape(), images.shape());
}

Tensor take_pixels(const Tensor& x, const Tensor& index) {
  return with_kernels("take_pixels", x, [&]<class T>(const Kernels<T>& k) {
    const auto kernel = present("take_pixels", x, k.take_pixels);
    const Tensor at = index.to(x.device());
    Tensor y(index.shape(), x.dtype(), x.device());
    if (y.size())
      kernel(x.dim(0), x.dim(1) * x.dim(2), y.dim(1) * y.dim(2), x.dim(3), at.device_data<std::int64_t>(),
             x.device_data<T>(), y.mutable_device_data<T>());
    return y;
  });
}

Tensor add_pixels(const Tensor& x, const Tensor& index, HW size) {
  check_same_shape("add_pixels", x, index);
  return with_kernels("add_pixels", x, [&]<class T>(const Kernels<T>& k) {
    const auto kernel = present("add_pixels", x, k.add_pixels);
    const Tensor at = index.to(x.device());
    Tensor y({x.dim(0), size.h, size.w, x.dim(3)}, x.dtype(), x.device());
    if (y.size())
      kernel(x.dim(0), x.dim(1) * x.dim(2), size.h * size.w, x.dim(3), at.device_data<std::int64_t>(),
             x.device_data<T>(), y.mutable_device_data<T>());
    return y;
  });
}

}  // namespace tensor
}  // namespace gesso
