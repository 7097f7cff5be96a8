// The extents of a tensor, outermost first: a value of at most kMaxDims integers that lives on the stack.
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "kernels/kernels.h"
#include "tensor/error.h"

namespace gesso {

class Shape {
 public:
  Shape() = default;  // 0-dimensional: one element
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const std::int64_t> dims) {
    check(dims.size() <= kernels::kMaxDims, "a shape of {} dimensions; at most {} are supported", dims.size(),
          kernels::kMaxDims);
    for (std::int64_t d : dims) push_back(d);
  }

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

  void push_back(std::int64_t d) {
    check(rank_ < kernels::kMaxDims, "a shape of more than {} dimensions", kernels::kMaxDims);
    dims_[static_cast<std::size_t>(rank_++)] = d;
  }

  /// An axis counted from the front (0, 1, ..) or the back (-1, -2, ..) as a number from the front.
  int axis(const char* op, int i) const {
    check(i >= -rank_ && i < rank_, "{}: axis {} of a shape {} with {} dimensions", op, i, text(), rank_);
    return i < 0 ? i + rank_ : i;
  }

  /// "(8,32,32,3)"; "()" for a scalar.
  std::string text() const {
    std::string s = "(";
    for (int i = 0; i < rank_; ++i) s += (i ? "," : "") + std::to_string((*this)[i]);
    return s + ")";
  }

  friend bool operator==(const Shape& a, const Shape& b) {
    if (a.rank_ != b.rank_) return false;
    for (int i = 0; i < a.rank_; ++i)
      if (a[i] != b[i]) return false;
    return true;
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
