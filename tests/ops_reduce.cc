#include "tests/ops.h"

#include <algorithm>
#include <cmath>

namespace gesso::tests {
namespace {

using Values = std::vector<double>;

double sum(const Values& x) {
  double s = 0;
  for (double e : x) s += e;
  return s;
}
double sum_abs(const Values& x) {
  double s = 0;
  for (double e : x) s += std::abs(e);
  return s;
}
double largest_abs(const Values& x) {
  double m = 0;
  for (double e : x) m = std::max(m, std::abs(e));
  return m;
}
double count(const Values& x) { return static_cast<double>(x.size()); }

/// Each element of a reduction over `axes` from the elements that go into it.
Expected reduced(const Array& x, std::vector<int> axes, bool keep,
                 const std::function<Value(const Values&)>& f) {
  const int rank = x.shape.rank();
  std::vector<bool> gone(static_cast<std::size_t>(rank), axes.empty());
  for (int a : axes) gone.at(static_cast<std::size_t>(a < 0 ? a + rank : a)) = true;
  Shape kept = x.shape, shape;
  for (int i = 0; i < rank; ++i) {
    if (gone[static_cast<std::size_t>(i)]) kept[i] = 1;
    if (!gone[static_cast<std::size_t>(i)] || keep) shape.push_back(kept[i]);
  }
  std::vector<Values> groups(static_cast<std::size_t>(kept.size()));
  for_each_index(
      x.shape, [&](const Index& i) { groups[static_cast<std::size_t>(place(kept, i))].push_back(at(x, i)); });
  Expected out{shape, {}};
  for (const Values& g : groups) out.v.push_back(f(g));
  return out;
}

Reference over_axes(std::function<Value(const Values&, const OpOptions&)> f) {
  return [f](const std::vector<Array>& x, const OpOptions& o) {
    return std::vector{reduced(x[0], o.axes, o.keep, [&](const Values& g) { return f(g, o); })};
  };
}

/// The same over the one axis of the options.
Reference over_axis(std::function<Value(const Values&)> f, std::optional<DType> dtype = {}) {
  return [f, dtype](const std::vector<Array>& x, const OpOptions& o) {
    Expected e = reduced(x[0], {o.axis}, o.keep, f);
    e.dtype = dtype;
    return std::vector{e};
  };
}

/// f turns each line along the axis into a line of results.
Reference along(std::function<std::vector<Value>(const Values&, const OpOptions&)> f) {
  return [f](const std::vector<Array>& x, const OpOptions& o) {
    const Shape& shape = x[0].shape;
    const int axis = o.axis < 0 ? o.axis + shape.rank() : o.axis;
    Expected out{shape, std::vector<Value>(x[0].v.size())};
    Shape lines = shape;
    lines[axis] = 1;
    for_each_index(lines, [&](Index i) {
      Values line;
      for (std::int64_t k = 0; k < shape[axis]; ++k) {
        i[static_cast<std::size_t>(axis)] = k;
        line.push_back(at(x[0], i));
      }
      const std::vector<Value> y = f(line, o);
      for (std::int64_t k = 0; k < shape[axis]; ++k) {
        i[static_cast<std::size_t>(axis)] = k;
        out.v[static_cast<std::size_t>(place(shape, i))] = y[static_cast<std::size_t>(k)];
      }
    });
    return std::vector{out};
  };
}

Value variance(const Values& x, const OpOptions& o) {
  const double n = count(x), mean = sum(x) / n, freedom = n - o.correction;
  double squares = 0, distances = 0;
  for (double e : x) squares += (e - mean) * (e - mean), distances += std::abs(e - mean);
  // Each x - mean is wrong by (n + 2) eps max|x|, each square by twice that times |x - mean|.
  return {squares / freedom, (2 * n * squares + 2 * (n + 2) * largest_abs(x) * distances) / freedom};
}

double log_sum(const Values& x) {
  const double m = x.empty() ? 0 : *std::max_element(x.begin(), x.end());
  double s = 0;
  for (double e : x) s += std::exp(e - m);
  return m + std::log(s);
}

/// exp(x - m) magnifies the rounding of x - m; then come 4 ulp, a sum of n terms and a logarithm or a quotient.
double softmax_bound(const Values& x) { return 4 * largest_abs(x) + 2 * count(x) + 12; }

std::vector<Value> softmax(const Values& x, const OpOptions&) {
  std::vector<Value> y;
  for (double e : x) {
    const double p = std::exp(e - log_sum(x));
    y.push_back({p, p * softmax_bound(x)});
  }
  return y;
}

std::vector<Value> log_softmax(const Values& x, const OpOptions&) {
  std::vector<Value> y;
  for (double e : x) y.push_back({e - log_sum(x), 2 * softmax_bound(x)});
  return y;
}

std::vector<Value> cumsum(const Values& x, const OpOptions& o) {
  std::vector<Value> y;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Values part = o.reverse ? Values(x.begin() + static_cast<std::ptrdiff_t>(i), x.end())
                                  : Values(x.begin(), x.begin() + static_cast<std::ptrdiff_t>(i) + 1);
    y.push_back({sum(part), 2 * count(part) * sum_abs(part)});
  }
  return y;
}

Value position(const Values& x, bool (*better)(double, double)) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < x.size(); ++i)
    if (better(x[i], x[best])) best = i;
  return {static_cast<double>(best)};
}

