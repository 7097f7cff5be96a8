#include "kernels/philox.h"
#include "nn/data.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace gesso::nn {
namespace {

/// 1/255 as a sum of two floats. The product of a byte and the first is exact, so their sum is x/255 rounded
/// once.
constexpr float kHead = 0x1.01p-8f, kTail = 0x1.010102p-24f;

void to_floats(std::int64_t n, const std::uint8_t* x, float low, float high, float* y) {
  const float range = high - low;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto v = static_cast<float>(static_cast<int>(x[i]));
    y[i] = (v * kHead + v * kTail) * range + low;
  }
}

}  // namespace

Tensor to_float(const Tensor& x, float low, float high) {
  Tensor y(x.shape(), DType::f32);
  to_floats(x.size(), x.data<std::uint8_t>(), low, high, y.mutable_data<float>());
  return y;
}

std::vector<std::int64_t> shuffled(std::int64_t n, std::uint64_t seed, std::int64_t epoch) {
  // Draws of a Generator have 0 in the counter's upper half; here it is the epoch and a mark, so no number is
  // used twice.
  constexpr std::uint32_t kMark = 0x73687566;
  const auto word = [&](std::int64_t i) {
    const kernels::portable::PhiloxBlock b = kernels::portable::philox(
        static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(i >> 32), static_cast<std::uint32_t>(epoch),
        kMark, static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
    return std::uint64_t{b.word[0]} << 32 | b.word[1];
  };
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  // Fisher-Yates: element i - 1 changes places with one of the first i, chosen by the upper half of i * word.
  for (std::int64_t i = n; i > 1; --i) {
    const auto j = static_cast<std::size_t>(
        (static_cast<unsigned __int128>(word(i)) * static_cast<std::uint64_t>(i)) >> 64);
    std::swap(order[static_cast<std::size_t>(i - 1)], order[j]);
  }
  return order;
}

Batches::Batches(ImageSet set, BatchOptions options, BatchPosition start)
    : set_(std::move(set)), options_(std::move(options)) {
  check(set_.images.defined() && set_.images.rank() == 4 && set_.images.dtype() == DType::u8,
        "Batches: images of {} are {} {}, not (N,H,W,C) u8", set_.name, name(set_.images.dtype()),
        set_.images.shape());
  check(!set_.labels || (set_.labels.shape() == Shape{set_.size()} && set_.labels.dtype() == DType::i64),
        "Batches: labels of {} are {} {} for {} images, not as many i64", set_.name,
        name(set_.labels.dtype()), set_.labels.shape(), set_.size());
  check(options_.batch_size > 0, "Batches: a batch size of {}; it must be positive", options_.batch_size);
  check(options_.batch_size <= set_.size(), "Batches: a batch size of {}, but {} has only {} images",
        options_.batch_size, set_.name, set_.size());
  check(options_.prefetch >= 0, "Batches: {} batches ahead; it must be 0 or more", options_.prefetch);
  seek(start);
}

std::int64_t Batches::per_epoch() const {
  const std::int64_t n = set_.size(), b = options_.batch_size;
  return options_.drop_last ? n / b : (n + b - 1) / b;
}

BatchPosition Batches::after(BatchPosition p) const {
  return p.batch + 1 < per_epoch() ? BatchPosition{p.epoch, p.batch + 1} : BatchPosition{p.epoch + 1, 0};
}

void Batches::seek(BatchPosition to) {
  check(to.epoch >= 0 && to.epoch <= std::numeric_limits<std::uint32_t>::max() && to.batch >= 0 &&
            to.batch < per_epoch(),
        "Batches: no batch {} of epoch {}; an epoch has {}", to.batch, to.epoch, per_epoch());
  ahead_.reset();  // the old thread has ended before the new one starts
  position_ = to;
  ahead_ = std::make_unique<Prefetch<Batch>>(
      options_.prefetch,
      [this, at = to, order = std::vector<std::int64_t>(), ordered = std::int64_t{-1}]() mutable {
        if (options_.shuffle && ordered != at.epoch) {
          order = shuffled(set_.size(), options_.seed, at.epoch);
          ordered = at.epoch;
        }
        Batch b = make(at, order);
        at = after(at);
        return b;
      });
}

Batch Batches::next() {
  Batch b = ahead_->next();
  position_ = after(position_);
  return b;
}

Batch Batches::make(BatchPosition at, const std::vector<std::int64_t>& order) const {
  const std::int64_t begin = at.batch * options_.batch_size;
  const std::int64_t count = std::min(options_.batch_size, set_.size() - begin);
  const auto source = [&](std::int64_t i) {
    return order.empty() ? begin + i : order[static_cast<std::size_t>(begin + i)];
  };
  Shape shape = set_.images.shape();
  shape[0] = count;
  const std::int64_t pixels = shape.product(1, 4);
  Batch b{Tensor(shape, DType::f32), {}, at.epoch, at.batch};
  const std::uint8_t* from = set_.images.data<std::uint8_t>();
  float* to = b.images.mutable_data<float>();
  for (std::int64_t i = 0; i < count; ++i)
    to_floats(pixels, from + source(i) * pixels, options_.low, options_.high, to + i * pixels);
  if (set_.labels) {
    b.labels = Tensor({count}, DType::i64);
    const std::int64_t* labels = set_.labels.data<std::int64_t>();
    std::int64_t* out = b.labels.mutable_data<std::int64_t>();
    for (std::int64_t i = 0; i < count; ++i) out[i] = labels[source(i)];
  }
  if (options_.transform) options_.transform(b);
  return b;
}

}  // namespace gesso::nn
