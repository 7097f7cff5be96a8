// Convolutions of small images by the convolution theorem. In the discrete Fourier transform over n x n points a correlation is
// a product: Y = X conj(W), frequency by frequency (Mathieu, Henaff & LeCun 2014, arXiv:1312.5851). An image of 7x7 under a
// filter of 5x5 takes 41 products of complex numbers instead of 841 of real ones.
//
// It is as a circle that the transform sees an axis. So n is large enough for the zeros of the padding to lie between an image's
// end and its beginning; they serve both. A stride's phases (conv_winograd.h) are images of their own, added up there.
//
// Of real images half of the frequencies say all: one of each pair (k, -k) counts twice. A product of complex numbers is three of
// real ones (Karatsuba & Ofman 1962; this form is Gauss's),
//
//   Y = X V:  p = (Xr + Xi) Vr, q = Xr (Vi - Vr), r = Xi (Vr + Vi),  Yr = p - r, Yi = p + q
//
// and these three are places of a domain like any other.
#pragma once

#include "kernels/cpu/conv_domain.h"

namespace gesso::kernels::GESSO_LEVEL {

/// A phase of one axis: its image has `size` pixels, at `first`, `first` + stride, .., its filter the taps `tap`, `tap` + stride,
/// ..; output p is the sum over taps u of pixel p + u + origin.
struct PhaseLine {
  std::int64_t first, size, tap, taps, origin;
  PhaseLine(std::int64_t pixels, std::int64_t all_taps, std::int64_t stride, std::int64_t padding,
            std::int64_t phase) {
    first = ((phase - padding) % stride + stride) % stride;
    size = pixels > first ? (pixels - first + stride - 1) / stride : 0;
    tap = phase;
    taps = all_taps > phase ? (all_taps - phase + stride - 1) / stride : 0;
    origin = (phase - padding - first) / stride;
  }
  /// The least circle that has room for all of them, and on which no output reads a pixel that is not its own.
  std::int64_t circle(std::int64_t outputs) const {
    const std::int64_t all[] = {size, taps, outputs, size - origin, outputs + taps - 1 + origin};
    std::int64_t n = 1;
    for (const std::int64_t least : all) n = least > n ? least : n;
    return n;
  }
};

/// The domain: X has a row for each image, and D = phases C.
template <class T>
struct Fourier {
  /// The largest n: the transforms of larger images, n operations an element, would take as long as the products.
  static constexpr std::int64_t kMost = 12;

  const Conv2dGeometry& g;
  std::int64_t phases = g.stride.h * g.stride.w, n = circle(g), frequencies = 0;
  std::int64_t places, rows = 1, C = g.C, D = phases * C, K = g.K;
  T cosine[kMost * kMost] = {}, sine[kMost * kMost] = {};  // of 2 pi k x / n at k n + x
  struct Frequency {
    std::int64_t down, across;
    T weight;  // 1 / n^2 for each of it and its mirror
  } list[kMost * (kMost / 2 + 1)];

  static bool fits(const Conv2dGeometry& g) { return circle(g) <= kMost; }
  static std::int64_t circle(const Conv2dGeometry& g) {
    std::int64_t n = 1;
    for (std::int64_t f = 0; f < g.stride.h * g.stride.w; ++f) {
      const std::int64_t h = down(g, f).circle(g.P), w = across(g, f).circle(g.Q);
      n = h > n ? h : n, n = w > n ? w : n;
    }
    return n;
  }
  static PhaseLine down(const Conv2dGeometry& g, std::int64_t phase) {
    return {g.H, g.R, g.stride.h, g.padding.h, phase / g.stride.w};
  }
  static PhaseLine across(const Conv2dGeometry& g, std::int64_t phase) {
    return {g.W, g.S, g.stride.w, g.padding.w, phase % g.stride.w};
  }

  explicit Fourier(const Conv2dGeometry& geometry) : g(geometry) {
    for (std::int64_t i = 0; i < n * n; ++i) {
      const double angle = 2 * 3.14159265358979323846 * double(i / n * (i % n) % n) / double(n);
      cosine[i] = T(__builtin_cos(angle)), sine[i] = T(__builtin_sin(angle));
    }
    for (std::int64_t k = 0; k <= n / 2; ++k)
      for (std::int64_t j = 0; j < n; ++j) {
        const std::int64_t mirrored_j = (n - j) % n;
        const bool own_mirror = (2 * k) % n == 0;
        if (own_mirror && mirrored_j < j) continue;  // came already
        const double both = own_mirror && mirrored_j == j ? 1 : 2;
        list[frequencies++] = {j, k, T(both / double(n * n))};
      }
    places = 3 * frequencies;
  }
  /// In multiply-adds. To bring an element there or back takes as long as some 64, measured with DCGAN's layers for 28x28: 5x5 on
  /// 7x7 pixels takes a third of the time of the direct way, from 14x14 to 7x7 nine tenths.
  double cost() const { return domain_cost(*this, g.N, 64); }

