// The steps of an LSTM between its matrix products, one pass over memory forward and one back. The gates are not kept in
// between: to compute them again costs less than to write them and to read them, and no memory.
#include "kernels/lstm.h"

#include "kernels/cpu/gemm_blocked.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr std::int64_t kGrain =
    2048;  // elements a thread takes at a time: five transcendental functions each

/// Rows, at least one, that have about this many elements of (M,H).
template <class T>
std::int64_t rows_of(const LstmCell<T>& p, std::int64_t elements) {
  return elements / (p.H + 1) + 1;
}

/// Row m: element k by operator()(k).
template <bool peepholes, class T>
struct LstmRow {
  const T *a, *c, *w;
  std::int64_t H;

  LstmRow(const LstmCell<T>& p, std::int64_t m)
      : a(p.a + m * 4 * p.H), c(p.c + m * p.H), w(peepholes ? p.w + m % p.P * 3 * p.H : nullptr), H(p.H) {}
  [[gnu::always_inline]] LstmInputs<T> operator()(std::int64_t k) const {
    LstmInputs<T> x{a[k], a[H + k], a[2 * H + k], a[3 * H + k], c[k], T(0), T(0), T(0)};
    if constexpr (peepholes) x.w_i = w[k], x.w_f = w[H + k], x.w_o = w[2 * H + k];
    return x;
  }
};

template <bool peepholes, class T>
void cell_rows(const LstmCell<T>& p, std::int64_t begin, std::int64_t end, T* h, T* c) {
  for (std::int64_t m = begin; m < end; ++m) {
    const LstmRow<peepholes, T> row(p, m);
    T *const h_m = h + m * p.H, *const c_m = c + m * p.H;
#pragma omp simd
    for (std::int64_t k = 0; k < p.H; ++k) {
      const LstmStep<T> y = lstm_step(row(k));
      c_m[k] = y.c;
      h_m[k] = y.o * y.tanh_c;
    }
  }
}

template <class T>
void lstm_cell(const LstmCell<T>& p, T* h, T* c) {
  parallel_blocks(p.M, rows_of(p, kGrain), [&](std::int64_t begin, std::int64_t end) {
    p.w ? cell_rows<true>(p, begin, end, h, c) : cell_rows<false>(p, begin, end, h, c);
  });
}

/// Where gradients come from and go to.
template <class T>
struct Gradients {
  const T *dh, *dc_next;  // null: zero
  T *da, *dc;
};

/// Rows [begin, end). What each adds to the gradient of its peepholes goes to `sums` (3H), `next` further on for each row.
template <bool peepholes, class T>
void gradient_rows(const LstmCell<T>& p, const Gradients<T>& g, std::int64_t begin, std::int64_t end, T* sums,
                   std::int64_t next) {
  const std::int64_t H = p.H;
  for (std::int64_t m = begin; m < end; ++m, sums += next) {
    const LstmRow<peepholes, T> row(p, m);
    T *const da = g.da + m * 4 * H, *const dc = g.dc + m * H;
    const auto element = [&](std::int64_t k, T dh, T dc_next) __attribute__((always_inline)) {
      const LstmInputs<T> x = row(k);
      const LstmStep<T> y = lstm_step(x);
      const LstmGradient<T> d = lstm_gradient(x, y, dh, dc_next);
      da[k] = d.i, da[H + k] = d.f, da[2 * H + k] = d.g, da[3 * H + k] = d.o;
      dc[k] = d.c;
      if constexpr (peepholes) sums[k] += d.i * x.c, sums[H + k] += d.f * x.c, sums[2 * H + k] += d.o * y.c;
    };
    const T *const dh = g.dh + (g.dh ? m * H : 0), *const dc_next = g.dc_next + (g.dc_next ? m * H : 0);
    if (!g.dc_next) {
#pragma omp simd
      for (std::int64_t k = 0; k < H; ++k) element(k, dh[k], T(0));
    } else if (!g.dh) {
#pragma omp simd
      for (std::int64_t k = 0; k < H; ++k) element(k, T(0), dc_next[k]);
    } else {
#pragma omp simd
      for (std::int64_t k = 0; k < H; ++k) element(k, dh[k], dc_next[k]);
    }
  }
}

template <class T>
void clear(T* y, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = 0;
}

/// Peepholes that all rows share: blocks of rows, as many as their number asks for and no matter how many threads there are, have
/// sums of their own, which are then added in order.
template <class T>
void shared_peepholes(const LstmCell<T>& p, const Gradients<T>& g, T* dw) {
  constexpr std::int64_t kBlocks = 64;
  const std::int64_t n = 3 * p.H, least = rows_of(p, kGrain), even = (p.M + kBlocks - 1) / kBlocks;
  const std::int64_t rows = even < least ? least : even, blocks = (p.M + rows - 1) / rows;
  T* const sums = static_cast<T*>(scratch.at_least(std::size_t(blocks * n) * sizeof(T)));
  clear(sums, blocks * n);
  parallel_blocks(p.M, rows, [&](std::int64_t begin, std::int64_t end) {
    gradient_rows<true>(p, g, begin, end, sums + begin / rows * n, 0);
  });
  clear(dw, n);
  for (std::int64_t b = 0; b < blocks; ++b)
    for (std::int64_t i = 0; i < n; ++i) dw[i] += sums[b * n + i];
}

template <class T>
void lstm_cell_grad(const LstmCell<T>& p, const T* dh, const T* dc_next, T* da, T* dc, T* dw) {
  const Gradients<T> g{dh, dc_next, da, dc};
  if (!p.w)
    return parallel_blocks(p.M, rows_of(p, kGrain), [&](std::int64_t begin, std::int64_t end) {
      gradient_rows<false>(p, g, begin, end, static_cast<T*>(nullptr), 0);
    });
  if (p.P == 1) return shared_peepholes(p, g, dw);
  // A thread has its own places, in all samples.
  parallel_blocks(p.P, rows_of(p, kGrain), [&](std::int64_t begin, std::int64_t end) {
    T* const sums = dw + begin * 3 * p.H;
    clear(sums, (end - begin) * 3 * p.H);
    for (std::int64_t m = 0; m < p.M; m += p.P) gradient_rows<true>(p, g, m + begin, m + end, sums, 3 * p.H);
  });
}

}  // namespace

template <class T>
void install_lstm(Kernels<T>& k) {
  k.lstm_cell = lstm_cell<T>;
  k.lstm_cell_grad = lstm_cell_grad<T>;
}
template void install_lstm(Kernels<float>&);
template void install_lstm(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