std::vector<Expected> sum_to(const std::vector<Array>& x, const OpOptions& o) {
  const Shape shape{std::span<const std::int64_t>(o.sizes)};
  std::vector<Values> groups(static_cast<std::size_t>(shape.size()));
  for_each_index(x[0].shape, [&](const Index& i) {
    groups[static_cast<std::size_t>(place(shape, i))].push_back(at(x[0], i));
  });
  Expected out{shape, {}};
  for (const Values& g : groups) out.v.push_back({sum(g), 2 * count(g) * sum_abs(g)});
  return {out};
}

/// sum f(a_i, b_i), each term with the bound of its own.
Reference summed(Value (*f)(double, double)) {
  return [f](const std::vector<Array>& x, const OpOptions&) {
    Value total;
    const double n = count(x[0].v);
    for (std::size_t i = 0; i < x[0].v.size(); ++i) {
      const Value term = f(x[0].v[i], x[1].v[i]);
      total.y += term.y;
      total.bound += term.bound + 2 * n * std::abs(term.y);
    }
    return std::vector{Expected{Shape{}, {total}}};
  };
}

}  // namespace

References reduce_references() {
  return {
      {"sum", over_axes([](auto& x, auto&) {
         return Value{sum(x), 2 * count(x) * sum_abs(x)};
       })},
      {"mean", over_axes([](auto& x, auto&) {
         return Value{sum(x) / count(x), 2 * (count(x) + 1) * sum_abs(x) / count(x)};
       })},
      {"var", over_axes(variance)},
      {"max", over_axes([](auto& x, auto&) { return Value{*std::max_element(x.begin(), x.end())}; })},
      {"min", over_axes([](auto& x, auto&) { return Value{*std::min_element(x.begin(), x.end())}; })},
      {"norm", over_axes([](auto& x, auto&) {
         double squares = 0;
         for (double e : x) squares += e * e;
         return Value{std::sqrt(squares), (count(x) + 2) * std::sqrt(squares)};
       })},
      {"sum_to", sum_to},
      {"argmax",
       over_axis([](auto& x) { return position(x, [](double a, double b) { return a > b; }); }, DType::i64)},
      {"argmin",
       over_axis([](auto& x) { return position(x, [](double a, double b) { return a < b; }); }, DType::i64)},
      {"logsumexp", over_axis([](auto& x) {
         return Value{log_sum(x), softmax_bound(x)};
       })},
      {"softmax", along(softmax)},
      {"log_softmax", along(log_softmax)},
      {"cumsum", along(cumsum)},
      {"sum_squared_difference", summed([](double a, double b) {
         return Value{(a - b) * (a - b), 3 * (a - b) * (a - b)};
       })},
      {"sum_absolute_difference", summed([](double a, double b) {
         return Value{std::abs(a - b), std::abs(a - b)};
       })},
      {"sum_bce_with_logits", summed([](double d, double t) {
         const double s = std::fmax(d, 0) + std::log1p(std::exp(-std::abs(d)));
         return Value{s - d * t, 8 * s + 2 * std::abs(d * t)};
       })},
      {"dot", summed([](double a, double b) {
         return Value{a * b, std::abs(a * b)};
       })},
  };
}

}  // namespace gesso::tests
