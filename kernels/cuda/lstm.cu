// The steps of an LSTM between its matrix products: a thread to an element of the state, forward and back. What peepholes share
// is summed by the columns of (N, P H), where N = M / P samples are the rows.
#include "kernels/cuda/columns.cuh"
#include "kernels/cuda/division.cuh"
#include "kernels/lstm.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// Element k of row m.
template <class T>
__device__ inline LstmInputs<T> inputs(const LstmCell<T>& p, std::int64_t m, std::int64_t k) {
  const T *const a = p.a + m * 4 * p.H + k, *const w = p.w + (p.w ? divide(m, p.P).rest * 3 * p.H + k : 0);
  return {a[0],
          a[p.H],
          a[2 * p.H],
          a[3 * p.H],
          p.c[m * p.H + k],
          w ? w[0] : T(0),
          w ? w[p.H] : T(0),
          w ? w[2 * p.H] : T(0)};
}

template <class T>
__global__ void cell_elements(LstmCell<T> p, T* h, T* c) {
  const std::int64_t n = thread_number();
  if (n >= p.M * p.H) return;
  const Quotient at = divide(n, p.H);
  const LstmStep<T> y = lstm_step(inputs(p, at.quotient, at.rest));
  h[n] = y.o * y.tanh_c;
  c[n] = y.c;
}

template <class T>
void lstm_cell(const LstmCell<T>& p, T* h, T* c) {
  launch_threads(cell_elements<T>, p.M * p.H, kThreads, p, h, c);
}

template <class T>
__global__ void gradient_elements(LstmCell<T> p, const T* dh, const T* dc_next, T* da, T* dc) {
  const std::int64_t n = thread_number();
  if (n >= p.M * p.H) return;
  const Quotient at = divide(n, p.H);
  const LstmInputs<T> x = inputs(p, at.quotient, at.rest);
  const LstmGradient<T> d = lstm_gradient(x, lstm_step(x), dh ? dh[n] : T(0), dc_next ? dc_next[n] : T(0));
  T* const to = da + at.quotient * 4 * p.H + at.rest;
  to[0] = d.i, to[p.H] = d.f, to[2 * p.H] = d.g, to[3 * p.H] = d.o;
  dc[n] = d.c;
}

/// What the peepholes of a column have summed up.
template <class T>
struct PeepholeSums {
  T i, f, o;
};

/// dw_i = sum da_i c, dw_f = sum da_f c, dw_o = sum da_o c' over the samples; column = place H + k.
template <class T>
struct PeepholeFold {
  using Value = PeepholeSums<T>;
  LstmCell<T> p;
  const T* da;
  T* dw;

  __device__ static Value start() { return {0, 0, 0}; }
  __device__ static Value join(const Value& a, const Value& b) { return {a.i + b.i, a.f + b.f, a.o + b.o}; }
  template <int V>
  __device__ void rows(std::int64_t column, std::int64_t row, std::int64_t end, int step,
                       Value (&v)[V]) const {
    for (int e = 0; e < V; ++e) {
      const Quotient at = divide(column + e, p.H);
      for (std::int64_t r = row; r < end; r += step) {
        const std::int64_t m = r * p.P + at.quotient;
        const LstmInputs<T> x = inputs(p, m, at.rest);
        const T* const d = da + m * 4 * p.H + at.rest;
        v[e] = join(v[e], {d[0] * x.c, d[p.H] * x.c, d[3 * p.H] * lstm_step(x).c});
      }
    }
  }
  __device__ void finish(std::int64_t column, const Value& v) const {
    const Quotient at = divide(column, p.H);
    T* const to = dw + at.quotient * 3 * p.H + at.rest;
    to[0] = v.i, to[p.H] = v.f, to[2 * p.H] = v.o;
  }
};

template <class T>
void lstm_cell_grad(const LstmCell<T>& p, const T* dh, const T* dc_next, T* da, T* dc, T* dw) {
  launch_threads(gradient_elements<T>, p.M * p.H, kThreads, p, dh, dc_next, da, dc);
  if (p.w && p.H > 0) launch_fold_columns<1>(p.M / p.P, p.P * p.H, PeepholeFold<T>{p, da, dw});
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
