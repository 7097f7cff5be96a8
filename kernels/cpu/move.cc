// Copies, casts and gathers: elements move, nothing is computed.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/cpu/walk.h"

#include <cstring>

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// f(T{}) with T the unsigned type of that many bytes.
template <class F>
void with_size(int bytes, const F& f) {
  if (bytes == 1) f(std::uint8_t{});
  if (bytes == 4) f(std::uint32_t{});
  if (bytes == 8) f(std::uint64_t{});
}

void copy(const Walk& w, int element_size, const void* x, void* y) {
  with_size(element_size, [&](auto tag) {
    using T = decltype(tag);
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(y);
    const std::int64_t n = row_length(w), sx = row_stride(w, 0), sy = row_stride(w, 1);
    for_rows(w, 0, row_count(w), [&](std::int64_t, const Offsets& o) {
      for (std::int64_t i = 0; i < n; ++i) to[o.at[1] + i * sy] = from[o.at[0] + i * sx];
    });
  });
}

void where(const Walk& w, int element_size, const std::uint8_t* mask, const void* a, const void* b, void* y) {
  with_size(element_size, [&](auto tag) {
    using T = decltype(tag);
    const T *p = static_cast<const T*>(a), *q = static_cast<const T*>(b);
    T* to = static_cast<T*>(y);
    const std::int64_t n = row_length(w), sm = row_stride(w, 0), sp = row_stride(w, 1), sq = row_stride(w, 2);
    for_rows(w, 0, row_count(w), [&](std::int64_t row, const Offsets& o) {
      for (std::int64_t i = 0; i < n; ++i)
        to[row * n + i] = mask[o.at[0] + i * sm] ? p[o.at[1] + i * sp] : q[o.at[2] + i * sq];
    });
  });
}

struct Bool {  // b8
  std::uint8_t value;
};

/// The value of type To nearest to x, fractions cut off; NaN becomes 0.
template <class To, class From>
To convert(From x) {
  if constexpr (requires { x.value; }) {
    return convert<To>(x.value);
  } else if constexpr (requires(To t) { t.value; }) {
    return {std::uint8_t(x != From(0))};
  } else if constexpr (From(0.5) == From(0) && To(0.5) == To(0)) {  // integers
    if (sizeof(To) >= sizeof(From)) return To(x);
    return To(x < From(0) ? From(0) : x > From(255) ? From(255) : x);
  } else if constexpr (To(0.5) != To(0)) {
    return To(x);
  } else {
    const From low = sizeof(To) == 1 ? From(0) : From(-9223372036854775808.0);
    const From high = sizeof(To) == 1 ? From(256) : From(9223372036854775808.0);
    if (!(x > low)) return x == x ? To(low) : To(0);
    return x < high ? To(x) : sizeof(To) == 1 ? To(255) : To(INT64_MAX);
  }
}

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

void cast(std::int64_t n, DType from, const void* x, DType to, void* y) {
  with_type(from, [&](auto f) {
    with_type(to, [&](auto t) {
      using From = decltype(f);
      using To = decltype(t);
      for (std::int64_t i = 0; i < n; ++i)
        static_cast<To*>(y)[i] = convert<To>(static_cast<const From*>(x)[i]);
    });
  });
}

void take_rows(std::int64_t n, std::int64_t row_bytes, const std::int64_t* index, const void* x, void* y) {
  for (std::int64_t i = 0; i < n; ++i)
    std::memcpy(static_cast<char*>(y) + i * row_bytes, static_cast<const char*>(x) + index[i] * row_bytes,
                std::size_t(row_bytes));
}

}  // namespace

void install_move(MoveKernels& k) {
  k.copy = copy;
  k.cast = cast;
  k.where = where;
  k.take_rows = take_rows;
}

}  // namespace gesso::kernels::GESSO_LEVEL
