#include "kernels/philox.h"
#include "nn/data.h"
#include "tensor/ops.h"

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

std::vector<std::int64_t> shuffled(std::int64_t n, std::uint64_t seed, std::int64_t epoch, bool early_start) {
  // Draws of a Generator have 0 in the counter's upper half; here it is the epoch and a mark, so no number is
  // used twice.
  constexpr std::uint32_t kMark = 0x73687566;
  const auto word = [&](std::int64_t p) {
    const kernels::portable::PhiloxBlock b = kernels::portable::philox(
        static_cast<std::uint32_t>(p), static_cast<std::uint32_t>(p >> 32), static_cast<std::uint32_t>(epoch),
        kMark, static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32));
    return std::uint64_t{b.word[0]} << 32 | b.word[1];
  };
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  // Fisher-Yates: element p changes places with one of [p, end), chosen by the upper half of word * (end -
  // p). 2048 small images are unpacked in about 10 ms; the factor 4 lets the order be a random one soon.
  for (std::int64_t p = 0; p < n; ++p) {
    const std::int64_t end = early_start && epoch == 0 ? std::min(n, 4 * p + 2048) : n;
    const auto ahead = static_cast<unsigned __int128>(word(p)) * static_cast<std::uint64_t>(end - p) >> 64;
    std::swap(order[static_cast<std::size_t>(p)],
              order[static_cast<std::size_t>(p) + static_cast<std::size_t>(ahead)]);
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
          order = shuffled(set_.size(), options_.seed, at.epoch, options_.early_start);
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
  std::vector<std::int64_t> source(static_cast<std::size_t>(count));  // which images
  if (order.empty())
    std::iota(source.begin(), source.end(), begin);
  else
    std::copy_n(order.begin() + begin, count, source.begin());
  set_.wait_for(1 + *std::max_element(source.begin(), source.end()));

  Shape shape = set_.images.shape();
  shape[0] = count;
  Batch b{.images = Tensor(shape, DType::f32), .epoch = at.epoch, .index = at.batch};
  const std::int64_t pixels = shape.product(1, 4);
  const std::uint8_t* x = set_.images.data<std::uint8_t>();
  float* y = b.images.mutable_data<float>();
  for (std::size_t i = 0; i < source.size(); ++i) {
    // Rows lie anywhere in memory. Asking for them four rows early hides its latency: 50 us a batch become
    // 18.
    if (i + 4 < source.size())
      for (std::int64_t k = 0; k < pixels; k += 64) __builtin_prefetch(x + source[i + 4] * pixels + k);
    to_floats(pixels, x + source[i] * pixels, options_.low, options_.high,
              y + static_cast<std::int64_t>(i) * pixels);
  }
  if (set_.labels) b.labels = tensor::take_rows(set_.labels, Tensor::from(source, {count}));
  if (options_.transform) options_.transform(b);
  return b;
}

}  // namespace gesso::nn
