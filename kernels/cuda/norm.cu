// Batch normalisation: moments of columns, and one pass each for its value, the sums of its gradient, and its gradient.
#include "kernels/cuda/columns.cuh"

#include <type_traits>

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// Whether x (rows, C) and other arrays like it can be read in packs.
template <class T, class... Arrays>
bool in_packs(std::int64_t C, const Arrays*... arrays) {
  return C % kPack<T> == 0 && (aligned<kPack<T>>(arrays) && ...);
}

/// The mean of n numbers, and the sum of their squared deviations from it.
template <class T>
struct Deviations {
  T n, mean, squares;
};

/// x is read once: eight rows at a time, whose mean and deviations are found in registers, are joined to those before. Means m
/// and sums s of n and of n' rows join to m + d n' / (n + n') and s + s' + d^2 n n' / (n + n'), d = m' - m. Chan, Golub &
/// LeVeque 1979.
template <class T>
struct MomentsFold {
  using Value = Deviations<T>;
  const T* x;
  std::int64_t C, all_rows;
  T *mean, *var;

  __device__ static Value start() { return {0, 0, 0}; }
  __device__ static Value join(const Value& a, const Value& b) {
    const T n = a.n + b.n, below = n > 0 ? b.n / n : T(0), d = b.mean - a.mean;
    return {n, a.mean + d * below, a.squares + b.squares + (d * a.n) * (d * below)};
  }
  template <int V>
  __device__ void rows(std::int64_t column, std::int64_t row, std::int64_t end, int step,
                       Value (&v)[V]) const {
    constexpr int kTogether = 8;
    const T* from = x + column;
    for (; row + (kTogether - 1) * step < end; row += kTogether * step) {
      Packed<T, V> p[kTogether];
#pragma unroll
      for (int u = 0; u < kTogether; ++u) p[u] = load<V>(from + (row + u * step) * C);
#pragma unroll
      for (int e = 0; e < V; ++e) {
        Value next{kTogether, 0, 0};
#pragma unroll
        for (int u = 0; u < kTogether; ++u) next.mean += p[u].at[e];
        next.mean /= kTogether;
#pragma unroll
        for (int u = 0; u < kTogether; ++u) {
          const T d = p[u].at[e] - next.mean;
          next.squares += d * d;
        }
        v[e] = join(v[e], next);
      }
    }
    for (; row < end; row += step) {
      const Packed<T, V> p = load<V>(from + row * C);
      for (int e = 0; e < V; ++e) v[e] = join(v[e], {1, p.at[e], 0});
    }
  }
  __device__ void finish(std::int64_t column, const Value& v) const {
    mean[column] = v.mean;
    var[column] = v.squares / T(all_rows);
  }
};

template <class T>
void moments(std::int64_t rows, std::int64_t C, const T* x, T* mean, T* var) {
  const MomentsFold<T> fold{x, C, rows, mean, var};
  in_packs<T>(C, x) ? launch_fold_columns<kPack<T>>(rows, C, fold) : launch_fold_columns<1>(rows, C, fold);
}

template <class T>
__device__ T rstd(const BatchNorm<T>& b, std::int64_t column) {
  return 1 / sqrt(b.var[column] + b.eps);
}

/// The parameters of p = (x - mean) scale + beta for V columns, scale = gamma rstd.
template <int V, class T>
struct Affine {
  T mean[V], scale[V], beta[V], slope;

  __device__ Affine(const BatchNorm<T>& b, std::int64_t column) : slope(b.slope) {
    for (int e = 0; e < V; ++e) {
      mean[e] = b.mean[column + e];
      scale[e] = rstd(b, column + e) * (b.gamma ? b.gamma[column + e] : T(1));
      beta[e] = b.beta ? b.beta[column + e] : T(0);
    }
  }
  __device__ T operator()(T x, int e) const { return (x - mean[e]) * scale[e] + beta[e]; }
  /// What the leaky ReLU makes of a value v at x: of p itself, or of its gradient.
  __device__ T activated(T v, T x, int e) const { return (*this)(x, e) > 0 ? v : slope * v; }
};

/// Rows that a thread of an elementwise kernel treats, kAtOnce of them read before the first is written.
constexpr int kRowsWritten = 8, kAtOnce = 4;

/// f(row r) for a thread's rows, f(rows r, r + step, ..) where there are kAtOnce of them.
template <class F>
__device__ void for_rows(const ColumnPlace& at, int step, const F& f) {
  std::int64_t r = at.row;
  for (; r + (kAtOnce - 1) * step < at.end; r += kAtOnce * step) f.template run<kAtOnce>(r, step);
  for (; r < at.end; r += step) f.template run<1>(r, step);
}

template <int V, class T>
struct NormRows {
  const BatchNorm<T>& b;
  const Affine<V, T> p;
  std::int64_t column;
  T* y;

  template <int n>
  __device__ void run(std::int64_t r, int step) const {
    Packed<T, V> x[n];
#pragma unroll
    for (int u = 0; u < n; ++u) x[u] = load<V>(b.x + (r + u * step) * b.C + column);
#pragma unroll
    for (int u = 0; u < n; ++u) {
      for (int e = 0; e < V; ++e) x[u].at[e] = p.activated(p(x[u].at[e], e), x[u].at[e], e);
      store(y + (r + u * step) * b.C + column, x[u]);
    }
  }
};

template <int V, class T>
__global__ void __launch_bounds__(kThreads) norm_columns(ColumnGrid g, BatchNorm<T> b, T* y) {
  const ColumnPlace at(g, V);
  if (at.inside) for_rows(at, g.lanes, NormRows<V, T>{b, Affine<V, T>(b, at.column), at.column, y});
}

