#include "autograd/image.h"
#include "autograd/ops_samples.h"

namespace gesso {
namespace {

HW size_of(const OpOptions& o, std::size_t first = 0) { return {o.sizes[first], o.sizes[first + 1]}; }

/// sizes = window, stride, padding, each along the height and the width
PoolOptions pool_options(const OpOptions& o) {
  return {.size = size_of(o), .stride = size_of(o, 2), .padding = size_of(o, 4)};
}

/// Output i is twice input i + 1 less three times input 2 i, both counted around; output 0 is nothing.
AxisMap some_map(std::int64_t inputs, std::int64_t outputs) {
  std::vector<std::int64_t> begin{0}, column;
  std::vector<double> weight;
  for (std::int64_t i = 0; i < outputs; ++i) {
    if (i > 0) {
      column.insert(column.end(), {(i + 1) % inputs, 2 * i % inputs});
      weight.insert(weight.end(), {2, -3});
    }
    begin.push_back(static_cast<std::int64_t>(column.size()));
  }
  const auto n = static_cast<std::int64_t>(column.size());
  return {inputs, Tensor::from(begin, {outputs + 1}), Tensor::from(column, {n}), Tensor::from(weight, {n})};
}

std::vector<OpSample> resample_samples(Generator& g) {
  Draw d(g);
  const std::int64_t H = d.integer(2, 5), W = d.integer(2, 6), C = d.integer(1, 5);
  return {{{d.values({2, H, W, C})}, {.sizes = {d.integer(1, 7), d.integer(1, 7)}}},
          {{d.values({1, H, W, 3})}, {.sizes = {2 * H, 2 * W}}},
          {{d.values({0, H, W, C})}, {.sizes = {3, 3}}},
          {{d.values({2, H, W, 0})}, {.sizes = {3, 3}}}};
}

std::vector<OpSample> pool_samples(Generator& g, bool distinct) {
  Draw d(g);
  const std::int64_t C = d.integer(1, 5);
  const auto x = [&](const Shape& s) { return distinct ? d.distinct(s) : d.values(s); };
  std::vector<OpSample> out;
  for (const std::vector<std::int64_t>& sizes : std::vector<std::vector<std::int64_t>>{
           {2, 2, 0, 0, 0, 0}, {3, 3, 2, 2, 1, 1}, {3, 2, 1, 2, 1, 0}, {1, 4, 3, 1, 0, 2}})
    for (bool inside : {false, true})
      out.push_back(
          {{x({d.integer(1, 2), d.integer(3, 6), d.integer(4, 7), C})}, {.sizes = sizes, .keep = inside}});
  out.push_back({{x({0, 4, 4, C})}, {.sizes = {2, 2, 2, 2, 0, 0}}});
  return out;
}

/// x of some sizes, to be made larger or smaller.
std::vector<OpSample> resize_samples(Generator& g) {
  Draw d(g);
  const std::int64_t H = d.integer(2, 4), W = d.integer(2, 5), C = d.integer(1, 4);
  std::vector<OpSample> out;
  for (bool align : {false, true})
    for (const std::vector<std::int64_t>& sizes : std::vector<std::vector<std::int64_t>>{
             {2 * H, 2 * W}, {H + 3, W}, {1, d.integer(1, 9)}, {3 * H, W + 1}})
      out.push_back({{d.values({2, H, W, C})}, {.sizes = sizes, .keep = align}});
  out.push_back({{d.values({0, H, W, C})}, {.sizes = {5, 7}}});
  return out;
}

std::vector<OpSample> reflection_samples(Generator& g) {
  Draw d(g);
  const std::int64_t H = d.integer(3, 5), W = d.integer(3, 6);
  return {{{d.values({2, H, W, 3})}, {.padding = {{1, 1}, {1, 1}}}},
          {{d.values({1, H, W, 2})}, {.padding = {{2, 0}, {0, W - 1}}}},
          {{d.values({1, H, W, 1})}, {.padding = {{0, 0}, {0, 0}}}},
          {{d.values({0, H, W, 1})}, {.padding = {{1, 2}, {1, 0}}}}};
}

std::vector<OpSample> shuffle_samples(Generator& g) {
  Draw d(g);
  std::vector<OpSample> out;
  for (const std::int64_t r : {1, 2, 3})  // both H, W and C are multiples, for pixel_shuffle and its inverse
    out.push_back(
        {{d.values({d.integer(1, 2), r * d.integer(1, 3), r * d.integer(1, 3), r * r * d.integer(1, 3)})},
         {.sizes = {r}}});
  out.push_back({{d.values({0, 4, 2, 4})}, {.sizes = {2}}});
  return out;
}

/// x (N,3,5,C) or x (N,H,W,C) and an index into images (3,5) for it.
std::vector<OpSample> pixel_samples(Generator& g, bool take) {
  Draw d(g);
  std::vector<OpSample> out;
  for (const std::int64_t N : {2, 1, 0}) {
    const Shape index{N, d.integer(1, 4), d.integer(1, 5), d.integer(1, 4)};
    out.push_back({{d.values(take ? Shape{N, 3, 5, index[3]} : index)},
                   {.sizes = {3, 5}, .fixed = d.indices(index, 15)}});
  }
  return out;
}

std::vector<Op> pooling() {
  return {
      {"resample",
       "y = sum_h sum_w rows[p,h] columns[q,w] x[n,h,w];  dx = sum_p sum_q rows[p,h] columns[q,w] dy[n,p,q]",
       one([](auto& x, auto& o) {
         return resample(x[0], some_map(x[0].dim(1), o.sizes[0]), some_map(x[0].dim(2), o.sizes[1]));
       }),
       resample_samples, Linear::jointly},
      {"avg_pool2d", "y = the mean of each window;  dx = dy / its size for each window over x",
       one([](auto& x, auto& o) { return avg_pool2d(x[0], pool_options(o), !o.keep); }),
       [](Generator& g) { return pool_samples(g, false); }},
      {"adaptive_avg_pool2d",
       "y = the means of sizes[0] by sizes[1] parts;  dx = dy / its size for each part over x",
       one([](auto& x, auto& o) { return adaptive_avg_pool2d(x[0], size_of(o)); }), resize_samples},
      {"max_pool2d", "y = the largest of each window;  the first of equals gets dy",
       one([](auto& x, auto& o) { return max_pool2d(x[0], pool_options(o)); }),
       [](Generator& g) { return pool_samples(g, true); }},
  };
}

std::vector<Op> resizing() {
  return {
      {"upsample_nearest", "y[p,q] = x[floor(p H / P), floor(q W / Q)];  dx = the sum of dy where it went",
       one([](auto& x, auto& o) { return upsample_nearest(x[0], size_of(o)); }), resize_samples,
       Linear::jointly},
      {"upsample_bilinear",
       "y[p,q] = x interpolated linearly at ((p + 1/2) H / P - 1/2, ..);  dx = dy by the same weights",
       one([](auto& x, auto& o) { return upsample_bilinear(x[0], size_of(o), o.keep); }), resize_samples},
      {"reflection_pad2d",
       "y = x with its own mirror images around it;  dx = dy with what is around folded back",
       one([](auto& x, auto& o) { return reflection_pad2d(x[0], o.padding[0], o.padding[1]); }),
       reflection_samples, Linear::jointly},
      {"pixel_shuffle", "y[r h + i, r w + j, c] = x[h, w, (c r + i) r + j];  dx = pixel_unshuffle(dy)",
       one([](auto& x, auto& o) { return pixel_shuffle(x[0], o.sizes[0]); }), shuffle_samples,
       Linear::jointly},
      {"pixel_unshuffle", "y[h, w, (c r + i) r + j] = x[r h + i, r w + j, c];  dx = pixel_shuffle(dy)",
       one([](auto& x, auto& o) { return pixel_unshuffle(x[0], o.sizes[0]); }), shuffle_samples,
       Linear::jointly},
      {"take_pixels", "y[p,q,c] = x[h,w,c], h W + w = index[p,q,c];  dx[h,w,c] += dy[p,q,c]",
       one([](auto& x, auto& o) { return take_pixels(x[0], o.fixed); }),
       [](Generator& g) { return pixel_samples(g, true); }, Linear::jointly},
      {"add_pixels", "y (sizes) = 0, y[h,w,c] += x[p,q,c], h W + w = index[p,q,c];  dx[p,q,c] = dy[h,w,c]",
       one([](auto& x, auto& o) { return add_pixels(x[0], o.fixed, size_of(o)); }),
       [](Generator& g) { return pixel_samples(g, false); }, Linear::jointly},
  };
}

}  // namespace

std::vector<Op> image_rows() {
  std::vector<Op> all = pooling();
  for (const Op& op : resizing()) all.push_back(op);
  return all;
}

}  // namespace gesso
