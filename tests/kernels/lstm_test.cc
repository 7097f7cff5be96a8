// A step of an LSTM and its gradient, against slow loops in long double.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

struct Size {
  std::int64_t M, H, P;  // P 0: no peepholes
};
// Rows of whole vectors and not, peepholes for all rows and for each place, and enough rows for several threads.
const Size kSizes[] = {{1, 1, 0}, {3, 5, 0},      {700, 16, 0},   {1, 1, 1},
                       {5, 3, 1}, {3000, 16, 1},  {900, 7, 1},    {130, 100, 1},
                       {6, 5, 3}, {600, 16, 200}, {900, 33, 300}, {4, 2000, 2}};

using Real = long double;
Real logistic(Real x) { return 1 / (1 + std::exp(-x)); }

template <class T>
struct Case {
  explicit Case(Size s)
      : size(s),
        n(s.M * s.H),
        a(numbers<T>(4 * n, 1, -3, 3)),
        c(numbers<T>(n, 2, -2, 2)),
        w(numbers<T>(3 * s.P * s.H, 3, -1, 1)),
        dh(numbers<T>(n, 4, -1, 1)),
        dc(numbers<T>(n, 5, -1, 1)),
        given{s.M, s.H, s.P ? s.P : 1, a.data(), c.data(), s.P ? w.data() : nullptr} {}

  Real into(std::int64_t m, std::int64_t gate, std::int64_t k) const {
    return a[(m * 4 + gate) * size.H + k];
  }
  Real peephole(std::int64_t m, std::int64_t gate, std::int64_t k) const {
    return size.P ? Real(w[(m % size.P * 3 + gate) * size.H + k]) : 0;
  }

  Size size;
  std::int64_t n;
  std::vector<T> a, c, w, dh, dc;
  LstmCell<T> given;
};

/// h' and c' behind each other, then da, dc and dw.
template <class T>
struct Slow {
  std::vector<Real> next, gradient;

  Slow(const Case<T>& s, bool with_dh, bool with_dc)
      : next(2 * s.n), gradient(5 * s.n + 3 * s.size.P * s.size.H) {
    for (std::int64_t m = 0; m < s.size.M; ++m)
      for (std::int64_t k = 0; k < s.size.H; ++k) element(s, m, k, with_dh, with_dc);
  }

  void element(const Case<T>& s, std::int64_t m, std::int64_t k, bool with_dh, bool with_dc) {
    const std::int64_t H = s.size.H, at = m * H + k;
    const Real c = s.c[at], w_i = s.peephole(m, 0, k), w_f = s.peephole(m, 1, k), w_o = s.peephole(m, 2, k);
    const Real i = logistic(s.into(m, 0, k) + w_i * c), f = logistic(s.into(m, 1, k) + w_f * c);
    const Real g = std::tanh(s.into(m, 2, k)), c1 = f * c + i * g, o = logistic(s.into(m, 3, k) + w_o * c1);
    next[at] = o * std::tanh(c1), next[s.n + at] = c1;
    const Real t = std::tanh(c1), dh = with_dh ? s.dh[at] : T(0);
    const Real d_o = dh * t * o * (1 - o);
    const Real dc1 = (with_dc ? s.dc[at] : T(0)) + dh * o * (1 - t * t) + d_o * w_o;
    const Real d_i = dc1 * g * i * (1 - i), d_f = dc1 * c * f * (1 - f), d_g = dc1 * i * (1 - g * g);
    Real* const da = gradient.data() + m * 4 * H + k;
    da[0] = d_i, da[H] = d_f, da[2 * H] = d_g, da[3 * H] = d_o;
    gradient[4 * s.n + at] = dc1 * f + d_i * w_i + d_f * w_f;
    if (!s.size.P) return;
    Real* const dw = gradient.data() + 5 * s.n + m % s.size.P * 3 * H + k;
    dw[0] += d_i * c, dw[H] += d_f * c, dw[2 * H] += d_o * c1;
  }
};

template <class T>
double worst(const std::vector<T>& y, const std::vector<Real>& wanted, std::int64_t begin, std::int64_t end) {
  double most = 0;
  for (std::int64_t i = begin; i < end; ++i) {
    const double error = double(std::abs(y[i] - wanted[i]));
    most = error <= most ? most : error;
  }
  return most;
}

template <class T>
void check_gradient(const Case<T>& s, bool with_dh, bool with_dc) {
  const std::int64_t all = 5 * s.n + 3 * s.size.P * s.size.H;
  const auto y = on_threads([&] {
    std::vector<T> out = poisoned<T>(all + 1);
    tested<T>().lstm_cell_grad(s.given, with_dh ? s.dh.data() : nullptr, with_dc ? s.dc.data() : nullptr,
                               out.data(), out.data() + 4 * s.n, s.size.P ? out.data() + 5 * s.n : nullptr);
    CHECK(std::isnan(out.back()));
    return out;
  });
  const Slow<T> slow(s, with_dh, with_dc);
  CHECK(worst(y, slow.gradient, 0, 5 * s.n) <= 128 * kEps<T>);  // some thirty roundings of numbers below 4
  const double terms = s.size.P ? double(s.size.M) / double(s.size.P) : 0;
  CHECK(worst(y, slow.gradient, 5 * s.n, all) <= (128 + 4 * terms) * terms * kEps<T>);
}

}  // namespace

TEST_CASE_TEMPLATE("a step of an LSTM", T, float, double) {
  for (const Size& size : kSizes) {
    CAPTURE(size.M);
    CAPTURE(size.H);
    CAPTURE(size.P);
    const Case<T> s(size);
    const auto y = on_threads([&] {
      std::vector<T> out = poisoned<T>(2 * s.n + 1);
      tested<T>().lstm_cell(s.given, out.data(), out.data() + s.n);
      CHECK(std::isnan(out.back()));
      return out;
    });
    CHECK(worst(y, Slow<T>(s, true, true).next, 0, 2 * s.n) <=
          32 * kEps<T>);  // some ten roundings of numbers below 3
  }
}

TEST_CASE_TEMPLATE("the gradient of a step of an LSTM, from both results or one", T, float, double) {
  for (const Size& size : kSizes) {
    CAPTURE(size.M);
    CAPTURE(size.H);
    CAPTURE(size.P);
    const Case<T> s(size);
    check_gradient(s, true, true);
    check_gradient(s, true, false);
    check_gradient(s, false, true);
  }
}
