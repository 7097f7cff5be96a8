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

/// y (dense) = f(a, b) over the walk, row by row.
template <class T, class R, class F>
void zip_rows(const Walk& w, std::int64_t grain, const T* a, const T* b, R* y, const F& f) {
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

/// The operand whose one row meets every row of the other, which is dense; -1 if there is none.
inline int repeated_operand(const Walk& w) {
  const std::int64_t n = row_length(w);
  if (w.dims != 2 || n == 0 || row_stride(w, 0) != 1 || row_stride(w, 1) != 1) return -1;
  const std::int64_t a = w.strides[0][0], b = w.strides[1][0];
  return a == 0 && b == n ? 0 : a == n && b == 0 ? 1 : -1;
}

/// The same. A row that is repeated is first laid side by side with itself, some KiB that stay in L1: the rows of the other
/// operand lie behind each other too, and many short ones are as good as a long one.
template <class T, class R, class F>
void zip(const Walk& w, std::int64_t grain, const T* a, const T* b, R* y, const F& f) {
  constexpr std::int64_t kRepeated = 16384 / sizeof(T);
  const int one = repeated_operand(w);
  const std::int64_t n = row_length(w), rows = row_count(w);
  const std::int64_t most = one < 0 ? 0 : kRepeated / n, together = most < rows / 4 ? most : rows / 4;
  if (together < 2) return zip_rows(w, grain, a, b, y, f);
  alignas(64) T repeated[kRepeated];
  const T* const row = one == 0 ? a : b;
  for (std::int64_t r = 0; r < together; ++r)
    for (std::int64_t i = 0; i < n; ++i) repeated[r * n + i] = row[i];
  (one == 0 ? a : b) = repeated;
  const std::int64_t wide = together * n, a_row = one == 0 ? 0 : wide, b_row = one == 1 ? 0 : wide;
  const std::int64_t count = rows / together, rest = rows % together * n;
  zip_rows({2, {count, wide}, {{a_row, 1}, {b_row, 1}}}, grain, a, b, y, f);
  zip_run(rest, a + count * a_row, 1, b + count * b_row, 1, y + count * wide, f);
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
