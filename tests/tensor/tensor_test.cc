// The handle itself: views, versions, conversions of shape and kind.
#include "reference.h"

using namespace gesso;

TEST_CASE("a tensor is a handle: copies and views share storage and version") {
  Tensor x = tensor::arange(0, 24).reshape({2, 3, 4});
  const Tensor copy = x, flat = x.reshape({24}), half = x.slice(1, 2), row = x[1][2];
  CHECK(half.shape() == Shape{1, 3, 4});
  CHECK(row.shape() == Shape{4});
  CHECK(row.to_vector<float>() == std::vector<float>{20, 21, 22, 23});
  CHECK(row.raw() == x.raw() + 20 * 4);
  const std::uint32_t before = x.version();
  x.mutable_data<float>()[23] = -1;
  for (const Tensor& view : {x, copy, flat, half, row}) {
    CHECK(view.version() == before + 1);
    CHECK(view.data<float>()[view.size() - 1] == -1);
  }
  Tensor last = row;
  tensor::fill_(last, 7);
  CHECK(x.version() == before + 2);
  CHECK(x.to_vector<float>()[20] == 7);
  CHECK(x.to_vector<float>()[19] == 19);

  const Tensor clone = x.clone();
  tensor::fill_(x, 0);
  CHECK(clone.to_vector<float>()[20] == 7);
  CHECK(clone.version() != x.version());
}

TEST_CASE("reading advances no version") {
  const Tensor x = tensor::ones({3});
  const std::uint32_t before = x.version();
  (void)x.data<float>();
  (void)x.raw();
  (void)x.to_vector<double>();
  (void)x.text();
  (void)x[0].item();
  (void)tensor::add(x, x);
  CHECK(x.version() == before);
}

TEST_CASE("reshape") {
  const Tensor x = tensor::arange(0, 12);
  CHECK(x.reshape({3, 4}).shape() == Shape{3, 4});
  CHECK(x.reshape({-1, 4}).shape() == Shape{3, 4});
  CHECK(x.reshape({3, -1, 2}).shape() == Shape{3, 2, 2});
  CHECK(x.reshape({-1}).shape() == Shape{12});
  CHECK(x.reshape({12, -1}).shape() == Shape{12, 1});
  CHECK(x.slice(0, 1).reshape({}).shape() == Shape{});
  CHECK(tensor::zeros({}).reshape({-1}).shape() == Shape{1});
  CHECK(tensor::zeros({}).reshape({1, 1}).shape() == Shape{1, 1});
  CHECK(tensor::zeros({0, 3}).reshape({3, 0}).shape() == Shape{3, 0});
  CHECK(tensor::zeros({0, 3}).reshape({-1, 3}).shape() == Shape{0, 3});
  CHECK(tensor::zeros({0, 3}).reshape({-1}).shape() == Shape{0});
  CHECK(tensor::zeros({0, 3}).reshape({5, 0, 7}).shape() == Shape{5, 0, 7});
}

TEST_CASE("slices of the leading dimension") {
  const Tensor x = tensor::arange(0, 12).reshape({6, 2});
  CHECK(x.slice(0, 6).shape() == x.shape());
  CHECK(x.slice(2, 4).to_vector<float>() == std::vector<float>{4, 5, 6, 7});
  CHECK(x.slice(-2, 6).to_vector<float>() == std::vector<float>{8, 9, 10, 11});
  CHECK(x.slice(2, -2).to_vector<float>() == std::vector<float>{4, 5, 6, 7});
  CHECK(x.slice(3, 3).shape() == Shape{0, 2});
  CHECK(x.slice(6, 6).size() == 0);
  CHECK(x[-1].to_vector<float>() == std::vector<float>{10, 11});
  CHECK(tensor::zeros({4, 0}).slice(1, 3).shape() == Shape{2, 0});
  CHECK(tensor::zeros({4, 0})[2].shape() == Shape{0});
  CHECK(tensor::arange(0, 3)[1].rank() == 0);
  CHECK(tensor::arange(0, 3)[1].item() == 1);
}

TEST_CASE("from data and back, every dtype") {
  CHECK(Tensor::from({1.5f, 2.5f}).dtype() == DType::f32);
  CHECK(Tensor::from({1.5, 2.5}).dtype() == DType::f64);
  CHECK(Tensor::from<std::int64_t>({1, 2}).dtype() == DType::i64);
  CHECK(Tensor::from<std::uint8_t>({1, 2}).dtype() == DType::u8);
  CHECK(Tensor::from({true, false}).dtype() == DType::b8);
  CHECK(Tensor::from<float>({1, 2, 3, 4}, {2, 2}).shape() == Shape{2, 2});
  CHECK(Tensor::from(std::vector<double>{1, 2, 3, 4}, {2, 2}).dtype() == DType::f64);
  CHECK(Tensor::from(std::vector<float>{}, {0, 5}).shape() == Shape{0, 5});
  CHECK(Tensor::from<float>({7}, {}).item() == 7);
  CHECK(Tensor::from({true, false}).to_vector<bool>() == std::vector<bool>{true, false});
  CHECK(Tensor::from<std::uint8_t>({1, 255}).to_vector<std::int64_t>() == std::vector<std::int64_t>{1, 255});
  CHECK(Tensor::from<std::int64_t>({1, 2}).bytes() == 16);
  CHECK(Tensor::from({true, false}).bytes() == 2);
  for (DType t : {DType::f32, DType::f64, DType::i64, DType::u8, DType::b8}) {
    CHECK(tensor::ones({2, 3}, t).to_vector<double>() == std::vector<double>(6, 1));
    CHECK(tensor::zeros({0}, t).to_vector<float>().empty());
    CHECK(tensor::ones({}, t).item() == 1);
    CHECK(tensor::ones({1, 1}, t).item() == 1);
  }
}

TEST_CASE("to") {
  const Tensor x = tensor::ones({2});
  CHECK(x.to(DType::f32).raw() == x.raw());  // nothing to do: the same handle
  CHECK(x.to(Device::cpu).raw() == x.raw());
  CHECK(x.to(DType::f64).raw() != x.raw());
}

TEST_CASE("undefined") {
  const Tensor none;
  CHECK(!none.defined());
  CHECK(!none);
  CHECK(none.raw() == nullptr);
  CHECK(none.version() == 0);
  CHECK(none.size() == 0);
  CHECK(!none.clone().defined());
}

TEST_CASE("tensors begin at a multiple of 64 bytes") {
  for (std::int64_t n : {0, 1, 3, 1000, 1 << 20})
    CHECK(reinterpret_cast<std::uintptr_t>(Tensor({n}).raw()) % 64 == 0);
}

TEST_CASE("shapes") {
  CHECK(Shape{}.size() == 1);
  CHECK(Shape{3, 0, 2}.size() == 0);
  CHECK(Shape{8, 32, 32, 3}.text() == "(8,32,32,3)");
  CHECK(Shape{}.text() == "()");
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(!(Shape{2, 3} == Shape{3, 2}));
  CHECK(!(Shape{2} == Shape{2, 1}));
  CHECK(!(Shape{} == Shape{1}));
  CHECK(Shape{2, 3, 4}.axis("test", -1) == 2);
  CHECK(Shape{2, 3, 4}.product(1, 3) == 12);
  // an extent of 0 does not hide others that no stride could hold
  CHECK_THROWS_AS(Tensor({0, std::int64_t{1} << 40, std::int64_t{1} << 40}), Error);
  CHECK(Tensor({0, std::int64_t{1} << 40}).size() == 0);
}
