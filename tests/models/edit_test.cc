#include "models/edit.h"

#include "models/mlp_vae.h"
#include "models/pictures.h"
#include "tests/models/linear_gaussian.h"

#include <cmath>

namespace gesso::models {
namespace {

/// argmax over z of log N(x; W z + b, sigma^2) over the pixels seen, + log N(z; 0, I): z = (W' W + sigma^2
/// I)^-1 W' (x - b), W and b without the rows that are not seen. (N,2)
std::vector<double> closed_form(Vae& vae, const Tensor& x, const std::vector<double>& seen) {
  const nn::State s = nn::state(vae.network());
  const std::vector<double> w = s.at("decoder.0.weight").to_vector<double>(),
                            b = s.at("decoder.0.bias").to_vector<double>(), xs = x.to_vector<double>();
  double m[2][2] = {{kLinearSigma * kLinearSigma, 0}, {0, kLinearSigma * kLinearSigma}};
  for (std::size_t i = 0; i < seen.size(); ++i)
    for (std::size_t u = 0; u < 2; ++u)
      for (std::size_t v = 0; v < 2; ++v) m[u][v] += seen[i] * w[2 * i + u] * w[2 * i + v];
  const double det = m[0][0] * m[1][1] - m[0][1] * m[1][0];
  std::vector<double> z;
  for (std::size_t n = 0; n < xs.size() / seen.size(); ++n) {
    double c[2] = {0, 0};
    for (std::size_t i = 0; i < seen.size(); ++i)
      for (std::size_t u = 0; u < 2; ++u) c[u] += seen[i] * w[2 * i + u] * (xs[n * seen.size() + i] - b[i]);
    z.push_back((m[1][1] * c[0] - m[0][1] * c[1]) / det);
    z.push_back((m[0][0] * c[1] - m[1][0] * c[0]) / det);
  }
  return z;
}

Tensor found(Vae& vae, const Tensor& x, const Tensor& seen, const Tensor& start) {
  return most_probable([&](const Var& z) { return sum(vae.log_likelihood(z, x) * seen, {1}); }, start);
}

TEST_CASE("edit: the most probable code of a linear Gaussian model, from all pixels and from some") {
  Vae vae(linear_gaussian_recipe(), linear_gaussian);
  Generator g(1);
  const Tensor x = tensor::normal(g, {5, kLinearPixels}, 0, 2), start = tensor::normal(g, {5, 2});
  for (const std::vector<float>& seen : {std::vector<float>{1, 1, 1, 1, 1, 1}, {1, 0, 0, 1, 1, 0}}) {
    const std::vector<double> want = closed_form(vae, x, {seen.begin(), seen.end()});
    const Tensor mask = Tensor::from(seen, {kLinearPixels});
    const std::vector<double> z = found(vae, x, mask, start).to_vector<double>();
    REQUIRE(z.size() == want.size());
    // Adam's steps end at 0.1 pi^2 / (4 * 300^2) of a unit; what is left is the rounding of gradients of size
    // 1.
    for (std::size_t i = 0; i < z.size(); ++i) CHECK(!!(std::abs(z[i] - want[i]) <= 1e-4));
    for (const double hidden : {-7., 9.}) {  // what is not seen does not count
      const Tensor other =
          tensor::where(tensor::compare(kernels::Compare::gt, mask, 0.5), x, tensor::full({1}, hidden));
      CHECK(found(vae, other, mask, start).to_vector<double>() == z);
    }
  }
  // Each image is looked at by itself.
  const Tensor mask = tensor::ones({kLinearPixels});
  const std::vector<double> all = closed_form(vae, x, {1, 1, 1, 1, 1, 1}),
                            one = found(vae, x.slice(2, 3), mask, start.slice(2, 3)).to_vector<double>();
  for (std::size_t u = 0; u < 2; ++u) CHECK(!!(std::abs(one[u] - all[4 + u]) <= 1e-4));
}

TEST_CASE("edit: looking for a code leaves the model as it was") {
  Vae vae(linear_gaussian_recipe(), linear_gaussian);
  const nn::State before = kept(nn::state(vae.network()));
  Generator g(1);
  const Tensor x = tensor::normal(g, {5, kLinearPixels});
  denoised(vae, x, 1, {Noise::Kind::gaussian, 0.3});
  check_same_state(nn::state(vae.network()), before);
  for (const Var& w : nn::parameters(vae.network())) CHECK(!w.grad().defined());
  CHECK(vae.network().training);
}

constexpr std::int64_t kSide = 8;

/// A small VAE that knows bright squares, and some that it has not seen.
struct Squares {
  Vae vae{recipe_of(mlp_vae_options(), {"hidden=64", "latent=4"}, {kSide, kSide, 1}, 3e-3), mlp_vae};
  Tensor x = squares(24, kSide, 77);

