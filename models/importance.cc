#include "models/importance.h"

#include <algorithm>
#include <cmath>

namespace gesso::models {

ImportanceBound::ImportanceBound(std::int64_t k, std::int64_t images)
    : k_(k),
      largest_(static_cast<std::size_t>(images), -HUGE_VAL),
      sum_(static_cast<std::size_t>(images)),
      total_(static_cast<std::size_t>(images)) {}

void ImportanceBound::add(const std::vector<double>& log_w) {
  check(log_w.size() == total_.size(), "ImportanceBound: {} samples for {} images", log_w.size(),
        total_.size());
  const bool complete = ++in_group_ == k_;
  for (std::size_t i = 0; i < log_w.size(); ++i) {
    // The sum of exponentials, kept relative to the largest of them.
    const double largest = std::max(largest_[i], log_w[i]);
    sum_[i] = sum_[i] * std::exp(largest_[i] - largest) + std::exp(log_w[i] - largest);
    largest_[i] = largest;
    if (!complete) continue;
    total_[i] += largest + std::log(sum_[i] / static_cast<double>(k_));
    largest_[i] = -HUGE_VAL;
    sum_[i] = 0;
  }
  if (complete) in_group_ = 0, ++groups_;
}

std::vector<double> ImportanceBound::value() const {
  check(groups_ > 0, "ImportanceBound: fewer than {} samples", k_);
  std::vector<double> mean = total_;
  for (double& v : mean) v /= static_cast<double>(groups_);
  return mean;
}

std::vector<std::vector<double>> importance_nll(Model& model, const Tensor& x,
                                                const std::vector<std::int64_t>& ks, Generator& noise,
                                                const std::function<void()>& sampled) {
  std::vector<ImportanceBound> bounds;
  for (const std::int64_t k : ks) bounds.emplace_back(k, x.dim(0));
  const Posterior q = model.posterior(x);
  for (std::int64_t i = 0; i < *std::max_element(ks.begin(), ks.end()); ++i) {
    const std::vector<double> log_w = model.log_weight(x, q, noise).to_vector<double>();
    for (ImportanceBound& bound : bounds) bound.add(log_w);
    if (sampled) sampled();
  }
  std::vector<std::vector<double>> nll;
  for (const ImportanceBound& bound : bounds) {
    nll.push_back(bound.value());
    for (double& v : nll.back()) v = -v;
  }
  return nll;
}

Estimate estimate(const std::vector<double>& values) {
  const double n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  for (const double v : values) squares += std::pow(v - sum / n, 2);
  return {.mean = sum / n, .standard_error = std::sqrt(squares / (n - 1) / n)};
}

}  // namespace gesso::models
