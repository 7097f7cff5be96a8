#include "models/latent_units.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace gesso::models {

std::vector<LatentUnit> latent_units(const Posterior& q) {
  const std::vector<double> mean = q.mean.to(Device::cpu).to_vector<double>(),
                            logvar = q.logvar.to(Device::cpu).to_vector<double>();
  const auto N = static_cast<std::size_t>(q.mean.dim(0)), L = static_cast<std::size_t>(q.mean.dim(1));
  const double n = static_cast<double>(N);
  std::vector<LatentUnit> units(L);
  for (std::size_t u = 0; u < L; ++u) {
    double sum = 0;
    for (std::size_t i = u; i < N * L; i += L) {
      sum += mean[i];
      units[u].kl += 0.5 * (mean[i] * mean[i] + std::expm1(logvar[i]) - logvar[i]) / n;
    }
    for (std::size_t i = u; i < N * L; i += L) units[u].variance += std::pow(mean[i] - sum / n, 2) / n;
  }
  return units;
}

std::int64_t active_units(const std::vector<LatentUnit>& units) {
  return std::count_if(units.begin(), units.end(), [](const LatentUnit& u) { return u.active(); });
}

std::vector<std::int64_t> most_informative(const std::vector<LatentUnit>& units, std::int64_t most) {
  std::vector<std::int64_t> order(units.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
    return units[static_cast<std::size_t>(a)].kl > units[static_cast<std::size_t>(b)].kl;
  });
  order.resize(std::min(order.size(), static_cast<std::size_t>(most)));
  return order;
}

std::vector<std::string> collapse(const std::vector<LatentUnit>& units) {
  constexpr double kSilent = 0.01;  // nats: one image in a hundred is told from the others, about
  double most = 0;
  for (const LatentUnit& u : units) {
    if (u.active() && u.kl >= kSilent) return {};
    most = std::max(most, u.variance);
  }
  return {
      fmt::format("posterior collapse: no latent unit depends on the image (variances of the means of {:.2g} "
                  "at most), so the decoder does "
                  "without z; try --set warmup=1000, a smaller beta or gamma, or another --lr",
                  most)};
}

}  // namespace gesso::models
