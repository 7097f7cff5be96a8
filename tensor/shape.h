// The extents of a tensor, outermost first: a value of at most kMaxDims integers that lives on the stack.
#pragma once

#include "kernels/kernels.h"
#include "tensor/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

namespace gesso {

class Shape {
 public:
  Shape() = default;  // 0-dimensional: one element
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const std::int64_t> dims);

  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(i)]; }
  std::int64_t& operator[](int i) { return dims_[static_cast<std::size_t>(i)]; }
  const std::int64_t* begin() const { return dims_.data(); }
  const std::int64_t* end() const { return dims_.data() + rank_; }

  /// The number of elements.
  std::int64_t size() const { return product(0, rank_); }
  /// The product of the extents [first, last).
  std::int64_t product(int first, int last) const {
    std::int64_t n = 1;
    for (int i = first; i < last; ++i) n *= (*this)[i];
    return n;
  }

  /// (.., C) as (rows, C).
  Shape as_rows() const { return {product(0, rank_ - 1), (*this)[rank_ - 1]}; }

  /// Throws unless all extents are at least 0, and the product of those above 0, times `bytes`, fits in 64 bits: then
  /// no size and no stride of the shape overflows.
  void check_extents(const char* op, std::int64_t bytes = 1) const;

  void push_back(std::int64_t d);

  /// An axis counted from the front (0, 1, ..) or the back (-1, -2, ..) as a number from the front.
  int axis(const char* op, int i) const;

  /// "(8,32,32,3)"; "()" for a scalar.
  std::string text() const;

  friend bool operator==(const Shape& a, const Shape& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<std::int64_t, kernels::kMaxDims> dims_{};
  int rank_ = 0;
};

}  // namespace gesso

template <>
struct fmt::formatter<gesso::Shape> : fmt::formatter<std::string> {
  auto format(const gesso::Shape& s, fmt::format_context& ctx) const {
    return fmt::formatter<std::string>::format(s.text(), ctx);
  }
};
