// The code nearest to each vector, against distances in long double.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <numeric>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

struct Problem {
  std::int64_t M, K, D;
};

/// index (M), then counts (K), on 1, 2 and 3 threads.
template <class T>
std::vector<std::int64_t> quantized(const Problem& p, const std::vector<T>& z, const std::vector<T>& codes) {
  return on_threads([&] {
    std::vector<std::int64_t> index(p.M + 1, -7), counts(p.K + 1, -7);
    tested<T>().quantize(p.M, p.K, p.D, z.data(), codes.data(), index.data(), counts.data());
    CHECK((index.back() == -7 && counts.back() == -7));
    index.pop_back(), counts.pop_back();
    std::vector<std::int64_t> wanted(p.K);
    bool within = true;
    for (const std::int64_t j : index) (within = within && j >= 0 && j < p.K) && ++wanted[j];
    CHECK(within);
    CHECK(counts == wanted);
    index.insert(index.end(), counts.begin(), counts.end());
    return index;
  });
}

/// |z_m - e_j|^2
template <class T>
long double distance(const Problem& p, const std::vector<T>& z, std::int64_t m, const std::vector<T>& codes,
                     std::int64_t j) {
  long double sum = 0;
  for (std::int64_t d = 0; d < p.D; ++d) {
    const long double difference = (long double)z[m * p.D + d] - codes[j * p.D + d];
    sum += difference * difference;
  }
  return sum;
}

template <class T>
std::vector<T> whole_numbers(std::int64_t n, unsigned seed) {
  std::vector<T> x = numbers<T>(n, seed, -2.5, 2.5);
  for (T& v : x) v = std::round(v);
  return x;
}

constexpr Problem kProblems[] = {{0, 3, 4},      {1, 1, 1},      {1, 5, 3},     {7, 1, 9},
                                 {5, 3, 0},      {65, 513, 63},  {129, 100, 1}, {48, 49, 17},
                                 {200, 1000, 2}, {1000, 64, 64}, {300, 47, 5},  {3, 130, 300}};

}  // namespace

TEST_CASE_TEMPLATE("quantize: where sums are exact, the first of the nearest codes", T, float, double) {
  for (const Problem& p : kProblems) {
    const std::vector<T> z = whole_numbers<T>(p.M * p.D, 1), codes = whole_numbers<T>(p.K * p.D, 2);
    const std::vector<std::int64_t> index = quantized(p, z, codes);
    bool right = true;
    for (std::int64_t m = 0; m < p.M; ++m) {
      std::int64_t nearest = 0;
      for (std::int64_t j = 1; j < p.K; ++j)
        if (distance(p, z, m, codes, j) < distance(p, z, m, codes, nearest)) nearest = j;
      right = right && index[m] == nearest;
    }
    CAPTURE(p.M);
    CAPTURE(p.K);
    CAPTURE(p.D);
    CHECK(right);
  }
}

TEST_CASE_TEMPLATE("quantize: no code is nearer by more than rounding", T, float, double) {
  for (const Problem& p : kProblems) {
    const std::vector<T> z = numbers<T>(p.M * p.D, 3, -1, 1), codes = numbers<T>(p.K * p.D, 4, -1, 1);
    const std::vector<std::int64_t> index = quantized(p, z, codes);
    // A score is a sum of D products and one of D squares: D + 2 roundings of no more than the sum of their sizes.
    const auto error = [&](std::int64_t m, std::int64_t j) {
      double size = 0;
      for (std::int64_t d = 0; d < p.D; ++d)
        size += std::abs(double(codes[j * p.D + d])) *
                (std::abs(double(z[m * p.D + d])) + std::abs(double(codes[j * p.D + d])));
      return double(p.D + 2) * kEps<T> * size;
    };
    double worst = 0;
    for (std::int64_t m = 0; m < p.M; ++m)
      for (std::int64_t j = 0; j < p.K; ++j) {
        const auto lost = double(distance(p, z, m, codes, index[m]) - distance(p, z, m, codes, j));
        if (!(lost <= 0)) worst = std::max(worst, lost / (2 * (error(m, index[m]) + error(m, j))));
      }
    CAPTURE(p.M);
    CAPTURE(p.K);
    CAPTURE(p.D);
    CHECK(worst <= 1);
  }
}

TEST_CASE_TEMPLATE("quantize: NaN and infinity give an index within range", T, float, double) {
  const Problem p{70, 33, 5};
  std::vector<T> z = whole_numbers<T>(p.M * p.D, 5), codes = whole_numbers<T>(p.K * p.D, 6);
  const std::vector<std::int64_t> before = quantized(p, z, codes);
  for (std::int64_t d = 0; d < p.D; ++d) codes[7 * p.D + d] = kNan<T>;
  z[3 * p.D] = kNan<T>, z[66 * p.D + 1] = kInf<T>, z[20 * p.D + 2] = -kInf<T>;
  const std::vector<std::int64_t> index = quantized(p, z, codes);
  CHECK(index[3] == 0);
  for (std::int64_t m = 0; m < p.M; ++m) {
    CHECK(index[m] != 7);
    if (before[m] != 7 && m != 3 && m != 66 && m != 20) CHECK(index[m] == before[m]);
  }
  CHECK(codes[index[66] * p.D + 1] > 0);  // the first code on infinity's side
  CHECK(codes[index[20] * p.D + 2] < 0);
}
