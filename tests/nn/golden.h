// What the tests of modules and training share: PyTorch's results (tests/golden/nn.json), and the messages of
// errors.
#pragma once

#include "autograd/ops.h"
#include "tests/nn/files.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace gesso::nn {

inline const nlohmann::json& golden_nn() {
  static const nlohmann::json content = nlohmann::json::parse(bytes_of(golden("nn.json")));
  return content;
}

inline Tensor golden_tensor(const nlohmann::json& j) {
  const auto dims = j.at("shape").get<std::vector<std::int64_t>>();
  return Tensor::from(j.at("data").get<std::vector<double>>(), Shape(dims));
}

/// The largest |got - want|, relative to the largest |want|; infinite when shapes differ or got has a NaN.
inline double distance(const Tensor& got, const Tensor& want) {
  if (!(got.shape() == want.shape())) return std::numeric_limits<double>::infinity();
  const std::vector<double> a = got.to_vector<double>(), b = want.to_vector<double>();
  double worst = 0, scale = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(a[i])) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, std::abs(a[i] - b[i]));
    scale = std::max(scale, std::abs(b[i]));
  }
  return worst / (scale > 0 ? scale : 1);
}
inline double distance(const Tensor& got, const nlohmann::json& want) {
  return distance(got, golden_tensor(want));
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::equal(a.raw(), a.raw() + a.bytes(), b.raw());
}

/// The message of the Error that f() throws; empty if it throws none.
inline std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.message();
  }
  return {};
}

}  // namespace gesso::nn