  /// A rectangle of pixels, `height` x `width`, on the circles from (top, left) on.
  template <class P>
  struct Area {
    P* p;
    std::int64_t height, width, row, pixel, top, left;
    P* at(std::int64_t i, std::int64_t j) const { return p + i * row + j * pixel; }
  };
  template <class P>
  Area<P> image_area(P* image, std::int64_t phase) const {
    const PhaseLine v = down(g, phase), h = across(g, phase);
    return {image + (v.first * g.W + h.first) * g.C,
            v.size,
            h.size,
            g.stride.h * g.W * g.C,
            g.stride.w * g.C,
            0,
            0};
  }
  template <class P>
  Area<P> output_area(P* output) const {
    return {output, g.P, g.Q, g.Q * g.K, g.K, 0, 0};
  }
  template <class P>
  Area<P> filter_area(P* filter, std::int64_t phase) const {
    const PhaseLine v = down(g, phase), h = across(g, phase);
    return {filter + (v.tap * g.S + h.tap) * g.C,
            v.taps,
            h.taps,
            g.stride.h * g.S * g.C,
            g.stride.w * g.C,
            (v.origin + n) % n,
            (h.origin + n) % n};
  }

  /// f(frequency, re, im): the transform of a vector of channels.
  template <class F>
  void there(const Area<const T>& x, const F& f) const {
    Vector<T> re[kMost][kMost / 2 + 1], im[kMost][kMost / 2 + 1];
    for (std::int64_t i = 0; i < x.height; ++i)
      for (std::int64_t k = 0; k <= n / 2; ++k) {
        Vector<T> a{}, b{};
        for (std::int64_t j = 0, at = x.left; j < x.width; ++j, at = at + 1 < n ? at + 1 : 0) {
          const Vector<T> v = load(x.at(i, j));
          a += cosine[k * n + at] * v, b -= sine[k * n + at] * v;
        }
        re[i][k] = a, im[i][k] = b;
      }
    for (std::int64_t e = 0; e < frequencies; ++e) {
      const std::int64_t k = list[e].across, wave = list[e].down * n;
      Vector<T> a{}, b{};
      for (std::int64_t i = 0, at = x.top; i < x.height; ++i, at = at + 1 < n ? at + 1 : 0) {
        const T c = cosine[wave + at], s = sine[wave + at];
        a += c * re[i][k] + s * im[i][k], b += c * im[i][k] - s * re[i][k];
      }
      f(e, a, b);
    }
  }
  /// The way back, with f(frequency, re, im) to ask for the transform: added to what x holds.
  template <class F>
  void back(const F& f, const Area<T>& x) const {
    Vector<T> re[kMost][kMost / 2 + 1] = {}, im[kMost][kMost / 2 + 1] = {};
    for (std::int64_t e = 0; e < frequencies; ++e) {
      const std::int64_t k = list[e].across, wave = list[e].down * n;
      Vector<T> a, b;
      f(e, a, b);
      for (std::int64_t i = 0, at = x.top; i < x.height; ++i, at = at + 1 < n ? at + 1 : 0) {
        const T c = cosine[wave + at], s = sine[wave + at];
        re[i][k] += c * a - s * b, im[i][k] += s * a + c * b;
      }
    }
    for (std::int64_t i = 0; i < x.height; ++i)
      for (std::int64_t j = 0, at = x.left; j < x.width; ++j, at = at + 1 < n ? at + 1 : 0) {
        Vector<T> v = load(x.at(i, j));
        for (std::int64_t k = 0; k <= n / 2; ++k)
          v += cosine[k * n + at] * re[i][k] - sine[k * n + at] * im[i][k];
        store(x.at(i, j), v);
      }
  }

