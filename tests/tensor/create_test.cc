#include "reference.h"

#include <algorithm>

using namespace gesso;

TEST_CASE("zeros, ones, full, arange") {
  for (DType t : {DType::f32, DType::f64, DType::i64, DType::u8, DType::b8}) {
    check_equal(tensor::zeros({2, 3}, t), Reference({2, 3}, 0));
    check_equal(tensor::ones({2, 3}, t), Reference({2, 3}, 1));
    check_equal(tensor::full({2, 3}, 7, t), Reference({2, 3}, t == DType::b8 ? 1 : 7));
    check_equal(tensor::full({0, 3}, 7, t), Reference({0, 3}));
    check_equal(tensor::full({}, 1, t), Reference({}, 1));
    CHECK(tensor::full({2}, 3.7, t).dtype() == t);
  }
  CHECK(tensor::full({1}, 3.7, DType::i64).item() == 3);
  CHECK(tensor::full({1}, 300, DType::u8).item() == 255);
  CHECK(tensor::arange(0, 5).to_vector<float>() == std::vector<float>{0, 1, 2, 3, 4});
  CHECK(tensor::arange(1, 2, 0.25, DType::f64).to_vector<double>() ==
        std::vector<double>{1, 1.25, 1.5, 1.75});
  CHECK(tensor::arange(5, 0, -2, DType::i64).to_vector<std::int64_t>() == std::vector<std::int64_t>{5, 3, 1});
  CHECK(tensor::arange(0, 1, 0.3).size() == 4);
  CHECK(tensor::arange(3, 3).size() == 0);
  CHECK(tensor::arange(3, 0).size() == 0);
  CHECK(tensor::arange(0, 3e5, 1, DType::i64).to_vector<std::int64_t>().back() == 299999);
}

TEST_CASE("one_hot") {
  Samples samples(1);
  for (DType t : {DType::f32, DType::f64, DType::i64, DType::u8, DType::b8}) {
    const Tensor index = samples.integers({4, 3}, DType::i64, 0, 6);
    Reference at(index), expected({4, 3, 7});
    for_each_index(expected.shape, [&](const Index& i) {
      expected.at(i) = at.at({i[0], i[1]}) == static_cast<double>(i[2]);
    });
    const Tensor y = tensor::one_hot(index, 7, t);
    CHECK(y.dtype() == t);
    check_equal(y, expected);
  }
  CHECK(tensor::one_hot(Tensor::from<std::int64_t>({2}, {}), 3).to_vector<float>() ==
        std::vector<float>{0, 0, 1});
  CHECK(tensor::one_hot(tensor::zeros({0}, DType::i64), 3).shape() == Shape{0, 3});
  CHECK(tensor::one_hot(tensor::zeros({0}, DType::i64), 0).shape() == Shape{0, 0});
}

TEST_CASE("a draw is a function of the seed and the offset, in whatever pieces it is made") {
  for (DType t : {DType::f32, DType::f64}) {
    Generator whole(5), pieces(5), other(6);
    const Tensor a = tensor::uniform(whole, {1000}, 0, 1, t);
    CHECK(whole.state.offset == 1000);
    std::vector<Tensor> parts;
    for (std::int64_t n : {1, 2, 4, 93, 0, 900}) parts.push_back(tensor::uniform(pieces, {n}, 0, 1, t));
    CHECK(tensor::concat(parts).to_vector<double>() == a.to_vector<double>());
    CHECK(tensor::uniform(other, {1000}, 0, 1, t).to_vector<double>() != a.to_vector<double>());
    CHECK(tensor::uniform(whole, {1000}, 0, 1, t).to_vector<double>() != a.to_vector<double>());

    Generator again(5), halves(5);
    const Tensor n = tensor::normal(again, {10, 10}, 1, 2, t);
    const Tensor first = tensor::normal(halves, {51}, 1, 2, t),
                 second = tensor::normal(halves, {49}, 1, 2, t);
    CHECK(tensor::concat({first, second}).to_vector<double>() == n.to_vector<double>());
  }
}

TEST_CASE("uniform and normal numbers have their moments") {
  constexpr std::int64_t n = 200000;
  Generator g(3);
  for (DType t : {DType::f32, DType::f64}) {
    const Tensor u = tensor::uniform(g, {n}, -2, 4, t), v = tensor::normal(g, {n}, 3, 0.5, t);
    CHECK(tensor::min(u).item() >= -2);
    CHECK(tensor::max(u).item() < 4);
    // five standard errors: of a mean sigma / sqrt n, of a variance sigma^2 sqrt((kurtosis - 1) / n)
    const double root = std::sqrt(static_cast<double>(n));
    CHECK(std::abs(tensor::mean(u).item() - 1) <= 5 * std::sqrt(3) / root);
    CHECK(std::abs(tensor::var(u).item() - 3) <= 5 * 3 * std::sqrt(0.8) / root);
    CHECK(std::abs(tensor::mean(v).item() - 3) <= 5 * 0.5 / root);
    CHECK(std::abs(tensor::var(v).item() - 0.25) <= 5 * 0.25 * std::sqrt(2) / root);
  }
  CHECK(tensor::uniform(g, {3}, 2, 2).to_vector<float>() == std::vector<float>{2, 2, 2});
  CHECK(tensor::normal(g, {3}, 2, 0).to_vector<float>() == std::vector<float>{2, 2, 2});
  CHECK(tensor::normal(g, {0, 3}).size() == 0);
}

TEST_CASE("permutation") {
  Generator g(1), same(1);
  for (std::int64_t n : {0, 1, 2, 10, 5000}) {
    std::vector<std::int64_t> order = tensor::permutation(g, n).to_vector<std::int64_t>();
    CHECK(order == tensor::permutation(same, n).to_vector<std::int64_t>());
    if (n == 5000) CHECK(!std::is_sorted(order.begin(), order.end()));
    std::sort(order.begin(), order.end());
    CHECK(order == tensor::arange(0, static_cast<double>(n), 1, DType::i64).to_vector<std::int64_t>());
  }
  CHECK(g.state.offset == 5013);
  // each of the 6 orders of 3 as often as the others: chi-square with 5 degrees of freedom stays below 20.5 with 99.9%
  std::vector<int> seen(27, 0);
  for (int i = 0; i < 6000; ++i) {
    const auto o = tensor::permutation(g, 3).to_vector<std::int64_t>();
    ++seen[static_cast<std::size_t>(o[0] * 9 + o[1] * 3 + o[2])];
  }
  double chi = 0;
  for (int k : {5, 7, 11, 15, 19, 21})
    chi += (seen[static_cast<std::size_t>(k)] - 1000.0) * (seen[static_cast<std::size_t>(k)] - 1000.0) / 1000;
  CHECK(chi < 20.5);
}
