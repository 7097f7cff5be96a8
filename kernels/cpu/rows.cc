// logsumexp, softmax, running sums along one axis, and the scatter of rows.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// f(x, y, step) for each line along the axis.
template <class T, class F>
void for_lines(Slab s, const T* x, T* y, const F& f) {
  for (std::int64_t o = 0; o < s.outer; ++o)
    for (std::int64_t k = 0; k < s.inner; ++k)
      f(x + o * s.n * s.inner + k, y + o * s.n * s.inner + k, o * s.inner + k);
}

template <class T>
T line_max(Slab s, const T* x) {
  T m = x[0];
  for (std::int64_t i = 1; i < s.n; ++i) m = max(m, x[i * s.inner]);
  return m;
}

/// sum exp(x - m)
template <class T>
T line_sum(Slab s, const T* x, T m) {
  T sum = 0;
  for (std::int64_t i = 0; i < s.n; ++i) sum += exp(x[i * s.inner] - m);
  return sum;
}

template <class T>
void logsumexp(Slab s, const T* x, T* y) {
  for_lines(s, x, y, [&](const T* row, T*, std::int64_t line) {
    T m = line_max(s, row);
    if (abs(m) == T(INFINITY)) m = 0;
    y[line] = m + log(line_sum(s, row, m));
  });
}

template <class T>
void softmax(Slab s, const T* x, T* y) {
  if (s.n == 0) return;
  for_lines(s, x, y, [&](const T* row, T* to, std::int64_t) {
    const T m = line_max(s, row), sum = line_sum(s, row, m);
    for (std::int64_t i = 0; i < s.n; ++i) to[i * s.inner] = exp(row[i * s.inner] - m) / sum;
  });
}

template <class T>
void log_softmax(Slab s, const T* x, T* y) {
  if (s.n == 0) return;
  for_lines(s, x, y, [&](const T* row, T* to, std::int64_t) {
    const T m = line_max(s, row), l = log(line_sum(s, row, m));
    for (std::int64_t i = 0; i < s.n; ++i) to[i * s.inner] = row[i * s.inner] - m - l;
  });
}

template <class T>
void cumsum(Slab s, bool reverse, const T* x, T* y) {
  for_lines(s, x, y, [&](const T* row, T* to, std::int64_t) {
    double sum = 0;
    for (std::int64_t j = 0; j < s.n; ++j) {
      const std::int64_t i = reverse ? s.n - 1 - j : j;
      sum += double(row[i * s.inner]);
      to[i * s.inner] = T(sum);
    }
  });
}

template <class T>
void add_rows(std::int64_t n, std::int64_t rows, std::int64_t width, const std::int64_t* index, const T* x,
              T* y) {
  for (std::int64_t i = 0; i < rows * width; ++i) y[i] = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t k = 0; k < width; ++k) y[index[i] * width + k] += x[i * width + k];
}

}  // namespace

template <class T>
void install_rows(Kernels<T>& k) {
  k.logsumexp = logsumexp<T>;
  k.softmax = softmax<T>;
  k.log_softmax = log_softmax<T>;
  k.cumsum = cumsum<T>;
  k.add_rows = add_rows<T>;
}
template void install_rows(Kernels<float>&);
template void install_rows(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
