// Batches of images, the order of an epoch, and what is made ahead.
#include "nn/data.h"
#include "tests/nn/golden.h"

#include <atomic>
#include <chrono>
#include <numeric>
#include <set>

namespace gesso::nn {
namespace {

/// n images of 2x3 pixels, image i full of i mod 256, with the label i.
ImageSet counted(std::int64_t n) {
  ImageSet set{
      .name = "counted", .images = Tensor({n, 2, 3, 1}, DType::u8), .labels = Tensor({n}, DType::i64)};
  std::uint8_t* x = set.images.mutable_data<std::uint8_t>();
  std::int64_t* label = set.labels.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    std::fill(x + 6 * i, x + 6 * (i + 1), static_cast<std::uint8_t>(i));
    label[i] = i;
  }
  return set;
}

std::vector<std::int64_t> labels_of(Batches& b, int batches) {
  std::vector<std::int64_t> all;
  for (int i = 0; i < batches; ++i)
    for (const std::int64_t label : b.next().labels.to_vector<std::int64_t>()) all.push_back(label);
  return all;
}

TEST_CASE("batches: each epoch has every image once, in an order of its own") {
  Batches b(counted(23), {.batch_size = 5, .seed = 3});
  CHECK(b.per_epoch() == 5);
  const std::vector<std::int64_t> first = labels_of(b, 5), second = labels_of(b, 5);
  CHECK(first.size() == 23);
  CHECK(std::set<std::int64_t>(first.begin(), first.end()).size() == 23);
  CHECK(std::set<std::int64_t>(second.begin(), second.end()).size() == 23);
  CHECK(first != second);
  CHECK(b.position() == BatchPosition{2, 0});

  Batches same(counted(23), {.batch_size = 5, .seed = 3}), other(counted(23), {.batch_size = 5, .seed = 4});
  CHECK(labels_of(same, 5) == first);
  CHECK(labels_of(other, 5) != first);
  // The batch size groups the same order.
  Batches large(counted(23), {.batch_size = 23, .seed = 3});
  CHECK(labels_of(large, 1) == first);
}

TEST_CASE("batches: images and labels belong together") {
  for (const bool shuffle : {false, true}) {
    Batches b(counted(300), {.batch_size = 7, .shuffle = shuffle, .low = -2, .high = 3});
    for (std::int64_t i = 0; i < 50; ++i) {
      const Batch batch = b.next();
      CHECK(batch.epoch == i / 43);
      CHECK(batch.index == i % 43);
      const std::int64_t n = batch.index == 42 ? 6 : 7;
      CHECK(batch.images.shape() == Shape{n, 2, 3, 1});
      CHECK(batch.labels.shape() == Shape{n});
      for (std::int64_t k = 0; k < n; ++k) {
        const std::int64_t label = batch.labels.data<std::int64_t>()[k];
        if (!shuffle) CHECK(label == batch.index * 7 + k);
        const float want = -2 + 5 * (static_cast<float>(label % 256) / 255);
        for (int pixel = 0; pixel < 6; ++pixel)
          CHECK(std::abs(batch.images.data<float>()[6 * k + pixel] - want) <= 4 * 1.2e-7f);
      }
    }
  }
}

TEST_CASE("batches: drop_last, sets without labels, and a batch of everything") {
  Batches b(counted(23), {.batch_size = 5, .drop_last = true});
  CHECK(b.per_epoch() == 4);
  CHECK(labels_of(b, 4).size() == 20);
  CHECK(b.position() == BatchPosition{1, 0});
  ImageSet unlabelled = counted(6);
  unlabelled.labels = {};
  Batches all(unlabelled, {.batch_size = 6});
  const Batch batch = all.next();
  CHECK_FALSE(batch.labels);
  CHECK(batch.images.dim(0) == 6);
  CHECK(all.per_epoch() == 1);
}

TEST_CASE("batches: resumed anywhere, or made ahead, they are the same") {
  const auto options = [](int prefetch) {
    return BatchOptions{.batch_size = 4, .seed = 9, .prefetch = prefetch};
  };
  Batches plain(counted(30), options(0));
  const std::vector<std::int64_t> want = labels_of(plain, 40);
  for (const int prefetch : {0, 1, 3}) {
    CAPTURE(prefetch);
    Batches through(counted(30), options(prefetch));
    CHECK(labels_of(through, 40) == want);
    for (const int stop : {1, 7, 8, 20}) {
      CAPTURE(stop);
      Batches before(counted(30), options(prefetch));
      std::vector<std::int64_t> seen = labels_of(before, stop);
      Batches after(counted(30), options(prefetch), before.position());
      const std::vector<std::int64_t> rest = labels_of(after, 40 - stop);
      seen.insert(seen.end(), rest.begin(), rest.end());
      CHECK(seen == want);
    }
    through.seek({0, 0});
    CHECK(labels_of(through, 40) == want);
  }
}

TEST_CASE("batches: one that is held is not overwritten") {
  Batches b(counted(30), {.batch_size = 10, .prefetch = 2});
  const Batch first = b.next();
  const Tensor copy = first.images.clone();
  for (int i = 0; i < 10; ++i) b.next();
  CHECK(same_bits(first.images, copy));
}

TEST_CASE("batches: errors") {
  const auto message = [](BatchOptions options, BatchPosition start = {}) {
    return error_of([&] { Batches(counted(5), options, start); });
  };
  CHECK(message({.batch_size = 0}) == "Batches: a batch size of 0; it must be positive");
  CHECK(message({.batch_size = -3}) == "Batches: a batch size of -3; it must be positive");
  CHECK(message({.batch_size = 6}) == "Batches: a batch size of 6, but counted has only 5 images");
  CHECK(message({.batch_size = 1, .prefetch = -1}) == "Batches: -1 batches ahead; it must be 0 or more");
  CHECK(message({.batch_size = 2}, {0, 3}) == "Batches: no batch 3 of epoch 0; an epoch has 3");
  CHECK(message({.batch_size = 2}, {-1, 0}) == "Batches: no batch 0 of epoch -1; an epoch has 3");
  CHECK(message({.batch_size = 2}, {7, 2}) == "");
  ImageSet bad = counted(5);
  bad.labels = tensor::zeros({4}, DType::i64);
  CHECK(error_of([&] { Batches(bad, {.batch_size = 1}); }) ==
        "Batches: labels of counted are i64 (4) for 5 images, not as many i64");
  bad.images = tensor::zeros({5, 2, 3, 1});
  CHECK(error_of([&] { Batches(bad, {.batch_size = 1}); }) ==
        "Batches: images of counted are f32 (5,2,3,1), not (N,H,W,C) u8");
  CHECK(error_of([&] { Batches({}, {.batch_size = 1}); }) != "");
}

TEST_CASE("batches: a transform runs on each, and what it throws reaches next()") {
  for (const int prefetch : {0, 2}) {
    CAPTURE(prefetch);
    Batches b(counted(30), {.batch_size = 10, .prefetch = prefetch, .transform = [](Batch& batch) {
                              check(batch.epoch < 1, "no second epoch");
                              batch.images = tensor::full({1}, static_cast<double>(batch.index));
                            }});
    for (int i = 0; i < 3; ++i) CHECK(b.next().images.item() == i);
    for (int i = 0; i < 2; ++i) CHECK(error_of([&] { b.next(); }) == "no second epoch");
    CHECK(b.position() == BatchPosition{1, 0});
    b.seek({0, 1});
    CHECK(b.next().images.item() == 1);
  }
}

TEST_CASE("shuffled: a permutation, each element anywhere with equal chance") {
  CHECK(shuffled(0, 1, 0).empty());
  CHECK(shuffled(1, 1, 0) == std::vector<std::int64_t>{0});
  CHECK(shuffled(1000, 1, 0) == shuffled(1000, 1, 0));
  CHECK(shuffled(1000, 1, 0) != shuffled(1000, 1, 1));
  CHECK(shuffled(1000, 1, 0) != shuffled(1000, 2, 0));
  std::vector<std::int64_t> order = shuffled(1000, 1, 0);
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  for (std::int64_t i = 0; i < 1000; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
  // An early start: number p is one of the first 4 p + 2048 images; later epochs are not restricted.
  order = shuffled(20'000, 1, 0, true);
  for (std::int64_t p = 0; p < 20'000; ++p) CHECK_UNARY(order[static_cast<std::size_t>(p)] < 4 * p + 2048);
  CHECK(std::set<std::int64_t>(order.begin(), order.end()).size() == 20'000);
  CHECK(shuffled(20'000, 1, 1, true) == shuffled(20'000, 1, 1));
  // All 24 orders of 4 elements over 24,000 epochs: chi squared with 23 degrees of freedom exceeds 60 once in
  // 30,000 seeds.
  std::map<std::vector<std::int64_t>, int> count;
  for (std::int64_t epoch = 0; epoch < 24'000; ++epoch) ++count[shuffled(4, 5, epoch)];
  CHECK(count.size() == 24);
  double chi2 = 0;
  for (const auto& [order_of_4, n] : count) chi2 += (n - 1000.0) * (n - 1000.0) / 1000;
  CHECK(chi2 <= 60);
}

TEST_CASE("prefetch: results come in order, at most `depth` ahead") {
  for (const int depth : {0, 1, 4}) {
    CAPTURE(depth);
    std::atomic<int> made{0};
    Prefetch<int> p(depth, [&] { return made++; });
    for (int i = 0; i < 1000; ++i) {
      CHECK(p.next() == i);
      CHECK(made <= i + 1 + depth);
    }
  }
  std::atomic<int> made{0};
  Prefetch<int> ahead(3, [&] { return made++; });
  for (int wait = 0; wait < 2000 && made < 3; ++wait)
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  CHECK(made == 3);  // without anyone asking
}

TEST_CASE("prefetch: ends while its producer works, waits, or has failed") {
  for (int i = 0; i < 200; ++i) {
    Prefetch<int> p(2, [n = 0]() mutable { return n++; });
    if (i % 2) p.next();
  }
  Prefetch<std::unique_ptr<int>> failing(2, []() -> std::unique_ptr<int> { throw Error("out of paper"); });
  for (int i = 0; i < 3; ++i) CHECK(error_of([&] { failing.next(); }) == "out of paper");
  Prefetch<int> never_asked(2, []() -> int { throw Error("unseen"); });
}

}  // namespace
}  // namespace gesso::nn
