#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "kernels/philox.h"
#include "tensor/ops.h"
#include "tensor/walk.h"

namespace gesso::tensor {

Tensor zeros(const Shape& shape, DType dtype) {
  Tensor y(shape, dtype);
  std::byte* out = y.mutable_raw();
  if (y.bytes()) std::memset(out, 0, y.bytes());
  return y;
}

Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }

Tensor full(const Shape& shape, double value, DType dtype) {
  Tensor y(shape, dtype);
  fill_(y, value);
  return y;
}

Tensor arange(double start, double stop, double step, DType dtype) {
  check(step != 0 && std::isfinite(start) && std::isfinite(stop) && std::isfinite(step),
        "arange: from {} to {} by steps of {}", start, stop, step);
  const double count = std::ceil((stop - start) / step);
  Tensor y({count > 0 ? static_cast<std::int64_t>(count) : 0}, DType::f64);
  kernels::cpu<double>().arange(y.size(), start, step, y.mutable_data<double>());
  return y.to(dtype);
}

Tensor uniform(Generator& g, const Shape& shape, double low, double high, DType dtype) {
  check(low <= high, "uniform: the interval [{}, {}) is empty", low, high);
  Tensor y(shape, dtype);
  with_kernels("uniform", y, [&]<class T>(const kernels::Kernels<T>& k) {
    k.uniform(g.reserve(y.size()), static_cast<T>(low), static_cast<T>(high), y.size(), y.mutable_data<T>());
  });
  return y;
}

Tensor normal(Generator& g, const Shape& shape, double mean, double std, DType dtype) {
  check(std >= 0, "normal: a standard deviation of {}", std);
  Tensor y(shape, dtype);
  with_kernels("normal", y, [&]<class T>(const kernels::Kernels<T>& k) {
    k.normal(g.reserve(y.size()), static_cast<T>(mean), static_cast<T>(std), y.size(), y.mutable_data<T>());
  });
  return y;
}

Tensor permutation(Generator& g, std::int64_t n) {
  check(n >= 0, "permutation: of {} elements", n);
  // Sort 0 .. n-1 by random keys; equal keys keep their order. Key i depends on (seed, offset + i) alone.
  const kernels::RandomState state = g.reserve(n);
  std::vector<std::uint64_t> keys(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = kernels::portable::philox_u64(state.seed, state.offset + i);
  Tensor y({n}, DType::i64);
  std::int64_t* out = y.mutable_data<std::int64_t>();
  std::iota(out, out + n, std::int64_t{0});
  std::stable_sort(out, out + n, [&keys](std::int64_t a, std::int64_t b) {
    return keys[static_cast<std::size_t>(a)] < keys[static_cast<std::size_t>(b)];
  });
  return y;
}

Tensor one_hot(const Tensor& index, std::int64_t classes, DType dtype) {
  const std::int64_t* at = index.data<std::int64_t>();
  Shape shape = index.shape();
  shape.push_back(classes);
  const Tensor table = [&] {  // row c is the one-hot code of class c
    Tensor eye = zeros({classes, classes}, DType::u8);
    std::uint8_t* p = eye.mutable_data<std::uint8_t>();
    for (std::int64_t c = 0; c < classes; ++c) p[c * classes + c] = 1;
    return eye.to(dtype);
  }();
  for (std::int64_t i = 0; i < index.size(); ++i)
    check(at[i] >= 0 && at[i] < classes, "one_hot: index {} at position {}, there are {} classes", at[i], i, classes);
  return take_rows(table, index);
}

}  // namespace gesso::tensor
