#include "autograd/ops_samples.h"

namespace gesso {
namespace {

std::vector<OpSample> reshape_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(2, 6), m = d.integer(2, 7);
  return {{{d.values({n, m})}, {.sizes = {m, n}}},
          {{d.values({n, m})}, {.sizes = {-1}}},
          {{d.values({2, n, m})}, {.sizes = {n, -1, 2}}},
          {{d.values({1})}, {.sizes = {}}},
          {{d.values({})}, {.sizes = {1, 1}}},
          {{d.values({0, m})}, {.sizes = {n, 0, 2}}}};
}

std::vector<OpSample> broadcast_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(2, 6), m = d.integer(2, 7);
  return {{{d.values({m})}, {.sizes = {n, m}}},
          {{d.values({n, 1})}, {.sizes = {n, m}}},
          {{d.values({})}, {.sizes = {n, m}}},
          {{d.values({n, m})}, {.sizes = {n, m}}},
          {{d.values({1, m, 1})}, {.sizes = {3, m, n}}},
          {{d.values({1})}, {.sizes = {0}}},
          {{d.values({})}, {.sizes = {}}},
          {{d.values({n, 1, 1})}, {.sizes = {2, n, m, 3}}}};
}

std::vector<OpSample> permute_samples(Generator& g) {
  Draw d(g);
  std::vector<OpSample> out;
  for (const std::vector<int>& order :
       std::vector<std::vector<int>>{{0, 1, 2}, {2, 0, 1}, {1, 0, 2}, {-1, 1, 0}, {1, 2, 0}})
    out.push_back({{d.values({d.integer(1, 4), d.integer(2, 5), d.integer(1, 6)})}, {.axes = order}});
  out.push_back({{d.values({})}});
  out.push_back({{d.values({2, 0, 3})}, {.axes = {2, 0, 1}}});
  out.push_back({{d.values({d.integer(2, 3), 2, d.integer(2, 4), 3})}, {.axes = {3, 1, 2, 0}}});
  return out;
}

std::vector<OpSample> transpose_samples(Generator& g) {
  Draw d(g);
  return {{{d.values({d.integer(1, 7), d.integer(1, 9)})}},
          {{d.values({3, d.integer(1, 5), d.integer(1, 5)})}},
          {{d.values({0, 4})}},
          {{d.values({d.integer(17, 40), d.integer(3, 5)})}}};
}

std::vector<OpSample> flip_samples(Generator& g) {
  Draw d(g);
  std::vector<OpSample> out;
  for (const Axes& axes : std::vector<Axes>{{0}, {-1}, {0, 2}, {2, 1, 0}, {1}, {}})
    out.push_back({{d.values({d.integer(1, 4), d.integer(2, 5), d.integer(1, 6)})}, {.axes = axes}});
  out.push_back({{d.values({0, 3})}, {.axes = {0}}});
  return out;
}

std::vector<OpSample> pad_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(3, 6), m = d.integer(3, 7), p = d.integer(0, 3);
  return {{{d.values({n, m})}, {.padding = {{1, p}, {0, 2}}}},
          {{d.values({n, m})}, {.padding = {{-1, 0}, {-1, -1}}}},
          {{d.values({n, m})}, {.padding = {{-2, 3}, {p, -2}}}},
          {{d.values({n, m})}, {.padding = {{0, 0}, {0, 0}}}},
          {{d.values({n})}, {.a = 1.5, .padding = {{2, p}}}},
          {{d.values({})}},
          {{d.values({0, m})}, {.padding = {{1, 1}, {0, -1}}}},
          {{d.values({n, m})}, {.padding = {{-n, 0}, {0, 0}}}},
          {{d.values({2, n, m, 1})}, {.padding = {{0, 0}, {1, 1}, {2, 1}, {0, p}}}}};
}

std::vector<OpSample> slice_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(3, 6), m = d.integer(3, 7);
  return {{{d.values({n, m})}, {.axis = 0, .sizes = {1, n}}},
          {{d.values({n, m})}, {.axis = 1, .sizes = {0, 2}}},
          {{d.values({n, m})}, {.axis = -1, .sizes = {-2, m}}},
          {{d.values({n, m})}, {.axis = -2, .sizes = {1, -1}}},
          {{d.values({n, m})}, {.axis = 1, .sizes = {2, 2}}},
          {{d.values({2, n, m})}, {.axis = 1, .sizes = {1, 3}}},
          {{d.values({n, 0})}, {.axis = 0, .sizes = {0, n - 1}}},
          {{d.values({n})}, {.axis = 0, .sizes = {0, n}}}};
}

std::vector<OpSample> concat_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(1, 6), m = d.integer(1, 7);
  return {{{d.values({n, m}), d.values({n, 3}), d.values({n, 1})}, {.axis = 1}},
          {{d.values({n, m}), d.values({2, m})}},
          {{d.values({n, m}), d.values({n, 0}), d.values({n, m})}, {.axis = -1}},
          {{d.values({n})}},
          {{d.values({2, n, m}), d.values({2, 4, m})}, {.axis = 1}}};
}

std::vector<OpSample> split_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(1, 6), m = d.integer(3, 7);
  return {{{d.values({n, m})}, {.axis = 1, .sizes = {1, m - 1}}},
          {{d.values({m})}, {.sizes = {2, 0, m - 2}}},
          {{d.values({2, n, m})}, {.axis = -1, .sizes = {m}}},
          {{d.values({2, m, n})}, {.axis = 1, .sizes = {1, 1, m - 2}}}};
}

