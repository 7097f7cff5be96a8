#include "kernels/philox.h"
#include "tensor/ops.h"
#include "tensor/replay.h"
#include "tensor/walk.h"

#include <algorithm>
#include <cmath>

namespace gesso::tensor {
namespace {

/// The next n numbers of the stream; in a Replay, each time the next.
kernels::RandomState next(Generator& g, std::int64_t n) {
  const auto offset = moving<std::uint64_t>([&g, n] { return g.reserve(n).offset; });
  return {g.state.seed, offset.now, offset.on_device};
}

}  // namespace

Tensor zeros(const Shape& shape, DType dtype, Device device) {
  Tensor y(shape, dtype, device);
  backend_of(device).memory->zero(y.mutable_raw(), y.bytes());
  return y;
}

Tensor ones(const Shape& shape, DType dtype, Device device) { return full(shape, 1, dtype, device); }

Tensor full(const Shape& shape, double value, DType dtype, Device device) {
  Tensor y(shape, dtype, device);
  fill_(y, value);
  return y;
}

Tensor arange(double start, double stop, double step, DType dtype, Device device) {
  const double count = std::ceil((stop - start) / step);
  check(std::isfinite(count) && std::isfinite(step) && count < 0x1p60, "arange: from {} to {} by steps of {}",
        start, stop, step);
  Tensor y({count > 0 ? static_cast<std::int64_t>(count) : 0}, DType::f64, device);
  backend_of(device).f64->arange(y.size(), start, step, y.mutable_device_data<double>());
  return y.to(dtype);
}

Tensor uniform(Generator& g, const Shape& shape, double low, double high, DType dtype, Device device) {
  check(low <= high, "uniform: the interval [{}, {}) is empty", low, high);
  Tensor y(shape, dtype, device);
  with_kernels("uniform", y, [&]<class T>(const kernels::Kernels<T>& k) {
    k.uniform(next(g, y.size()), static_cast<T>(low), static_cast<T>(high), y.size(),
              y.mutable_device_data<T>());
  });
  return y;
}

Tensor normal(Generator& g, const Shape& shape, double mean, double std, DType dtype, Device device) {
  check(std >= 0, "normal: a standard deviation of {}", std);
  Tensor y(shape, dtype, device);
  with_kernels("normal", y, [&]<class T>(const kernels::Kernels<T>& k) {
    k.normal(next(g, y.size()), static_cast<T>(mean), static_cast<T>(std), y.size(),
             y.mutable_device_data<T>());
  });
  return y;
}

Tensor permutation(Generator& g, std::int64_t n) {
  Tensor y({n}, DType::i64);
  // Sort 0 .. n-1 by random keys; equal keys keep their order. Key i depends on (seed, offset + i) alone.
  const kernels::RandomState state = g.reserve(n);
  std::vector<std::pair<std::uint64_t, std::int64_t>> keys(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint64_t at = state.offset + static_cast<std::uint64_t>(i);
    const kernels::portable::PhiloxBlock block = kernels::portable::philox(state.seed, at / 2);
    const std::uint64_t high = block.word[2 * (at % 2)], low = block.word[2 * (at % 2) + 1];
    keys[static_cast<std::size_t>(i)] = {high << 32 | low, i};
  }
  std::sort(keys.begin(), keys.end());
  std::transform(keys.begin(), keys.end(), y.mutable_data<std::int64_t>(),
                 [](const auto& key) { return key.second; });
  return y;
}

Tensor one_hot(const Tensor& index, std::int64_t classes, DType dtype) {
  check_index("one_hot", index, classes, "classes");
  check(index.rank() < kernels::kMaxDims, "one_hot: an index {} has no room for one more dimension",
        index.shape());
  Shape shape = index.shape();
  shape.push_back(classes);
  Tensor codes = zeros(shape, DType::u8);
  const Tensor here = index.to(Device::cpu);
  const std::int64_t* at = here.data<std::int64_t>();
  std::uint8_t* code = codes.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < index.size(); ++i) code[i * classes + at[i]] = 1;
  return codes.to(index.device()).to(dtype);
}

}  // namespace gesso::tensor