  Squares() {
    for (std::uint64_t step = 0; step < 600; ++step) vae.step(squares(64, kSide, 100 + step));
  }
};
Squares& trained() {
  static Squares s;
  return s;
}

TEST_CASE("edit: noise is taken away, and finding the code beats encoding what the encoder never saw") {
  auto& [vae, x] = trained();
  for (const Noise::Kind kind : {Noise::Kind::gaussian, Noise::Kind::salt_and_pepper}) {
    const Noise noise{kind, 0.3};
    Generator g(3);
    const Restoration r = denoised(vae, with_noise(x, 1, noise, g), 1, noise);
    const double spoiled = psnr(x, r.spoiled), encoded = psnr(x, r.encoded), found = psnr(x, r.found);
    MESSAGE("PSNR ", spoiled, " spoiled, ", encoded, " encoded, ", found, " found");
    CHECK(!!(found >= spoiled + 6));
    CHECK(!!(found > encoded));
  }
}

TEST_CASE("edit: noise is what it says") {
  Generator g(4);
  const std::int64_t N = 50, pixels = 400, C = 3;
  const Tensor x = tensor::full({N, pixels * C}, 0.25);
  const std::vector<double> y = with_noise(x, C, {Noise::Kind::gaussian, 0.5}, g).to_vector<double>();
  double sum = 0, squares = 0;
  for (const double v : y) sum += v - 0.25, squares += std::pow(v - 0.25, 2);
  const double n = static_cast<double>(y.size());
  CHECK(!!(std::abs(sum / n) <= 5 * 0.5 / std::sqrt(n)));
  CHECK(!!(std::abs(squares / n - 0.25) <= 5 * 0.25 * std::sqrt(2 / n)));

  std::int64_t black = 0, white = 0, split = 0;
  const std::vector<float> z = with_noise(x, C, {Noise::Kind::salt_and_pepper, 0.2}, g).to_vector<float>();
  for (std::size_t i = 0; i < z.size(); i += C) {
    black += z[i] == 0, white += z[i] == 1;
    split += z[i] != z[i + 1] || z[i] != z[i + 2];
    CHECK((z[i] == 0 || z[i] == 1 || z[i] == 0.25f));
  }
  const double count = static_cast<double>(N * pixels), deviation = std::sqrt(0.1 * 0.9 * count);
  CHECK(split == 0);
  CHECK(!!(std::abs(static_cast<double>(black) - 0.1 * count) <= 5 * deviation));
  CHECK(!!(std::abs(static_cast<double>(white) - 0.1 * count) <= 5 * deviation));
}

TEST_CASE("edit: likelihoods of noisy images are their formulas") {
  auto& [vae, x] = trained();
  Generator g(5);
  const std::int64_t N = 3, D = kSide * kSide,
                     C = 2;  // two channels of 32 pixels, for all that the formula knows
  const Tensor y = with_noise(x.slice(0, N), C, {Noise::Kind::salt_and_pepper, 0.5}, g),
               z = tensor::normal(g, {N, 4});
  const std::vector<double> ys = y.to_vector<double>(), m = vae.image(z).value().to_vector<double>(),
                            p = vae.log_likelihood(z, y).value().to_vector<double>();
  const auto of = [&](Noise::Kind kind, double a) {
    return log_likelihood(vae, z, y, C, {kind, a}).value().to_vector<double>();
  };
  const std::vector<double> gaussian = of(Noise::Kind::gaussian, 0.4),
                            salted = of(Noise::Kind::salt_and_pepper, 0.2);
  for (std::size_t n = 0; n < 3; ++n) {
    double squares = 0, mixed = 0;
    int extremes = 0;
    for (std::size_t i = n * D; i < (n + 1) * D; i += C) {
      squares += std::pow(ys[i] - m[i], 2) + std::pow(ys[i + 1] - m[i + 1], 2);
      const bool extreme = (ys[i] == 0 && ys[i + 1] == 0) || (ys[i] == 1 && ys[i + 1] == 1);
      const double both = p[i] + p[i + 1];
      mixed += extreme ? std::log(0.8 * std::exp(both) + 0.1) : both;
      extremes += extreme;
    }
    CHECK(extremes > 8);
    CHECK(extremes < 24);
    CHECK(gaussian[n] == doctest::Approx(-squares / (2 * 0.4 * 0.4)).epsilon(1e-5));
    CHECK(salted[n] == doctest::Approx(mixed).epsilon(1e-5));
  }
}

TEST_CASE("edit: inpainting keeps every visible pixel, and knows more of the others than their mean") {
  auto& [vae, x] = trained();
  const Tensor mean = tensor::mean(squares(500, kSide, 5), {0});
  for (const char* region : {"bottom", "left", "0.6"}) {
    CAPTURE(std::string(region));
    Generator g(6);
    const Tensor seen = seen_beside(region, {kSide, kSide, 1}, g);
    const Restoration r = inpainted(vae, x, seen, mean);
    for (const Tensor& y : {r.spoiled, r.encoded, r.found})
      for (std::int64_t i = 0; i < x.size(); ++i)
        if (seen.data<float>()[i % seen.size()] == 1) REQUIRE(y.data<float>()[i] == x.data<float>()[i]);
    const double by_mean = hidden_error(x, r.spoiled, seen), completed = hidden_error(x, r.encoded, seen),
                 found = hidden_error(x, r.found, seen);
    MESSAGE(std::string(region), ": errors ", by_mean, " mean, ", completed, " completed, ", found, " found");
    CHECK(!!(found <= 0.6 * by_mean));
    CHECK(!!(completed <= 0.9 * by_mean));
  }
}

TEST_CASE("edit: regions that are hidden") {
  Generator g(1);
  const Shape odd{5, 7, 2};
  const auto hidden = [&](const std::string& region, const Shape& image) {
    const std::vector<float> seen = seen_beside(region, image, g).to_vector<float>();
    return std::count(seen.begin(), seen.end(), 0.f);
  };
  CHECK(hidden("top", odd) == 2 * 7 * 2);
  CHECK(hidden("bottom", odd) == 2 * 7 * 2);
  CHECK(hidden("left", odd) == 5 * 3 * 2);
  CHECK(hidden("right", odd) == 5 * 3 * 2);
  CHECK(hidden("centre", {8, 12, 1}) == 4 * 6);
  CHECK(!!(std::abs(static_cast<double>(hidden("0.25", {100, 100, 1})) - 2500) <= 5 * 43.3));
  const std::vector<float> bottom = seen_beside("bottom", {2, 1, 1}, g).to_vector<float>();
  CHECK(bottom == std::vector<float>{1, 0});
  for (const char* wrong : {"0", "1", "1.5", "0.5x", "", "-0.5", "1e-9", "buttom", "nan"}) {
    CAPTURE(std::string(wrong));
    CHECK_THROWS_AS(hidden(wrong, odd), UsageError);
  }
  CHECK_THROWS_WITH_AS(hidden("buttom", odd),
                       "--hide buttom: neither a region nor a number; did you mean \"bottom\"?", UsageError);
}

/// Largest difference; the same sums in other batches may be rounded otherwise.
double difference(const Tensor& a, const Tensor& b) {
  return tensor::max(tensor::unary(kernels::Unary::abs, tensor::sub(a, b))).item();
}
constexpr double kRounding = 1e-6;

TEST_CASE("edit: an interpolation ends at the reconstructions, a cross-fade at the images") {
  auto& [vae, x] = trained();
  const std::int64_t columns = 5;
  const Tensor y = interpolations(vae, x.slice(0, 2), columns), ends = vae.reconstruct(x.slice(0, 2));
  REQUIRE(y.shape() == Shape{3 * columns, kSide * kSide});
  for (const std::int64_t row : {0, 1})
    for (const std::int64_t end : {0, 1})
      CHECK(!!(difference(y[row * columns + end * (columns - 1)], ends[end]) <= kRounding));
  for (const std::int64_t end : {0, 1}) CHECK(difference(y[2 * columns + end * (columns - 1)], x[end]) == 0);
  CHECK(!!(difference(y[2 * columns + 2], tensor::mul(tensor::add(x[0], x[1]), 0.5)) <= kRounding));
  // Half way on the line lies the mean of both codes, on the arc a point farther out: slerp's p = q = 1 / (2
  // cos(w/2)).
  const Tensor z = vae.posterior(x.slice(0, 2)).mean, middle = tensor::mean(z, {0}, true);
  CHECK(!!(difference(y[2], vae.image(middle).value()[0]) <= kRounding));
  const double ab = tensor::sum(tensor::mul(z[0], z[1])).item(),
               aa = tensor::sum(tensor::mul(z[0], z[0])).item(),
               bb = tensor::sum(tensor::mul(z[1], z[1])).item(), w = std::acos(ab / std::sqrt(aa * bb));
  CHECK(
      !!(difference(y[columns + 2], vae.image(tensor::mul(middle, 1 / std::cos(w / 2))).value()[0]) <= 1e-5));
}

TEST_CASE("edit: a direction is a difference of means; strength 0 is the reconstruction") {
  auto& [vae, x] = trained();
  const Tensor codes = Tensor::from<float>({1, 2, 3, 4, 5, 9, 0, 0}, {4, 2});
  CHECK(direction(codes, {0, 2}, {1, 3}).to_vector<float>() == std::vector<float>{1.5f, 3.5f});
  const Tensor v = Tensor::from<float>({1, -1, 0.5f, 0}), z = vae.posterior(x).mean;
  const std::int64_t N = x.dim(0), columns = 3;
  const Tensor y = moved(vae, x, v, 2, columns).reshape({N, columns, -1}), at_rest = vae.reconstruct(x),
               half = vae.image(tensor::add(z, v)).value(),
               full = vae.image(tensor::add(z, tensor::mul(v, 2))).value();
  for (std::int64_t i = 0; i < N; ++i) {
    CHECK(!!(difference(y[i][0], at_rest[i]) <= kRounding));
    CHECK(!!(difference(y[i][1], half[i]) <= kRounding));
    CHECK(!!(difference(y[i][2], full[i]) <= kRounding));
  }
  CHECK(!!(difference(full, at_rest) > 0.1));
}

TEST_CASE("edit: PSNR and errors where hidden") {
  const Tensor x = tensor::zeros({2, 4}),
               y = Tensor::from<float>({0.1f, 0.1f, 0.1f, 0.1f, 0, 0.02f, 0, 0}, {2, 4});
  CHECK(psnr(x, y) == doctest::Approx((20 + 40) / 2.));
  CHECK(hidden_error(x, y, Tensor::from<float>({1, 0, 1, 1})) ==
        doctest::Approx(std::sqrt((0.01 + 0.0004) / 2)));
}

}  // namespace
}  // namespace gesso::models