  void image(const T* x, const Places<T>& X) const {
    parallel_blocks(X.rows, 1, [&](std::int64_t i, std::int64_t) {
      for (std::int64_t f = 0; f < phases; ++f)
        for (std::int64_t c = 0; c < C; c += kLanes<T>)
          there(image_area(x + i * g.H * g.W * g.C + c, f), [&](std::int64_t e, Vector<T> re, Vector<T> im) {
            put(X, e, i, f * C + c, re + im, re, im);
          });
    });
  }
  void image_back(const Places<T>& X, const Rows<T>& x) const {
    const std::int64_t pixels = g.H * g.W;
    parallel_blocks(X.rows, 1, [&](std::int64_t i, std::int64_t) {
      T* const image = x.row(i * pixels);
      for (std::int64_t p = 0; p < pixels; ++p) start(x, image + p * g.C, C);
      for (std::int64_t f = 0; f < phases; ++f)
        for (std::int64_t c = 0; c < C; c += kLanes<T>)
          back(
              [&](std::int64_t e, Vector<T>& re, Vector<T>& im) {
                const Three x3 = take(X, e, i, f * C + c);
                re = x3.p + x3.q, im = x3.p + x3.r;
              },
              image_area(image + c, f));
      for (std::int64_t p = 0; p < pixels; ++p) x.finish(image + p * g.C, C);
    });
  }
  void output(const T* y, const Places<T>& Y) const {
    parallel_blocks(Y.rows, 1, [&](std::int64_t i, std::int64_t) {
      for (std::int64_t c = 0; c < K; c += kLanes<T>)
        there(output_area(y + i * g.P * g.Q * g.K + c),
              [&](std::int64_t e, Vector<T> re, Vector<T> im) { put(Y, e, i, c, re + im, im, -re); });
    });
  }
  void output_back(const Places<T>& Y, const Rows<T>& y) const {
    const std::int64_t pixels = g.P * g.Q;
    parallel_blocks(Y.rows, 1, [&](std::int64_t i, std::int64_t) {
      T* const output = y.row(i * pixels);
      for (std::int64_t p = 0; p < pixels; ++p) start(y, output + p * g.K, K);
      for (std::int64_t c = 0; c < K; c += kLanes<T>)
        back(
            [&](std::int64_t e, Vector<T>& re, Vector<T>& im) {
              const Three y3 = take(Y, e, i, c);
              re = y3.p - y3.r, im = y3.p + y3.q;
            },
            output_area(output + c));
      for (std::int64_t p = 0; p < pixels; ++p) y.finish(output + p * g.K, K);
    });
  }
  // V = conj(W), weighed.
  void filter(const T* w, const Places<T>& U) const {
    for_each_filter([&](std::int64_t k, std::int64_t f, std::int64_t c) {
      there(filter_area(w + k * g.R * g.S * g.C + c, f), [&](std::int64_t e, Vector<T> re, Vector<T> im) {
        re *= list[e].weight, im *= -list[e].weight;
        put(U, e, k, f * C + c, re, im - re, re + im);
      });
    });
  }
  void filter_back(const Places<T>& U, T* w, bool adds) const {
    for_each_filter([&](std::int64_t k, std::int64_t f, std::int64_t c) {
      const Area<T> area = filter_area(w + k * g.R * g.S * g.C + c, f);
      for (std::int64_t i = 0; i < area.height * area.width && !adds; ++i)
        store(area.at(i / area.width, i % area.width), Vector<T>{});
      back(
          [&](std::int64_t e, Vector<T>& re, Vector<T>& im) {
            const Three u3 = take(U, e, k, f * C + c);
            re = list[e].weight * (u3.p - u3.q + u3.r), im = -list[e].weight * (u3.q + u3.r);
          },
          area);
    });
  }
  struct Three {
    Vector<T> p, q, r;
  };
  void put(const Places<T>& to, std::int64_t e, std::int64_t row, std::int64_t column, Vector<T> p,
           Vector<T> q, Vector<T> r) const {
    T* const at = to.at(row, column) + 3 * e * to.apart();
    store(at, p), store(at + to.apart(), q), store(at + 2 * to.apart(), r);
  }
  Three take(const Places<T>& from, std::int64_t e, std::int64_t row, std::int64_t column) const {
    const T* const at = from.at(row, column) + 3 * e * from.apart();
    return {load(at), load(at + from.apart()), load(at + 2 * from.apart())};
  }
  template <class F>
  void for_each_filter(const F& f) const {
    parallel_blocks(K, 1, [&](std::int64_t k, std::int64_t) {
      for (std::int64_t phase = 0; phase < phases; ++phase)
        for (std::int64_t c = 0; c < C; c += kLanes<T>) f(k, phase, c);
    });
  }
};

}  // namespace gesso::kernels::GESSO_LEVEL
