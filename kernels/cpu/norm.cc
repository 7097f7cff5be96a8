// Batch normalisation: moments of columns, and one pass each for its value, the sums of its gradient, and its gradient.
#include "kernels/cpu/columns.h"
#include "kernels/cpu/table.h"
#include "kernels/math.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// Means m and sums of squared deviations s of n and of n' rows join to m + d n' / (n + n') and s + s' + d^2 n n' / (n + n'),
/// d = m' - m. Chan, Golub & LeVeque 1979.
template <class T>
void moments(std::int64_t rows, std::int64_t C, const T* x, T* mean, T* var) {
  fold_columns<T>(
      rows, C,
      [x](const Part& p) {
        return [x, p](std::int64_t begin, std::int64_t end, Pairs<T>& s) {
          sum_rows(p, begin, end, {s.a}, {x}, [x](std::int64_t i) {
            return [x = x + i](auto v, std::int64_t e, std::int64_t) GESSO_INLINE {
              using V = decltype(v);
              return Terms<V, 1>{elements<V>(x + e)};
            };
          });
          for (std::int64_t k = 0; k < p.columns; ++k) s.a[k] /= T(end - begin);
          T m[kWidth];
          spread(p, m, [&](std::int64_t k) { return s.a[k - p.first]; });
          sum_rows(p, begin, end, {s.b}, {x}, [x, &m](std::int64_t i) {
            return [x = x + i, m = &m[0]](auto v, std::int64_t e, std::int64_t k) GESSO_INLINE {
              using V = decltype(v);
              const V d = elements<V>(x + e) - elements<V>(m + k);
              return Terms<V, 1>{d * d};
            };
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

/// p = (x - mean) scale + beta for element e of a run, which is in column k.
template <class T>
struct AffineRun {
  const T *x, *mean, *scale, *beta;
  T slope;

  template <class V = T>
  [[gnu::always_inline]] V centred(std::int64_t e, std::int64_t k) const {
    return elements<V>(x + e) - elements<V>(mean + k);
  }
  template <class V = T>
  [[gnu::always_inline]] V operator()(std::int64_t e, std::int64_t k) const {
    return centred<V>(e, k) * elements<V>(scale + k) + elements<V>(beta + k);
  }
  /// What the leaky ReLU makes of a value v: of p itself, or of its gradient.
  template <class V>
  [[gnu::always_inline]] V activated(V v, std::int64_t e, std::int64_t k) const {
    return this->template operator()<V>(e, k) > 0 ? v : slope * v;
  }
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
      ask_for(a.x + i + kLeaf / 2, kWidth);
      return [r = a.run(i, column)](std::int64_t k) GESSO_INLINE { return r.activated(r(k, k), k, k); };
    };
  });
}

template <class T>
void batch_norm_sums(const BatchNorm<T>& b, const T* dy, T* dgamma, T* dbeta) {
  fold_columns<T>(
      b.rows, b.C,
      [&b, dy](const Part& p) {
        return [a = Affine<T>(b, p), p, dy](std::int64_t begin, std::int64_t end, Pairs<T>& s) {
          sum_rows(p, begin, end, {s.a, s.b}, {a.x, dy}, [&a, dy](std::int64_t i) {
            return [r = a.run(i, 0), dy = dy + i](auto v, std::int64_t e, std::int64_t k) GESSO_INLINE {
              using V = decltype(v);
              const V dp = r.activated(elements<V>(dy + e), e, k);
              return Terms<V, 2>{dp * r.template centred<V>(e, k), dp};
            };
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
        return r.scale[k] * (r.activated(dy[k], k, k) - level[k] - r.centred(k, k) * slant[k]);
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
