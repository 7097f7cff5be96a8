#include "tensor/shape.h"

namespace gesso {

Shape::Shape(std::span<const std::int64_t> dims) {
  for (std::int64_t d : dims) push_back(d);
}

void Shape::push_back(std::int64_t d) {
  check(rank_ < kernels::kMaxDims, "a shape {} with one more extent, {}: at most {} dimensions are supported",
        *this, d, kernels::kMaxDims);
  dims_[static_cast<std::size_t>(rank_++)] = d;
}

void Shape::check_extents(const char* op, std::int64_t bytes) const {
  std::int64_t n = bytes;
  for (std::int64_t d : *this) {
    check(d >= 0, "{}: a tensor of shape {}: extents cannot be negative", op, *this);
    check(d == 0 || !__builtin_mul_overflow(n, d, &n), "{}: a tensor of shape {} is larger than any memory",
          op, *this);
  }
}

int Shape::axis(const char* op, int i) const {
  check(i >= -rank_ && i < rank_, "{}: axis {} of shape {}, which has {} dimensions", op, i, *this, rank_);
  return i < 0 ? i + rank_ : i;
}

std::string Shape::text() const {
  std::string s = "(";
  for (std::int64_t d : *this) s += fmt::format("{}{}", s.size() > 1 ? "," : "", d);
  return s + ")";
}

}  // namespace gesso
