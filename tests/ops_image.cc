#include "autograd/image.h"
#include "tests/ops.h"

#include <algorithm>
#include <cmath>

namespace gesso::tests {
namespace {

using Inputs = std::vector<Array>;
using Result = std::vector<Expected>;

/// y (N,P,Q,C), each element by f(n, p, q, c).
Result image(const Shape& x, std::int64_t P, std::int64_t Q, std::int64_t C,
             const std::function<Value(std::int64_t, std::int64_t, std::int64_t, std::int64_t)>& f) {
  Expected out{{x[0], P, Q, C}, {}};
  for_each_index(out.shape, [&](const Index& i) { out.v.push_back(f(i[0], i[1], i[2], i[3])); });
  return {out};
}

/// A sum of products, for which it counts the terms.
struct Sum {
  double y = 0, size = 0, terms = 0;
  void add(double term) { y += term, size += std::abs(term), terms += 1; }
  operator Value() const { return {y, (2 * terms + 4) * size}; }
};

Result resampled(const Inputs& x, const OpOptions& o) {
  const Shape s = x[0].shape;
  const auto weight = [](std::int64_t i, std::int64_t j, std::int64_t n) {  // of input j of n in output i
    return i == 0 ? 0.0 : (j == (i + 1) % n ? 2.0 : 0.0) - (j == 2 * i % n ? 3.0 : 0.0);
  };
  return image(s, o.sizes[0], o.sizes[1], s[3], [&](auto n, auto p, auto q, auto c) {
    Sum sum;
    for (std::int64_t h = 0; h < s[1]; ++h)
      for (std::int64_t w = 0; w < s[2]; ++w) {
        const double v = at(x[0], {n, h, w, c});
        sum.add(weight(p, h, s[1]) * weight(q, w, s[2]) * v);
        sum.size += 13 * std::abs(v);  // 2 and -3 may have met in one weight
      }
    return sum;
  });
}

/// f(the elements of the window, how many it has with those outside) for each window.
Result pooled(const Inputs& x, const OpOptions& o,
              const std::function<Value(const std::vector<double>&, std::int64_t)>& f) {
  const Shape s = x[0].shape;
  const std::int64_t R = o.sizes[0], S = o.sizes[1], down = o.sizes[2] ? o.sizes[2] : R,
                     across = o.sizes[3] ? o.sizes[3] : S, top = o.sizes[4], left = o.sizes[5];
  return image(s, (s[1] + 2 * top - R) / down + 1, (s[2] + 2 * left - S) / across + 1, s[3],
               [&](auto n, auto p, auto q, auto c) {
                 std::vector<double> inside;
                 for (std::int64_t h = p * down - top; h < p * down - top + R; ++h)
                   for (std::int64_t w = q * across - left; w < q * across - left + S; ++w)
                     if (h >= 0 && h < s[1] && w >= 0 && w < s[2]) inside.push_back(at(x[0], {n, h, w, c}));
                 return f(inside, R * S);
               });
}

Result avg_pool(const Inputs& x, const OpOptions& o) {
  return pooled(x, o, [&](auto& inside, std::int64_t all) {
    Sum sum;
    for (double e : inside)
      sum.add(e / static_cast<double>(o.keep ? static_cast<std::int64_t>(inside.size()) : all));
    return sum;
  });
}

Result max_pool(const Inputs& x, const OpOptions& o) {
  return pooled(x, o, [](auto& inside, std::int64_t) {
    return Value{*std::max_element(inside.begin(), inside.end())};
  });
}

Result adaptive_avg_pool(const Inputs& x, const OpOptions& o) {
  const Shape s = x[0].shape;
  const std::int64_t P = o.sizes[0], Q = o.sizes[1];
  const auto part = [](std::int64_t i, std::int64_t n, std::int64_t m) {
    return std::pair{std::floor(static_cast<double>(i * n) / static_cast<double>(m)),
                     std::ceil(static_cast<double>((i + 1) * n) / static_cast<double>(m))};
  };
  return image(s, P, Q, s[3], [&](auto n, auto p, auto q, auto c) {
    const auto [top, bottom] = part(p, s[1], P);
    const auto [left, right] = part(q, s[2], Q);
    Sum sum;
    for (auto h = static_cast<std::int64_t>(top); h < bottom; ++h)
      for (auto w = static_cast<std::int64_t>(left); w < right; ++w)
        sum.add(at(x[0], {n, h, w, c}) / ((bottom - top) * (right - left)));
    return sum;
  });
}

Result nearest_pixel(const Inputs& x, const OpOptions& o) {
  const Shape s = x[0].shape;
  return image(s, o.sizes[0], o.sizes[1], s[3], [&](auto n, auto p, auto q, auto c) {
    return Value{at(x[0], {n, p * s[1] / o.sizes[0], q * s[2] / o.sizes[1], c})};
  });
}

/// Triangles of height 1 around the place to read at.
Result bilinear(const Inputs& x, const OpOptions& o) {
  const Shape s = x[0].shape;
  const auto place = [&](std::int64_t i, std::int64_t n, std::int64_t m) {
    const double a = static_cast<double>(i), inputs = static_cast<double>(n),
                 outputs = static_cast<double>(m);
    const double free =
        o.keep ? (m > 1 ? a * (inputs - 1) / (outputs - 1) : 0) : (a + 0.5) * inputs / outputs - 0.5;
    return std::clamp(free, 0.0, inputs - 1);
  };
  return image(s, o.sizes[0], o.sizes[1], s[3], [&](auto n, auto p, auto q, auto c) {
    Sum sum;
    for (std::int64_t h = 0; h < s[1]; ++h)
      for (std::int64_t w = 0; w < s[2]; ++w) {
        const double dh = std::abs(static_cast<double>(h) - place(p, s[1], o.sizes[0])),
                     dw = std::abs(static_cast<double>(w) - place(q, s[2], o.sizes[1]));
        sum.add(std::max(0.0, 1 - dh) * std::max(0.0, 1 - dw) * at(x[0], {n, h, w, c}));
        sum.size += 4 * std::abs(at(x[0], {n, h, w, c}));  // the place is rounded, whatever weight it gives
      }
    return sum;
  });
}

Result reflected(const Inputs& x, const OpOptions& o) {
  const Shape s = x[0].shape;
  const auto mirrored = [](std::int64_t i, std::int64_t n) {
    i = std::abs(i);
    return i < n ? i : 2 * (n - 1) - i;
  };
  const auto [top, bottom] = o.padding[0];
  const auto [left, right] = o.padding[1];
  return image(s, s[1] + top + bottom, s[2] + left + right, s[3],
               [&, up = top, back = left](auto n, auto p, auto q, auto c) {
                 return Value{at(x[0], {n, mirrored(p - up, s[1]), mirrored(q - back, s[2]), c})};
               });
}

Result shuffle(const Inputs& x, const OpOptions& o) {
  const Shape s = x[0].shape;
  const std::int64_t r = o.sizes[0];
  return image(s, s[1] * r, s[2] * r, s[3] / (r * r), [&](auto n, auto p, auto q, auto c) {
    return Value{at(x[0], {n, p / r, q / r, (c * r + p % r) * r + q % r})};
  });
}

Result unshuffle(const Inputs& x, const OpOptions& o) {
  const Shape s = x[0].shape;
  const std::int64_t r = o.sizes[0];
  return image(s, s[1] / r, s[2] / r, s[3] * r * r, [&](auto n, auto p, auto q, auto c) {
    return Value{at(x[0], {n, p * r + c / r % r, q * r + c % r, c / (r * r)})};
  });
}

Result gather(const Inputs& x, const OpOptions& o) {
  const Array index = array(o.fixed);
  const Shape s = x[0].shape, t = index.shape;
  return image(s, t[1], t[2], t[3], [&](auto n, auto p, auto q, auto c) {
    const auto pixel = static_cast<std::int64_t>(at(index, {n, p, q, c}));
    return Value{at(x[0], {n, pixel / s[2], pixel % s[2], c})};
  });
}

Result scatter(const Inputs& x, const OpOptions& o) {
  const Array index = array(o.fixed);
  const Shape s = x[0].shape;
  return image(s, o.sizes[0], o.sizes[1], s[3], [&](auto n, auto h, auto w, auto c) {
    Sum sum;
    for (std::int64_t p = 0; p < s[1]; ++p)
      for (std::int64_t q = 0; q < s[2]; ++q)
        if (at(index, {n, p, q, c}) == static_cast<double>(h * o.sizes[1] + w))
          sum.add(at(x[0], {n, p, q, c}));
    return sum;
  });
}

Var zeros(const Shape& shape, DType dtype = DType::f32) { return tensor::zeros(shape, dtype); }

}  // namespace

References image_references() {
  return {{"resample", resampled},
          {"avg_pool2d", avg_pool},
          {"adaptive_avg_pool2d", adaptive_avg_pool},
          {"max_pool2d", max_pool},
          {"upsample_nearest", nearest_pixel},
          {"upsample_bilinear", bilinear},
          {"reflection_pad2d", reflected},
          {"pixel_shuffle", shuffle},
          {"pixel_unshuffle", unshuffle},
          {"take_pixels", gather},
          {"add_pixels", scatter}};
}

std::vector<Mistake> image_mistakes() {
  const auto x = [] { return zeros({2, 4, 6, 3}); };
  return {
      {"resample", [=] { resample(x(), nearest(3, 6), nearest(6, 6)); },
       "resample: maps of 3x6 pixels for x (2,4,6,3)"},
      {"avg_pool2d",
       [] {
         avg_pool2d(zeros({4, 6, 3}), {.size = 2});
       },
       "avg_pool2d: x (4,6,3) should be images (N,H,W,C)"},
      {"avg_pool2d", [=] { avg_pool2d(x(), {.size = 5}); },
       "a window of 5 does not fit 4 pixels with a padding of 0"},
      {"avg_pool2d", [=] { avg_pool2d(x(), {.size = 2, .padding = 2}); }, "the padding at most half of it"},
      {"adaptive_avg_pool2d", [=] { adaptive_avg_pool2d(x(), 0); }, "pixels to 0; both must be positive"},
      {"max_pool2d", [=] { max_pool2d(x(), {.size = 0}); }, "max_pool2d: windows of 0"},
      {"max_pool2d",
       [] {
         max_pool2d(zeros({2, 4, 6, 3}, DType::u8), {.size = 2});
       },
       "arithmetic is for f32 and f64"},
      {"upsample_nearest",
       [=] {
         upsample_nearest(x(), {8, -1});
       },
       "nearest: from 6 pixels to -1"},
      {"upsample_bilinear",
       [] {
         upsample_bilinear(zeros({2, 0, 6, 3}), 4);
       },
       "from 0 pixels to 4"},
      {"reflection_pad2d",
       [=] {
         reflection_pad2d(x(), {4, 0}, {0, 0});
       },
       "reflection: (4, 0) around 4 pixels; there are at most 3 to reflect"},
      {"pixel_shuffle", [=] { pixel_shuffle(x(), 2); },
       "pixel_shuffle: the 3 channels of x (2,4,6,3) are no multiple of 2 squared"},
      {"pixel_unshuffle", [=] { pixel_unshuffle(x(), 3); },
       "x (2,4,6,3) does not divide into squares of 3 pixels"},
      {"take_pixels",
       [=] {
         take_pixels(x(), tensor::full({2, 1, 1, 3}, 24, DType::i64));
       },
       "take_pixels: index 24 at position 0, there are 24 pixels"},
      {"take_pixels",
       [=] {
         take_pixels(x(), tensor::zeros({1, 1, 1, 3}, DType::i64));
       },
       "does not fit images (2,4,6,3)"},
      {"add_pixels",
       [=] {
         add_pixels(x(), tensor::zeros({2, 4, 5, 3}, DType::i64), 9);
       },
       "must have the same shape"},
  };
}

}  // namespace gesso::tests
