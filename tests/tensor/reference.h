// What the tests of tensor/ compare with: tensors as float64 arrays that are indexed one element at a time, by slow loops
// that share nothing with the product.
#pragma once

#include "tensor/ops.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <random>
#include <stdexcept>
#include <vector>

namespace gesso {

using Index = std::vector<std::int64_t>;

/// Calls f(index) for every index of `shape`, the last dimension fastest.
template <class F>
void for_each_index(const Shape& shape, const F& f) {
  Index at(static_cast<std::size_t>(shape.rank()), 0);
  for (std::int64_t i = 0, n = shape.size(); i < n; ++i) {
    f(at);
    for (int d = shape.rank() - 1; d >= 0; --d) {
      if (++at[static_cast<std::size_t>(d)] < shape[d]) break;
      at[static_cast<std::size_t>(d)] = 0;
    }
  }
}

struct Reference {
  Shape shape;
  std::vector<double> values;

  explicit Reference(const Shape& s, double value = 0)
      : shape(s), values(static_cast<std::size_t>(s.size()), value) {}
  explicit Reference(const Tensor& t) : shape(t.shape()), values(t.to_vector<double>()) {}

  /// The element at `index`, whose last entries are used: so a 1 or a missing dimension is repeated.
  double& at(const Index& index) {
    std::size_t n = 0, lead = index.size() - static_cast<std::size_t>(shape.rank());
    for (int d = 0; d < shape.rank(); ++d) {
      const std::int64_t i = shape[d] == 1 ? 0 : index[lead + static_cast<std::size_t>(d)];
      if (i < 0 || i >= shape[d]) throw std::out_of_range("the reference has no such element");
      n = n * static_cast<std::size_t>(shape[d]) + static_cast<std::size_t>(i);
    }
    return values[n];
  }
};

/// The index without the dimensions for which `reduced` is true.
inline Index without(const Index& index, const std::vector<bool>& reduced) {
  Index out;
  for (std::size_t d = 0; d < index.size(); ++d)
    if (!reduced[d]) out.push_back(index[d]);
  return out;
}

/// NaN equals NaN here, and an infinity only itself.
inline bool close(double a, double b, double tolerance) {
  return std::isnan(b) ? std::isnan(a) : std::isinf(b) ? a == b : std::abs(a - b) <= tolerance;
}

/// Every element within tolerance(expected) of the reference, rounded to the tensor's dtype.
inline void check_close(const Tensor& y, const Reference& expected,
                        const std::function<double(double)>& tolerance) {
  REQUIRE(y.shape().text() == expected.shape.text());
  const std::vector<double> got = y.to_vector<double>();
  for (std::size_t i = 0; i < got.size(); ++i) {
    const double want = y.dtype() == DType::f32 ? static_cast<double>(static_cast<float>(expected.values[i]))
                                                : expected.values[i];
    if (!close(got[i], want, tolerance(want))) {
      INFO("element ", i, " of ", y.shape().text(), " ", std::string(name(y.dtype())));
      CHECK(got[i] == want);
      return;
    }
  }
}
inline void check_equal(const Tensor& y, const Reference& expected) {
  check_close(y, expected, [](double) { return 0.0; });
}

inline double epsilon(DType t) { return t == DType::f32 ? 0x1p-23 : 0x1p-52; }

/// Random shapes and tensors.
struct Samples {
  std::mt19937 random;
  explicit Samples(unsigned seed) : random(seed) {}

  std::int64_t integer(std::int64_t low, std::int64_t high) {  // both included
    return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  }
  double real(double low, double high) { return std::uniform_real_distribution<double>(low, high)(random); }

  /// Of 0 to max_rank dimensions; one in ten has an extent of 0, one in ten is large enough for several threads.
  Shape shape(int min_rank = 0, int max_rank = 4) {
    constexpr std::int64_t extents[] = {1, 1, 2, 3, 4, 5, 7, 17};
    Shape s;
    const auto rank = static_cast<int>(integer(min_rank, max_rank));
    for (int i = 0; i < rank; ++i) s.push_back(extents[integer(0, 7)]);
    const std::int64_t kind = integer(0, 9);
    if (rank > 0 && kind == 0) s[static_cast<int>(integer(0, rank - 1))] = 0;
    if (rank > 0 && kind == 1 && s.size() < 200)
      s[static_cast<int>(integer(0, rank - 1))] = integer(300, 700);
    return s;
  }
  /// A shape that broadcasts to `shape`.
  Shape broadcasting(const Shape& shape) {
    Shape s;
    for (int i = static_cast<int>(integer(0, shape.rank())); i < shape.rank(); ++i)
      s.push_back(integer(0, 3) == 0 ? 1 : shape[i]);
    return s;
  }

  /// Elements from f(); every other tensor is a view that begins in the middle of its storage.
  template <class F>
  Tensor tensor(const Shape& shape, DType dtype, const F& f) {
    const std::int64_t lead = integer(0, 1) * integer(1, 5);
    std::vector<double> v;
    for (std::int64_t i = 0; i < lead + shape.size(); ++i) v.push_back(f());
    const std::int64_t n = static_cast<std::int64_t>(v.size());
    return Tensor::from(v, {n}).to(dtype).slice(lead, n).reshape(shape);
  }
  /// Small integers: their sums and products are exact, so that results can be compared for equality.
  Tensor integers(const Shape& shape, DType dtype, std::int64_t low = -4, std::int64_t high = 4) {
    return tensor(shape, dtype, [&] { return static_cast<double>(integer(low, high)); });
  }
  Tensor reals(const Shape& shape, DType dtype, double low = -3, double high = 3) {
    return tensor(shape, dtype, [&] { return real(low, high); });
  }
};

}  // namespace gesso
