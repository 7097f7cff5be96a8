#include "nn/vector_quantizer.h"

#include "tests/nn/golden.h"

#include <cmath>

namespace gesso::nn {
namespace {

using Values = std::vector<double>;

/// A module in f64 whose codes are `e`, with N and m as given.
struct Start {
  Tensor codes, sums, usage;
};
VectorQuantizer quantizer(VectorQuantizerOptions options, Generator& noise, const Start& start) {
  Generator g(1);
  VectorQuantizer q(start.codes.dim(0), start.codes.dim(1), g, noise, options);
  to(q, DType::f64);
  State s = state(q);
  s["codes"] = start.codes, s["usage"] = start.usage, s["started"] = tensor::ones({}, DType::i64);
  if (s.contains("sums")) s["sums"] = start.sums;
  load_state(q, s);
  return q;
}

Start random_start(Generator& g, std::int64_t K, std::int64_t D) {
  const Tensor e = tensor::normal(g, {K, D}, 0, 1, DType::f64);
  return {e, e, tensor::ones({K}, DType::f64)};
}

TEST_CASE("vector quantizer: names, printing and mistakes") {
  Generator g(1);
  VectorQuantizer ema(8, 3, g, g), gradient(8, 3, g, g, {.codebook = Codebook::gradient});
  CHECK(ema.title() == "VectorQuantizer(8, 3, codebook=ema, commitment=0.25, decay=0.99, restart=0.5)");
  CHECK(named_parameters(ema).empty());
  CHECK(state(ema).size() == 4);
  CHECK(named_parameters(gradient).size() == 1);
  CHECK(state(gradient).size() == 3);
  const auto shape = [](const Shape& s) { return Var(tensor::zeros(s)); };
  CHECK_THROWS_WITH(ema(shape({2, 4})),
                    doctest::Contains("VectorQuantizer: z (2,4) should be (..,3), and not empty"));
  CHECK_THROWS_WITH(ema(shape({0, 3})), doctest::Contains("and not empty"));
  CHECK_THROWS_WITH(VectorQuantizer(0, 3, g, g), doctest::Contains("0 codes of 3; both must be positive"));
  CHECK_THROWS_WITH(VectorQuantizer(8, 3, g, g, {.decay = 1}),
                    doctest::Contains("a decay of 1 is not in [0,1)"));
  CHECK_THROWS_WITH(VectorQuantizer(8, 3, g, g, {.commitment = -1}),
                    doctest::Contains("neither may be negative"));
}

TEST_CASE("vector quantizer: the straight-through gradient and both terms of the loss, by hand") {
  Generator g(2);
  for (const Codebook codebook : {Codebook::ema, Codebook::gradient}) {
    constexpr std::int64_t M = 12, K = 5, D = 3;
    const Start start = random_start(g, K, D);
    VectorQuantizer q = quantizer({.codebook = codebook, .commitment = 0.3, .restart = 0}, g, start);
    const Var z = parameter(tensor::normal(g, {3, 4, D}, 0, 1, DType::f64));
    const VectorQuantizer::Output y = q(z);
    const Values zv = z.value().to_vector<double>(), e = start.codes.to_vector<double>();
    const std::vector<std::int64_t> index = y.at.index.to_vector<std::int64_t>();
    CHECK(y.at.index.shape() == Shape{3, 4});
    CHECK(distance(y.z_q.value().reshape({M, D}), tensor::take_rows(start.codes, y.at.index.reshape({M}))) ==
          0);

    // loss = sum z_q^2 / 2 + both terms
    Values dz(M * D), de(K * D);
    double squares = 0;
    for (std::size_t m = 0; m < M; ++m)
      for (std::size_t d = 0; d < D; ++d) {
        const std::size_t i = m * D + d, j = static_cast<std::size_t>(index[m]) * D + d;
        squares += (zv[i] - e[j]) * (zv[i] - e[j]) / (M * D);
        dz[i] = e[j] + 0.3 * 2 * (zv[i] - e[j]) / (M * D);
        de[j] += 2 * (e[j] - zv[i]) / (M * D);
      }
    CHECK(!!(std::abs(y.commitment.item() - 0.3 * squares) <= 1e-14));
    const Var term = sum(square(y.z_q)) * 0.5 + y.commitment;
    (y.codebook ? term + y.codebook : term).backward();
    CHECK(distance(z.grad().value().reshape({M, D}), Tensor::from(dz, {M, D})) <= 1e-14);
    REQUIRE(y.codebook.defined() == (codebook == Codebook::gradient));
    if (!y.codebook) continue;
    CHECK(!!(std::abs(y.codebook.item() - squares) <= 1e-14));
    CHECK(distance(named_parameters(q)[0].second->grad().value(), Tensor::from(de, {K, D})) <= 1e-14);
  }
}

TEST_CASE("vector quantizer: codes as averages, against loops in float64") {
  Generator g(3);
  constexpr std::int64_t M = 40, K = 6, D = 3;
  Start start = random_start(g, K, D);
  start.codes = start.codes.clone();
  start.codes.mutable_data<double>()[5 * D] = 99;  // one that nothing is near
  start.sums = start.codes;
  VectorQuantizer q = quantizer({.decay = 0.9, .eps = 1e-3, .restart = 0}, g, start);
  Values e = start.codes.to_vector<double>(), m = e, N(K, 1.0);
  for (int step = 0; step < 4; ++step) {
    const Tensor z = tensor::normal(g, {M, D}, 0.2 * step, 1, DType::f64);
    const Values zv = z.to_vector<double>();
    const std::vector<std::int64_t> index = q(z).at.index.to_vector<std::int64_t>();
    Values n(K), sums(K * D);
    for (std::size_t i = 0; i < M; ++i) {
      std::size_t nearest = 0;
      double least = HUGE_VAL;
      for (std::size_t j = 0; j < K; ++j) {
        double distance = 0;
        for (std::size_t d = 0; d < D; ++d) distance += std::pow(zv[i * D + d] - e[j * D + d], 2);
        if (distance < least) least = distance, nearest = j;
      }
      CHECK(index[i] == static_cast<std::int64_t>(nearest));
      ++n[nearest];
      for (std::size_t d = 0; d < D; ++d) sums[nearest * D + d] += zv[i * D + d];
    }
    double total = 0;
    for (std::size_t j = 0; j < K; ++j) total += N[j] = 0.9 * N[j] + 0.1 * n[j];
    for (std::size_t j = 0; j < K; ++j)
      for (std::size_t d = 0; d < D; ++d) {
        m[j * D + d] = 0.9 * m[j * D + d] + 0.1 * sums[j * D + d];
        e[j * D + d] = m[j * D + d] / ((N[j] + 1e-3) * total / (total + K * 1e-3));
      }
    CHECK(distance(q.codes(), Tensor::from(e, {K, D})) <= 1e-12);
    CHECK(distance(q.usage(), Tensor::from(N, {K})) <= 1e-13);
  }
  CHECK(N[5] == doctest::Approx(std::pow(0.9, 4)));

  const State before = state(q);
  const Tensor codes = q.codes().clone();
  set_training(q, false);
  q(tensor::normal(g, {M, D}, 0, 1, DType::f64));
  CHECK(distance(q.codes(), codes) == 0);  // evaluation leaves them alone
}

TEST_CASE("vector quantizer: starts from the centres of the first batch, as k-means in loops finds them") {
  constexpr std::int64_t M = 400, K = 9, D = 2;
  Generator g(4), noise(5), same(5);
  VectorQuantizer q(K, D, g, noise, {.codebook = Codebook::gradient, .restart = 0});
  to(q, DType::f64);
  const Tensor z = tensor::normal(g, {M, D}, 0, 1, DType::f64);
  const Values zv = z.to_vector<double>();
  set_training(q, false);
  const Tensor before = q.codes().clone();
  q(z);
  CHECK(distance(q.codes(), before) == 0);
  set_training(q, true);
  q(z);

  const std::vector<std::int64_t> order = tensor::permutation(same, M).to_vector<std::int64_t>();
  Values e(K * D);
  for (std::size_t j = 0; j < K; ++j)
    for (std::size_t d = 0; d < D; ++d) e[j * D + d] = zv[static_cast<std::size_t>(order[j]) * D + d];
  for (int round = 0; round < 10; ++round) {
    Values n(K), sums(K * D);
    for (std::size_t i = 0; i < M; ++i) {
      std::size_t nearest = 0;
      const auto squared = [&](std::size_t j) {
        return std::pow(zv[i * D] - e[j * D], 2) + std::pow(zv[i * D + 1] - e[j * D + 1], 2);
      };
      for (std::size_t j = 1; j < K; ++j)
        if (squared(j) < squared(nearest)) nearest = j;
      ++n[nearest], sums[nearest * D] += zv[i * D], sums[nearest * D + 1] += zv[i * D + 1];
    }
    for (std::size_t j = 0; j < K; ++j)
      for (std::size_t d = 0; d < D; ++d)
        if (n[j] > 0) e[j * D + d] = sums[j * D + d] / n[j];
  }
  CHECK(distance(q.codes(), Tensor::from(e, {K, D})) <= 1e-13);
  q(tensor::normal(g, {M, D}, 5, 1, DType::f64));
  CHECK(distance(q.codes(), Tensor::from(e, {K, D})) <= 1e-13);  // it starts once

  VectorQuantizer few(9, D, g, noise);  // more codes than vectors
  const Tensor three = tensor::normal(g, {3, D});
  few(three);
  CHECK(distance(few.decode(tensor::quantize(three, few.codes()).index), three) <=
        1e-5);  // eps, by which N is smoothed
}

TEST_CASE("vector quantizer: codes hardly used start again at vectors of the batch") {
  for (const Codebook codebook : {Codebook::ema, Codebook::gradient}) {
    constexpr std::int64_t M = 20, K = 6, D = 3;
    Generator g(6), noise(7);
    Start start = random_start(g, K, D);
    start.usage = Tensor::from<double>({1, 0.2, 1, 0.05, 1, 1});
    const Tensor z = tensor::normal(g, {M, D}, 9, 0.1, DType::f64);  // nearest to a single code
    VectorQuantizer with = quantizer({.codebook = codebook, .restart = 0.25}, noise, start);
    VectorQuantizer without = quantizer({.codebook = codebook, .restart = 0}, noise, start);
    const std::int64_t used = with(z).at.index.to_vector<std::int64_t>()[0];
    without(z);
    REQUIRE((used != 1 && used != 3));
    for (std::int64_t j = 0; j < K; ++j) {
      CAPTURE(j);
      const bool again = j == 1 || j == 3;
      CHECK(with.usage().data<double>()[j] == (again ? 0.25 : without.usage().data<double>()[j]));
      const Tensor code = with.codes()[j];
      double nearest = HUGE_VAL;
      for (std::int64_t m = 0; m < M; ++m) nearest = std::min(nearest, distance(code, z[m]));
      CHECK((nearest == 0) == again);
      if (!again) CHECK(distance(code, without.codes()[j]) == 0);
      if (codebook == Codebook::ema)
        CHECK((distance(state(with).at("sums")[j], tensor::mul(code, 0.25)) == 0) == again);
    }
  }
}

TEST_CASE("perplexity: from 1 to as many as there are codes") {
  CHECK(perplexity(Tensor::from<std::int64_t>({5, 5, 5, 5})) == doctest::Approx(4));
  CHECK(perplexity(Tensor::from<std::int64_t>({0, 12, 0})) == 1);
  CHECK(perplexity(Tensor::from<double>({1, 3})) ==
        doctest::Approx(std::exp(-0.25 * std::log(0.25) - 0.75 * std::log(0.75))));
  CHECK_THROWS_WITH(perplexity(tensor::zeros({3})), doctest::Contains("of 3 counts none is above 0"));
}

}  // namespace
}  // namespace gesso::nn
