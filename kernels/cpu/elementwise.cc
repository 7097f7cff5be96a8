// y = f(x) and y = f(a, b), element by element.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/stream.h"
#include "kernels/cpu/table.h"
#include "kernels/cpu/walk.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

// A block a thread takes at a time: some 2 to 4 microseconds, for operations as cheap as memory and for those that compute.
constexpr std::int64_t kCheapGrain = 16384, kCostlyGrain = 4096;

constexpr std::int64_t grain(Unary op) {
  const bool cheap = op == Unary::sqrt || op == Unary::square || op == Unary::leaky_relu;
  return op != Unary::pow_scalar && (op < Unary::exp || cheap) ? kCheapGrain : kCostlyGrain;
}
constexpr std::int64_t grain(Binary op) {
  const bool costly =
      op == Binary::pow || op == Binary::bce_with_logits || op == Binary::bce_with_logits_grad;
  return costly ? kCostlyGrain : kCheapGrain;
}

template <class T>
void fill(std::int64_t n, T value, T* y) {
  parallel_blocks(n, kCheapGrain, [&](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) y[i] = value;
  });
}

template <class T>
void arange(std::int64_t n, double start, double step, T* y) {
  parallel_blocks(n, kCheapGrain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) y[i] = T(start + double(i) * step);
  });
}

/// y = f(x) over one block. Not inlined: the serial and the parallel path share it.
template <Unary op, class T>
[[gnu::noinline]] void unary_run(std::int64_t n, const T* x, T* y, T a, T b) {
  if constexpr (op == Unary::sin || op == Unary::cos) {
    constexpr int kTile = 256;  // a few vectors: only the tile of a huge angle is done element by element
    for (std::int64_t begin = 0; begin < n; begin += kTile) {
      const int m = n - begin < kTile ? int(n - begin) : kTile;
      int huge = 0;
#pragma omp simd reduction(| : huge)
      for (int i = 0; i < m; ++i) huge |= !(abs(x[begin + i]) <= T(kLargestAngle));
      if (huge) {
        for (int i = 0; i < m; ++i) y[begin + i] = apply<op>(x[begin + i], a, b);
      } else {
#pragma omp simd
        for (int i = 0; i < m; ++i)
          y[begin + i] = op == Unary::sin ? sin_moderate(x[begin + i]) : cos_moderate(x[begin + i]);
      }
    }
  } else {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) y[i] = apply<op>(x[i], a, b);
  }
}

template <class T>
void unary(Unary name, Scalars s, std::int64_t n, const T* x, T* y) {
  if (name == Unary::pow_scalar) {  // the usual exponents, faster and rounded once
    if (s.a == 2) name = Unary::square;
    if (s.a == 0.5) name = Unary::sqrt;
    if (s.a == -1) name = Unary::rdiv_scalar, s.a = 1;
  }
  const T a = T(s.a), b = T(s.b);
  with_op(name, [&](auto tag) {
    constexpr Unary op = decltype(tag)::op;
    const bool cheap = grain(op) == kCheapGrain;
    const bool past = cheap && x != y && n * std::int64_t(sizeof(T)) >= kStreamBytes;
    parallel_blocks(n, grain(op), [&](std::int64_t begin, std::int64_t end) {
      write(end - begin, y + begin, past, [=](std::int64_t first, std::int64_t m, T* to) {
        unary_run<op>(m, x + begin + first, to, a, b);
      });
    });
  });
}

/// y = f(a, b) over one row, a and b contiguous, the same throughout, or strided.
template <class T, class R, class F>
[[gnu::noinline]] void zip_run(std::int64_t n, const T* a, std::int64_t sa, const T* b, std::int64_t sb, R* y,
                               const F& f) {
  if (sa == 1 && sb == 1) {
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
  } else if (sa == 1 && sb == 0) {
    const T q = *b;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i], q);
  } else if (sa == 0 && sb == 1) {
    const T p = *a;
#pragma omp simd
    for (std::int64_t i = 0; i < n; ++i) y[i] = f(p, b[i]);
  } else {
    for (std::int64_t i = 0; i < n; ++i) y[i] = f(a[i * sa], b[i * sb]);
  }
}

/// y (dense) = f(a, b) over the walk.
template <class T, class R, class F>
void zip(const Walk& w, std::int64_t grain, const T* a, const T* b, R* y, const F& f) {
  const std::int64_t sa = row_stride(w, 0), sb = row_stride(w, 1);
  const std::int64_t bytes = row_count(w) * row_length(w) * std::int64_t(sizeof(R));
  const void* const out = y;
  const bool past = grain == kCheapGrain && bytes >= kStreamBytes && out != a && out != b;
  for_runs(w, grain, [&](std::int64_t first, std::int64_t n, const Offsets& o) {
    write(n, y + first, past, [&](std::int64_t i, std::int64_t m, R* to) {
      zip_run(m, a + o.at[0] + i * sa, sa, b + o.at[1] + i * sb, sb, to, f);
    });
  });
}

template <class T>
void binary(Binary name, Scalars s, const Walk& walk, const T* a, const T* b, T* y) {
  const T sa = T(s.a), sb = T(s.b);
  with_op(name, [&](auto tag) {
    constexpr Binary op = decltype(tag)::op;
    zip(walk, grain(op), a, b, y, [=](T p, T q) { return apply<op>(p, q, sa, sb); });
  });
}

template <class T>
void compare(Compare name, const Walk& walk, const T* a, const T* b, std::uint8_t* y) {
  with_op(name, [&](auto tag) {
    zip(walk, kCheapGrain, a, b, y, [](T p, T q) { return std::uint8_t(apply<decltype(tag)::op>(p, q)); });
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