/// launch(V as a type, grid) for a kernel that writes an array like x, V columns to a thread: a pack where that is possible.
template <class T, class Launch>
void launch_writing(const BatchNorm<T>& b, bool packs, const Launch& launch) {
  const auto with = [&]<int V>(std::integral_constant<int, V> columns) {
    launch(columns, column_grid<V>(b.rows, b.C, kRowsWritten, b.rows));
  };
  packs ? with(std::integral_constant<int, kPack<T>>()) : with(std::integral_constant<int, 1>());
}

template <class T>
void batch_norm(const BatchNorm<T>& b, T* y) {
  launch_writing(b, in_packs<T>(b.C, b.x, y),
                 [&]<int V>(std::integral_constant<int, V>, const ColumnGrid& g) {
                   launch_threads(norm_columns<V, T>, g.threads(), kThreads, g, b, y);
                 });
}

/// sum dp (x - mean) and sum dp of a column
template <class T>
struct GradientSums {
  T gamma, beta;
};

template <class T>
struct GradientFold {
  using Value = GradientSums<T>;
  BatchNorm<T> b;
  const T* dy;
  T *dgamma, *dbeta;

  __device__ static Value start() { return {0, 0}; }
  __device__ static Value join(const Value& a, const Value& c) {
    return {a.gamma + c.gamma, a.beta + c.beta};
  }
  template <int V>
  __device__ void rows(std::int64_t column, std::int64_t row, std::int64_t end, int step,
                       Value (&v)[V]) const {
    const Affine<V, T> p(b, column);
    const auto take = [&](const Packed<T, V>& x, const Packed<T, V>& d) {
      for (int e = 0; e < V; ++e) {
        const T dp = p.activated(d.at[e], x.at[e], e);
        v[e].gamma += dp * (x.at[e] - p.mean[e]), v[e].beta += dp;
      }
    };
    for (; row + (kAtOnce - 1) * step < end; row += kAtOnce * step) {
      Packed<T, V> x[kAtOnce], d[kAtOnce];
#pragma unroll
      for (int u = 0; u < kAtOnce; ++u) {
        x[u] = load<V>(b.x + (row + u * step) * b.C + column);
        d[u] = load<V>(dy + (row + u * step) * b.C + column);
      }
#pragma unroll
      for (int u = 0; u < kAtOnce; ++u) take(x[u], d[u]);
    }
    for (; row < end; row += step) take(load<V>(b.x + row * b.C + column), load<V>(dy + row * b.C + column));
  }
  __device__ void finish(std::int64_t column, const Value& v) const {
    dgamma[column] = v.gamma * rstd(b, column);
    dbeta[column] = v.beta;
  }
};

template <class T>
void batch_norm_sums(const BatchNorm<T>& b, const T* dy, T* dgamma, T* dbeta) {
  const GradientFold<T> fold{b, dy, dgamma, dbeta};
  if (in_packs<T>(b.C, b.x, dy)) return launch_fold_columns<kPack<T>>(b.rows, b.C, fold);
  launch_fold_columns<1>(b.rows, b.C, fold);
}

/// dx = scale (dp - level - (x - mean) slant)
template <int V, class T>
struct GradientRows {
  const BatchNorm<T>& b;
  const Affine<V, T> p;
  T level[V], slant[V];
  std::int64_t column;
  const T* dy;
  T* dx;

  template <int n>
  __device__ void run(std::int64_t r, int step) const {
    Packed<T, V> x[n], d[n];
#pragma unroll
    for (int u = 0; u < n; ++u) {
      x[u] = load<V>(b.x + (r + u * step) * b.C + column);
      d[u] = load<V>(dy + (r + u * step) * b.C + column);
    }
#pragma unroll
    for (int u = 0; u < n; ++u) {
      for (int e = 0; e < V; ++e) {
        const T dp = p.activated(d[u].at[e], x[u].at[e], e);
        d[u].at[e] = p.scale[e] * (dp - level[e] - (x[u].at[e] - p.mean[e]) * slant[e]);
      }
      store(dx + (r + u * step) * b.C + column, d[u]);
    }
  }
};

template <int V, class T>
__global__ void __launch_bounds__(kThreads)
    gradient_columns(ColumnGrid g, BatchNorm<T> b, const T* dy, const T* dgamma, const T* dbeta, T* dx) {
  const ColumnPlace at(g, V);
  if (!at.inside) return;
  GradientRows<V, T> rows{b, Affine<V, T>(b, at.column), {}, {}, at.column, dy, dx};
  for (int e = 0; e < V; ++e) {
    const std::int64_t k = at.column + e;
    rows.level[e] = dbeta[k] / T(b.rows), rows.slant[e] = dgamma[k] * rstd(b, k) / T(b.rows);
  }
  for_rows(at, g.lanes, rows);
}

template <class T>
void batch_norm_input(const BatchNorm<T>& b, const T* dy, const T* dgamma, const T* dbeta, T* dx) {
  launch_writing(b, in_packs<T>(b.C, b.x, dy, dx),
                 [&]<int V>(std::integral_constant<int, V>, const ColumnGrid& g) {
                   launch_threads(gradient_columns<V, T>, g.threads(), kThreads, g, b, dy, dgamma, dbeta, dx);
                 });
}

}  // namespace

template <class T>
void install_norm(Kernels<T>& k) {
  k.moments = moments<T>;
  k.batch_norm = batch_norm<T>;
  k.batch_norm_sums = batch_norm_sums<T>;
  k.batch_norm_input = batch_norm_input<T>;
}
template void install_norm(Kernels<float>&);
template void install_norm(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