std::vector<OpSample> take_rows_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(2, 6), m = d.integer(1, 7);
  return {{{d.values({n, m})}, {.fixed = d.indices({9}, n)}},
          {{d.values({n, m})}, {.fixed = d.indices({2, 3}, n)}},
          {{d.values({n})}, {.fixed = d.indices({4}, n)}},
          {{d.values({n, 2, m})}, {.fixed = d.indices({}, n)}},
          {{d.values({n, m})}, {.fixed = d.indices({0}, n)}},
          {{d.values({0, m})}, {.fixed = d.indices({0}, 1)}},
          {{d.values({n, 0})}, {.fixed = d.indices({3}, n)}}};
}

std::vector<OpSample> add_rows_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(2, 6), m = d.integer(1, 7);
  return {{{d.values({9, m})}, {.sizes = {n}, .fixed = d.indices({9}, n)}},
          {{d.values({2, 3, m})}, {.sizes = {n}, .fixed = d.indices({2, 3}, n)}},
          {{d.values({4})}, {.sizes = {n}, .fixed = d.indices({4}, n)}},
          {{d.values({m})}, {.sizes = {n}, .fixed = d.indices({}, n)}},
          {{d.values({0, m})}, {.sizes = {n}, .fixed = d.indices({0}, 1)}},
          {{d.values({0, m})}, {.sizes = {0}, .fixed = d.indices({0}, 1)}}};
}

std::vector<OpSample> forward_samples(Generator& g) {
  Draw d(g);
  const std::int64_t n = d.integer(1, 6), m = d.integer(1, 7);
  std::vector<OpSample> out;
  for (const Shape& s : {Shape{n, m}, Shape{}, Shape{0, m}, Shape{n}})
    out.push_back({{d.values(s)}, {.fixed = d.values(s).value()}});
  return out;
}

std::vector<Op> views_and_orders() {
  return {
      {"reshape", "y = x in the shape sizes;  dx = dy in x's shape",
       one([](auto& x, auto& o) { return reshape(x[0], Shape(std::span(o.sizes))); }), reshape_samples,
       Linear::jointly},
      {"broadcast_to", "y = x repeated to the shape sizes;  dx = dy summed over what was repeated",
       one([](auto& x, auto& o) { return broadcast_to(x[0], Shape(std::span(o.sizes))); }), broadcast_samples,
       Linear::jointly},
      {"permute", "dimension i of y is dimension axes[i] of x;  dx = dy permuted back",
       one([](auto& x, auto& o) { return permute(x[0], o.axes); }), permute_samples, Linear::jointly},
      {"transpose", "y = x with its last two dimensions exchanged;  dx = dy likewise", unary(transpose),
       transpose_samples, Linear::jointly},
      {"flip", "y = x backwards along the axes;  dx = dy backwards along the axes",
       one([](auto& x, auto& o) { return flip(x[0], o.axes); }), flip_samples, Linear::jointly},
      {"cast", "y = x as another type;  dx = dy as x's type",
       one([](auto& x, auto& o) { return cast(x[0], o.dtype); }),
       unary_samples({}, {{.dtype = DType::f32}, {.dtype = DType::f64}, {.dtype = DType::i64}}), Linear::no,
       false},
      {"straight_through", "y = a given value;  dx = dy, by definition",
       one([](auto& x, auto& o) { return straight_through(x[0], o.fixed.to(x[0].dtype())); }),
       forward_samples, Linear::no, false},
  };
}

std::vector<Op> parts() {
  return {
      {"pad", "y = x with values a around it, or cropped;  dx = dy cropped, or with zeros around it",
       one([](auto& x, auto& o) { return pad(x[0], o.padding, o.a); }), pad_samples, Linear::jointly},
      {"slice", "y = x[sizes[0] .. sizes[1]) along the axis;  dx = dy with zeros around it",
       one([](auto& x, auto& o) { return slice(x[0], o.axis, o.sizes[0], o.sizes[1]); }), slice_samples,
       Linear::jointly},
      {"concat", "y = the inputs one behind the other along the axis;  dx_i = its part of dy",
       one([](auto& x, auto& o) { return concat(x, o.axis); }), concat_samples, Linear::jointly},
      {"split", "y_i = a part of x of sizes[i] along the axis;  dx = the dy_i one behind the other",
       [](auto& x, auto& o) { return split(x[0], o.sizes, o.axis); }, split_samples, Linear::jointly},
      {"take_rows", "y_i = x[index_i];  dx[index_i] += dy_i",
       one([](auto& x, auto& o) { return take_rows(x[0], o.fixed); }), take_rows_samples, Linear::jointly},
      {"add_rows", "y (sizes[0], ..) = 0, y[index_i] += x_i;  dx_i = dy[index_i]",
       one([](auto& x, auto& o) { return add_rows(x[0], o.fixed, o.sizes[0]); }), add_rows_samples,
       Linear::jointly},
  };
}

}  // namespace

std::vector<Op> move_rows() {
  std::vector<Op> all = views_and_orders();
  for (const Op& op : parts()) all.push_back(op);
  return all;
}

}  // namespace gesso
