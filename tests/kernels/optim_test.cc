// Optimizer steps against PyTorch's formulas, written out in long double.
#include "kernels/kernels.h"
#include "tests/kernels/check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

using namespace gesso::kernels;
using namespace gesso::test;

namespace {

const std::int64_t kSizes[] = {1, 0, 7, 4096, 30011, 3, 64, 5000};

/// Parameters of several sizes with their gradients and state.
template <class T>
struct Parameters {
  std::vector<std::vector<T>> w, dw, m, v;
  explicit Parameters(bool fresh_state = false) {
    unsigned seed = 1;
    for (std::int64_t n : kSizes) {
      w.push_back(numbers<T>(n, seed++, -1, 1));
      dw.push_back(numbers<T>(n, seed++, -1, 1));
      m.push_back(fresh_state ? poisoned<T>(n) : numbers<T>(n, seed++, -1, 1));
      v.push_back(numbers<T>(n, seed++, 0, 1));
    }
  }
  std::vector<ParameterSlice<T>> slices(bool with_m, bool with_v) {
    std::vector<ParameterSlice<T>> all;
    for (std::size_t j = 0; j < w.size(); ++j)
      all.push_back({std::int64_t(w[j].size()), w[j].data(), dw[j].data(), with_m ? m[j].data() : nullptr,
                     with_v ? v[j].data() : nullptr});
    return all;
  }
  std::vector<T> everything() const {
    std::vector<T> all;
    for (const auto* list : {&w, &m, &v})
      for (const std::vector<T>& x : *list) all.insert(all.end(), x.begin(), x.end());
    return all;
  }
};

struct State {
  long double w, m, v;
};

/// Runs `step` on fresh parameters and compares each with `formula(state, gradient)`: the terms are of size 1 at most, and pass
/// some ten roundings; a quotient by sqrt(v) + eps can be large, hence relative to the change too.
template <class T, class Step, class Formula>
void check(bool with_m, bool with_v, bool fresh, const Step& step, const Formula& formula) {
  Parameters<T> after(fresh);
  const Parameters<T> before(fresh);
  on_threads([&] {
    after = before;
    const std::vector<ParameterSlice<T>> slices = after.slices(with_m, with_v);
    step(int(slices.size()), slices.data());
    return after.everything();
  });
  double worst = 0;
  const auto see = [&worst](T y, long double r, long double size) {
    const double error = double(std::abs(y - r) / (16 * kEps<T> * size));
    worst = error <= worst ? worst : error;
  };
  for (std::size_t j = 0; j < before.w.size(); ++j)
    for (std::size_t i = 0; i < before.w[j].size(); ++i) {
      const State old{before.w[j][i], before.m[j][i], before.v[j][i]};
      const State now = formula(old, (long double)before.dw[j][i]);
      see(after.w[j][i], now.w, 1 + std::abs(now.w - old.w));
      if (with_m) see(after.m[j][i], now.m, 4);
      if (with_v) see(after.v[j][i], now.v, 4);
    }
  CHECK(worst <= 1);
}

}  // namespace

TEST_CASE_TEMPLATE("Adam and AdamW", T, float, double) {
  for (bool decoupled : {false, true})
    for (double decay : {0.0, 0.1})
      for (double scale : {1.0, 0.25}) {
        const AdamStep s{
            1e-2, 0.9, 0.999, 1e-8, decay, decoupled, 1 - std::pow(0.9, 7), 1 - std::pow(0.999, 7), scale};
        check<T>(
            true, true, false, [&](int n, const ParameterSlice<T>* p) { tested<T>().adam(s, n, p); },
            [&](State old, long double g) {
              g *= scale;
              long double w = old.w;
              if (decoupled) w -= s.lr * decay * w;
              if (!decoupled) g += decay * w;
              const long double m = s.beta1 * old.m + (1 - s.beta1) * g,
                                v = s.beta2 * old.v + (1 - s.beta2) * g * g;
              return State{w - s.lr * (m / s.correction1) / (std::sqrt(v / s.correction2) + s.eps), m, v};
            });
      }
}

TEST_CASE_TEMPLATE("SGD with and without momentum, dampening, Nesterov, decay", T, float, double) {
  for (bool momentum : {false, true})
    for (bool nesterov : {false, true})
      for (bool first : {false, true})
        for (double decay : {0.0, 0.1}) {
          const SgdStep s{0.1, momentum ? 0.9 : 0, nesterov ? 0 : 0.3, decay, nesterov, first, 0.5};
          check<T>(
              momentum, false, first && momentum,
              [&](int n, const ParameterSlice<T>* p) { tested<T>().sgd(s, n, p); },
              [&](State old, long double g) {
                g = s.grad_scale * g + decay * old.w;
                long double m = old.m, step = g;
                if (momentum) {
                  m = first ? g : s.momentum * old.m + (1 - s.dampening) * g;
                  step = nesterov ? g + s.momentum * m : m;
                }
                return State{old.w - s.lr * step, m, old.v};
              });
        }
}

TEST_CASE_TEMPLATE("RMSprop, eps outside the root", T, float, double) {
  for (double decay : {0.0, 0.1}) {
    const RmspropStep s{1e-2, 0.99, 1e-2, decay, 2};
    check<T>(
        false, true, false, [&](int n, const ParameterSlice<T>* p) { tested<T>().rmsprop(s, n, p); },
        [&](State old, long double g) {
          g = s.grad_scale * g + decay * old.w;
          const long double v = s.alpha * old.v + (1 - s.alpha) * g * g;
          return State{old.w - s.lr * g / (std::sqrt(v) + s.eps), old.m, v};
        });
  }
}

TEST_CASE_TEMPLATE("lerp", T, float, double) {
  for (std::int64_t n : {0, 1, 17, 40001}) {
    const std::vector<T> x = numbers<T>(n, 1, -1, 1), start = numbers<T>(n, 2, -1, 1);
    const auto y = on_threads([&] {
      std::vector<T> out = start;
      out.push_back(T(5));
      tested<T>().lerp(T(0.125), n, x.data(), out.data());
      return out;
    });
    CHECK(y[n] == 5);
    double worst = 0;
    for (std::int64_t i = 0; i < n; ++i)
      worst = std::max(worst, double(std::abs(y[i] - (start[i] + 0.125L * (x[i] - start[i])))));
    CHECK(worst <= 4 * kEps<T>);
  }
}

TEST_CASE("no parameters at all") {
  tested<float>().adam({1e-3, 0.9, 0.999, 1e-8, 0, false, 0.1, 0.001, 1}, 0, nullptr);
}
