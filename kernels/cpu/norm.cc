// Batch normalisation: moments of columns, and one pass each for its value, the sums of its gradient, and its gradient.
#include "kernels/cpu/columns.h"
#include "kernels/cpu/table.h"
#include "kernels/math.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

// On the lambdas of innermost loops: one that is called instead of inlined keeps its loop from becoming vector code.
#define GESSO_INLINE __attribute__((always_inline))

/// Means m and sums of squared deviations s of n and of n' rows join to m + d n' / (n + n') and s + s' + d^2 n n' / (n + n'),
/// d = m' - m. Chan, Golub & LeVeque 1979.
template <class T>
void moments(std::int64_t rows, std::int64_t C, const T* x, T* mean, T* var) {
  fold_columns<T>(
      rows, C,
      [x](const Part& p) {
        return [x, p](std::int64_t begin, std::int64_t end, Pairs<T>& s) {
          sum_rows(p, begin, end, s.a, [x](std::int64_t i, std::int64_t) {
            return [x = x + i](std::int64_t k) GESSO_INLINE { return x[k]; };
          });
          for (std::int64_t k = 0; k < p.columns; ++k) s.a[k] /= T(end - begin);
          T m[kWidth];
          spread(p, m, [&](std::int64_t k) { return s.a[k - p.first]; });
          sum_rows(p, begin, end, s.b, [x, &m](std::int64_t i, std::int64_t) {
            return [x = x + i, &m](std::int64_t k) GESSO_INLINE { return (x[k] - m[k]) * (x[k] - m[k]); };
          });
        };
      },
      [](const Part& p, Pairs<T>& s, std::int64_t n, const Pairs<T>& t, std::int64_t m) {
        const T below = T(m) / T(n + m), product = T(n) * below;
#pragma omp simd
        for (std::int64_t k = 0; k < p.columns; ++k) {
          const T d = t.a[k] - s.a[k];
          s.a[k] += d * below;
          s.b[k] += t.b[k] + d * d * product;
        }
      },
      [=](const Part& p, const Pairs<T>& s) {
        for (std::int64_t k = 0; k < p.columns; ++k) {
          mean[p.first + k] = s.a[k];
          var[p.first + k] = s.b[k] / T(rows);
        }
      });
}

/// p = (x - mean) scale + beta for a run of elements x and their columns.
template <class T>
struct AffineRun {
  const T *x, *mean, *scale, *beta;
  T slope;

  [[gnu::always_inline]] T centred(std::int64_t k) const { return x[k] - mean[k]; }
  [[gnu::always_inline]] T operator()(std::int64_t k) const { return centred(k) * scale[k] + beta[k]; }
  /// What the leaky ReLU makes of a value v at element k: of p itself, or of its gradient.
  [[gnu::always_inline]] T activated(T v, std::int64_t k) const { return (*this)(k) > 0 ? v : slope * v; }
};

/// Its parameters for the wide columns of a part, scale = gamma rstd.
template <class T>
struct Affine {
  Affine(const BatchNorm<T>& b, const Part& p) : x(b.x), slope(b.slope) {
    spread(p, mean, [&](std::int64_t k) { return b.mean[k]; });
    spread(p, scale, [&](std::int64_t k) { return rstd(b, k) * (b.gamma ? b.gamma[k] : T(1)); });
    spread(p, beta, [&](std::int64_t k) { return b.beta ? b.beta[k] : T(0); });
  }
  static T rstd(const BatchNorm<T>& b, std::int64_t k) { return 1 / sqrt(b.var[k] + b.eps); }
  /// From element i, which is in this wide column, on.
  AffineRun<T> run(std::int64_t i, std::int64_t column) const {
    return {x + i, mean + column, scale + column, beta + column, slope};
  }

  const T* x;
  T slope, mean[kWidth], scale[kWidth], beta[kWidth];
};

template <class T>
void batch_norm(const BatchNorm<T>& b, T* y) {
  write_columns(b.rows, b.C, y, [&](const Part& p) {
    return [a = Affine<T>(b, p)](std::int64_t i, std::int64_t column) {
      return [r = a.run(i, column)](std::int64_t k) GESSO_INLINE { return r.activated(r(k), k); };
    };
  });
}

template <class T>
void batch_norm_sums(const BatchNorm<T>& b, const T* dy, T* dgamma, T* dbeta) {
  fold_columns<T>(
      b.rows, b.C,
      [&b, dy](const Part& p) {
        return [a = Affine<T>(b, p), p, dy](std::int64_t begin, std::int64_t end, Pairs<T>& s) {
          sum_rows(p, begin, end, s.a, [&a, dy](std::int64_t i, std::int64_t column) {
            return [r = a.run(i, column), dy = dy + i](std::int64_t k)
                       GESSO_INLINE { return r.activated(dy[k], k) * r.centred(k); };
          });
          sum_rows(p, begin, end, s.b, [&a, dy](std::int64_t i, std::int64_t column) {
            return [r = a.run(i, column), dy = dy + i](std::int64_t k)
                       GESSO_INLINE { return r.activated(dy[k], k); };
          });
        };
      },
      [](const Part& p, Pairs<T>& s, std::int64_t, const Pairs<T>& t, std::int64_t) {
#pragma omp simd
        for (std::int64_t k = 0; k < p.columns; ++k) s.a[k] += t.a[k], s.b[k] += t.b[k];
      },
      [&](const Part& p, const Pairs<T>& s) {
        for (std::int64_t k = 0; k < p.columns; ++k) {
          dgamma[p.first + k] = s.a[k] * Affine<T>::rstd(b, p.first + k);
          dbeta[p.first + k] = s.b[k];
        }
      });
}

template <class T>
void batch_norm_input(const BatchNorm<T>& b, const T* dy, const T* dgamma, const T* dbeta, T* dx) {
  struct Gradient {  // dx = scale (dp - level - (x - mean) slant)
    Affine<T> p;
    T level[kWidth], slant[kWidth];
  };
  write_columns(b.rows, b.C, dx, [&](const Part& p) {
    Gradient g{Affine<T>(b, p), {}, {}};
    const T n = T(b.rows);
    spread(p, g.level, [&](std::int64_t k) { return dbeta[k] / n; });
    spread(p, g.slant, [&](std::int64_t k) { return dgamma[k] * Affine<T>::rstd(b, k) / n; });
    return [g, dy](std::int64_t i, std::int64_t column) {
      return [r = g.p.run(i, column), level = g.level + column, slant = g.slant + column,
              dy = dy + i](std::int64_t k) GESSO_INLINE {
        return r.scale[k] * (r.activated(dy[k], k) - level[k] - r.centred(k) * slant[k]);
      };
    };
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
