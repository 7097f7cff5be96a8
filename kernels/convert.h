// Conversion between the element types of tensors, the same text for CPU and CUDA.
#pragma once

#include "kernels/kernels.h"
#include "kernels/math.h"

namespace gesso::kernels::GESSO_LEVEL {

struct Bool {  // b8
  std::uint8_t value;
};
template <class T>
inline constexpr bool is_float = T(0.5) != T(0);
template <>
inline constexpr bool is_float<Bool> = false;

/// The element of type To nearest to x on the way to 0: fractions are cut off, what lies outside To's range becomes its end,
/// NaN becomes 0 (f64 to f32 rounds, as always). To b8: whether x differs from 0.
template <class To, class From>
GESSO_HD inline To convert(From x) {
  if constexpr (requires { x.value; }) {
    return convert<To>(x.value);
  } else if constexpr (requires(To t) { t.value; }) {
    return {std::uint8_t(x != From(0))};
  } else if constexpr (is_float<To> || (!is_float<From> && sizeof(To) >= sizeof(From))) {
    return To(x);
  } else if constexpr (sizeof(To) == 1) {
    const From low = x > From(0) ? x : From(0);
    return To(std::int32_t(low < From(255) ? low : From(255)));
  } else {
    const From end = From(9223372036854775808.0);  // 2^63
    const bool inside = (x >= -end) & (x < end);
    const std::int64_t value = std::int64_t(inside ? x : From(0));
    return inside ? value : x > 0 ? INT64_MAX : x < 0 ? INT64_MIN : 0;
  }
}

/// f(T{}) with T the element type that `type` names.
template <class F>
void with_type(DType type, const F& f) {
  switch (type) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::i64:
      return f(std::int64_t{});
    case DType::u8:
      return f(std::uint8_t{});
    case DType::b8:
      return f(Bool{});
  }
}

/// f(T{}) with T the unsigned type of that many bytes: 1, 4 or 8.
template <class F>
void with_size(int bytes, const F& f) {
  if (bytes == 1) f(std::uint8_t{});
  if (bytes == 4) f(std::uint32_t{});
  if (bytes == 8) f(std::uint64_t{});
}

}  // namespace gesso::kernels::GESSO_LEVEL
