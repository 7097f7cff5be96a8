#include "nn/range_coder.h"

#include "tensor/error.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

namespace gesso::nn {
namespace {

using Begins = std::vector<std::uint32_t>;

SymbolRange range_of(const Begins& begins, std::size_t symbol) {
  return {begins[symbol], begins[symbol + 1] - begins[symbol]};
}

/// n symbols drawn from p, coded by p's ranges and decoded again; returns how many bits more than -log2 p of them it took.
double excess(const std::vector<float>& p, std::size_t n, std::uint64_t seed) {
  const Begins begins = symbol_ranges(p);
  std::mt19937_64 random(seed);
  std::discrete_distribution<std::size_t> draw(p.begin(), p.end());
  const double sum = std::accumulate(p.begin(), p.end(), 0.);
  std::vector<std::size_t> symbols(n);
  RangeEncoder encoder;
  double ideal = 0;
  for (std::size_t& s : symbols) {
    s = draw(random);
    encoder.encode(range_of(begins, s));
    ideal -= std::log2(p[s] / sum);
  }
  const std::string bytes = encoder.finish();
  RangeDecoder decoder(bytes);
  std::size_t wrong = 0;
  for (const std::size_t s : symbols) wrong += decoder.decode(begins) != static_cast<std::int64_t>(s);
  CHECK(wrong == 0);
  return 8. * static_cast<double>(bytes.size()) - ideal * 1.001;
}

// The end of the fraction takes up to a byte, and a byte is not cut.
constexpr double kFewBytes = 16;  // bits

TEST_CASE("range coder: random tables come back, for at most 0.1% and two bytes more than -log2 p") {
  std::mt19937 random(1);
  std::exponential_distribution<float> weight;
  for (const std::size_t K : {1u, 2u, 3u, 17u, 512u, 4096u}) {
    CAPTURE(K);
    for (const double sharpness : {0., 1., 6.}) {
      CAPTURE(sharpness);
      std::vector<float> p(K);
      for (float& v : p) v = std::pow(weight(random), static_cast<float>(sharpness));
      CHECK(!!(excess(p, 20'000, random()) <= kFewBytes));
    }
  }
}

TEST_CASE("range coder: a symbol that is nearly sure costs nearly nothing") {
  CHECK(!!(excess({1e-6f, 1.f - 1e-6f}, 1'000'000, 1) <= kFewBytes));
  std::vector<float> p(512, 0.f);
  p[300] = 1;
  CHECK(!!(excess(p, 1000, 1) <=
           kFewBytes + 1000 * 511 / double{kFrequencies} * 1.5));  // what the others get by right
}

TEST_CASE("range coder: the most unlikely symbols, one after the other, at both ends of the alphabet") {
  for (const std::size_t at : {0u, 1u, 2u}) {
    std::vector<float> p(3, 0.f);
    p[1] = 1;
    const Begins begins = symbol_ranges(p);
    RangeEncoder encoder;
    for (int i = 0; i < 1000; ++i) encoder.encode(range_of(begins, at));
    const std::string bytes = encoder.finish();
    CHECK(bytes.size() <= (at == 1 ? 1u : 3002u));  // 24 bits each
    RangeDecoder decoder(bytes);
    for (int i = 0; i < 1000; ++i) REQUIRE(decoder.decode(begins) == static_cast<std::int64_t>(at));
  }
}

TEST_CASE("range coder: a carry goes through many bytes") {
  // Always the last part: low stays just below 1, as 0xffff.., until the end rounds it up or leaves it.
  const Begins halves = {0, kFrequencies / 2, kFrequencies}, thirds = {0, kFrequencies - 3, kFrequencies};
  for (int n = 1; n < 200; ++n) {
    RangeEncoder encoder;
    for (int i = 0; i < n; ++i) encoder.encode(range_of(halves, i + 1 < n));
    for (int i = 0; i < n; ++i) encoder.encode(range_of(thirds, 1));
    const std::string bytes = encoder.finish();
    RangeDecoder decoder(bytes);
    bool same = true;
    for (int i = 0; i < n; ++i) same = same && decoder.decode(halves) == (i + 1 < n);
    for (int i = 0; i < n; ++i) same = same && decoder.decode(thirds) == 1;
    CHECK(same);
  }
}

TEST_CASE("range coder: nothing is no byte, and random bytes decode to some symbols") {
  CHECK(RangeEncoder().finish().empty());
  std::mt19937 random(3);
  const Begins begins = symbol_ranges(std::vector<float>{0.1f, 0.f, 0.7f, 0.2f});
  for (int i = 0; i < 200; ++i) {
    std::string bytes(random() % 9, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    RangeDecoder decoder(bytes);
    for (int k = 0; k < 100; ++k) {
      const std::int64_t s = decoder.decode(begins);
      REQUIRE((s >= 0 && s < 4));
    }
  }
}

TEST_CASE("range coder: parts of probabilities") {
  for (const std::vector<float>& p :
       {std::vector<float>{1.f}, {0.5f, 0.5f}, {0.f, 1.f, 0.f}, std::vector<float>(1 << 20, 1e-6f)}) {
    const Begins begins = symbol_ranges(p);
    REQUIRE(begins.size() == p.size() + 1);
    CHECK(begins.front() == 0);
    CHECK(begins.back() == kFrequencies);
    bool rising = true;
    for (std::size_t k = 0; k < p.size(); ++k) rising = rising && begins[k] < begins[k + 1];
    CHECK(rising);
  }
  CHECK(symbol_ranges(std::vector<float>{0.25f, 0.75f}) == Begins{0, kFrequencies / 4, kFrequencies});
  const float nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(symbol_ranges(std::vector<float>{0.5f, nan}), doctest::Contains("nan is no probability"));
  CHECK_THROWS_WITH(symbol_ranges(std::vector<float>{inf, 0.5f}), doctest::Contains("inf is no probability"));
  CHECK_THROWS_WITH(symbol_ranges(std::vector<float>{-0.5f, 1.f}),
                    doctest::Contains("-0.5 is no probability"));
  CHECK_THROWS_WITH(symbol_ranges(std::vector<float>{0.f, 0.f}),
                    doctest::Contains("all 2 probabilities are 0"));
  CHECK_THROWS_WITH(symbol_ranges({}), doctest::Contains("0 symbols"));
}

}  // namespace
}  // namespace gesso::nn
