// y = f(x) and y = f(a, b), element by element.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/cpu/walk.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr std::int64_t kGrain = 1 << 15;

template <class T>
void fill(std::int64_t n, T value, T* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = value;
}

template <class T>
void arange(std::int64_t n, double start, double step, T* y) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = T(start + double(i) * step);
}

template <class T>
void unary(Unary name, Scalars s, std::int64_t n, const T* x, T* y) {
  const T a = T(s.a), b = T(s.b);
  with_op(name, [&](auto tag) {
    constexpr Unary op = decltype(tag)::op;
    parallel_blocks(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) y[i] = apply<op>(x[i], a, b);
    });
  });
}

/// y (dense) = f(a, b) over the walk.
template <class T, class R, class F>
void zip(const Walk& w, const T* a, const T* b, R* y, const F& f) {
  const std::int64_t n = row_length(w), sa = row_stride(w, 0), sb = row_stride(w, 1);
  if (n == 0) return;
  parallel_blocks(row_count(w), (kGrain + n - 1) / n, [&](std::int64_t begin, std::int64_t end) {
    for_rows(w, begin, end, [&](std::int64_t row, std::int64_t oa, std::int64_t ob, std::int64_t) {
      for (std::int64_t i = 0; i < n; ++i) y[row * n + i] = f(a[oa + i * sa], b[ob + i * sb]);
    });
  });
}

template <class T>
void binary(Binary name, Scalars s, const Walk& walk, const T* a, const T* b, T* y) {
  const T sa = T(s.a), sb = T(s.b);
  with_op(name, [&](auto tag) {
    zip(walk, a, b, y, [=](T p, T q) { return apply<decltype(tag)::op>(p, q, sa, sb); });
  });
}

template <class T>
void compare(Compare name, const Walk& walk, const T* a, const T* b, std::uint8_t* y) {
  with_op(name, [&](auto tag) {
    zip(walk, a, b, y, [](T p, T q) { return std::uint8_t(apply<decltype(tag)::op>(p, q)); });
  });
}

}  // namespace

template <class T>
void install_elementwise(Kernels<T>& k) {
  k.fill = fill<T>;
  k.arange = arange<T>;
  k.unary = unary<T>;
  k.binary = binary<T>;
  k.compare = compare<T>;
}
template void install_elementwise(Kernels<float>&);
template void install_elementwise(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
