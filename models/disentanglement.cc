#include "models/disentanglement.h"

#include "tensor/error.h"

#include <algorithm>
#include <cmath>

namespace gesso::models {
namespace {

// As in the study of Locatello et al. 2019, arXiv:1811.12359: fine enough for a smooth factor's 3 nats, coarse enough that chance
// adds only 19 * 19 / (2 N) nats, 0.02 for 10,000 images, to each information.
constexpr int kLevels = 20;

/// Column j of x (N,M), each value replaced by its level 0 .. kLevels - 1. Equal values have the same level.
std::vector<int> levels(const Tensor& x, std::int64_t j) {
  const std::int64_t N = x.dim(0), M = x.dim(1);
  std::vector<double> column, edges;
  for (std::int64_t i = 0; i < N; ++i) column.push_back(x.data<double>()[i * M + j]);
  std::vector<double> sorted = column;
  std::sort(sorted.begin(), sorted.end());
  for (int b = 1; b < kLevels; ++b) edges.push_back(sorted[static_cast<std::size_t>(b * N / kLevels)]);
  std::vector<int> level;
  for (const double v : column)
    level.push_back(static_cast<int>(std::upper_bound(edges.begin(), edges.end(), v) - edges.begin()));
  return level;
}

/// -sum p log p of counts that sum to n, nats.
double entropy(const std::vector<double>& counts, double n) {
  double h = 0;
  for (const double c : counts)
    if (c > 0) h -= c / n * std::log(c / n);
  return h;
}

/// I(a; b) = H(a) + H(b) - H(a, b), over H(b).
double normalised_information(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<double> of_a(kLevels), of_b(kLevels), joint(kLevels * kLevels);
  for (std::size_t i = 0; i < a.size(); ++i) {
    ++of_a[static_cast<std::size_t>(a[i])];
    ++of_b[static_cast<std::size_t>(b[i])];
    ++joint[static_cast<std::size_t>(a[i] * kLevels + b[i])];
  }
  const double n = static_cast<double>(a.size()), h = entropy(of_b, n);
  return h > 0 ? (entropy(of_a, n) + h - entropy(joint, n)) / h : 0;
}

}  // namespace

std::vector<std::vector<double>> normalised_information(const Tensor& z, const Tensor& factors) {
  check(z.rank() == 2 && factors.rank() == 2 && z.dim(0) == factors.dim(0) && z.dim(0) >= kLevels,
        "normalised_information: z {} and factors {}; expected (N,L) and (N,F), N at least {}", z.shape(),
        factors.shape(), kLevels);
  std::vector<std::vector<int>> units;
  for (std::int64_t j = 0; j < z.dim(1); ++j) units.push_back(levels(z, j));
  std::vector<std::vector<double>> all;
  for (std::int64_t k = 0; k < factors.dim(1); ++k) {
    const std::vector<int> factor = levels(factors, k);
    std::vector<double>& row = all.emplace_back();
    for (const std::vector<int>& unit : units) row.push_back(normalised_information(unit, factor));
  }
  return all;
}

double information_gap(const std::vector<double>& information) {
  std::vector<double> most = information;
  std::sort(most.begin(), most.end(), std::greater<>());
  return most.size() > 1 ? most[0] - most[1] : most[0];
}

}  // namespace gesso::models
