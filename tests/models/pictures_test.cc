#include "models/pictures.h"

#include "tests/models/support.h"

#include <cmath>

namespace gesso::models {
namespace {

double length(const Tensor& z) {
  double squares = 0;
  for (const double v : z.to_vector<double>()) squares += v * v;
  return std::sqrt(squares);
}

TEST_CASE("pictures: a sheet has its corners where they belong") {
  Generator g(1);
  const Tensor corners = tensor::normal(g, {4, 10});
  const Tensor z = sheet(corners, 5);
  REQUIRE(z.shape() == Shape{25, 10});
  const std::int64_t at[] = {0, 4, 20, 24};
  for (std::int64_t i = 0; i < 4; ++i)
    for (int k = 0; k < 10; ++k)
      CHECK(z[at[i]].data<float>()[k] == doctest::Approx(corners[i].data<float>()[k]).epsilon(1e-5));
}

TEST_CASE(
    "pictures: between corners of one length all points have that length, and neighbours are equally far") {
  const Tensor corners = Tensor::from<float>({3, 0, 0, 0, 3, 0, 0, 0, 3, 3, 0, 0}, {4, 3});
  const Tensor z = sheet(corners, 7);
  for (std::int64_t i = 0; i < 49; ++i) CHECK(length(z[i]) == doctest::Approx(3).epsilon(1e-5));
  const double step = 2 * 3 * std::sin(std::acos(-1.) / 2 / 6 / 2);  // chord of a sixth of a right angle
  for (std::int64_t j = 0; j < 6; ++j) {
    const std::vector<double> a = z[j].to_vector<double>(), b = z[j + 1].to_vector<double>();
    CHECK(std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) == doctest::Approx(step).epsilon(1e-5));
  }
}

TEST_CASE("pictures: corners that are equal, opposite or zero still give numbers") {
  for (const std::vector<float>& c :
       {std::vector<float>{1, 2, 1, 2, 1, 2, 1, 2}, {1, 2, -1, -2, 1, 2, -1, -2}, {0, 0, 1, 2, 0, 0, 0, 0}})
    for (const float v : sheet(Tensor::from(c, {4, 2}), 4).to_vector<float>()) CHECK(std::isfinite(v));
  CHECK_THROWS_AS(sheet(Tensor::from<float>({1, 2, 3}), 4), Error);
}

TEST_CASE("pictures: originals stand before their reconstructions") {
  const Tensor x = Tensor::from<float>({1, 2, 3, 4}, {2, 2}), y = Tensor::from<float>({5, 6, 7, 8}, {2, 2});
  CHECK(side_by_side(x, y).to_vector<float>() == std::vector<float>{1, 2, 5, 6, 3, 4, 7, 8});
}

TEST_CASE("pictures: a grid is a PNG of the size it says") {
  const Picture p = grid(squares(6, 8, 1), {8, 8, 1}, 3);
  CHECK(p.height == 3 * (2 * (8 + 2) + 2));
  CHECK(p.width == 3 * (3 * (8 + 2) + 2));
  CHECK(p.channels == 1);
  CHECK(p.png.substr(1, 3) == "PNG");
}

}  // namespace
}  // namespace gesso::models
