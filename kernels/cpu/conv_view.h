// A correlation of an image with a filter as a matrix product: rows are output pixels, columns output channels, and K runs
// over taps and input channels. The image is read where it lies: pixels are sorted by the taps that lie inside the image for
// them, so that all rows of a panel read the same taps, and the others are not multiplied at all.
#pragma once

#include "kernels/conv.h"
#include "kernels/cpu/gemm_blocked.h"

namespace gesso::kernels::GESSO_LEVEL {

/// A run of outputs with the same taps [low, high).
struct Interval {
  std::int64_t begin, end, low, high;
};

/// The outputs of an axis cut into such runs.
class Intervals {
 public:
  explicit Intervals(const Axis& a)
      : list_(static_cast<Interval*>(::malloc(std::size_t(a.outputs + 1) * sizeof(Interval)))) {
    if (!list_) __builtin_trap();
    for (std::int64_t o = 0; o < a.outputs; ++o) {
      const Interval one{o, o + 1, a.low(o), a.high(o)};
      if (count_ && list_[count_ - 1].low == one.low && list_[count_ - 1].high == one.high)
        ++list_[count_ - 1].end;
      else
        list_[count_++] = one;
    }
  }
  ~Intervals() { ::free(list_); }
  Intervals(const Intervals&) = delete;
  Intervals& operator=(const Intervals&) = delete;
  std::int64_t count() const { return count_; }
  const Interval& operator[](std::int64_t i) const { return list_[i]; }

 private:
  Interval* list_;
  std::int64_t count_ = 0;
};

/// Images in memory: element (n, h, w, c) at n image + h row + w pixel + c; `channels` of them are in use.
struct Layout {
  std::int64_t image, row, pixel, channels;
};

/// `images` images, each correlated along two axes; from images laid out as `in` to images laid out as `out`.
struct Correlation {
  std::int64_t images;
  Axis down, across;
  Layout in, out;

  std::int64_t depth() const { return down.taps * across.taps * in.channels; }
  std::int64_t pixels() const { return images * down.outputs * across.outputs; }
  /// Whether taps that follow each other across an image lie side by side in memory.
  bool taps_join() const { return across.dilation == 1 && in.pixel == in.channels; }
  std::int64_t in_at(std::int64_t i, std::int64_t j, std::int64_t r, std::int64_t s) const {
    return (i * down.step + down.origin + r * down.dilation) * in.row +
           (j * across.step + across.origin + s * across.dilation) * in.pixel;
  }
  std::int64_t out_at(std::int64_t i, std::int64_t j) const {
    return (down.first_output + i * down.output_step) * out.row +
           (across.first_output + j * across.output_step) * out.pixel;
  }
};

/// The pixels of all images that read the same taps: those in rows [v.begin, v.end) and columns [h.begin, h.end), and the
/// panels they are cut into.
struct PixelClass {
  Interval v, h;
  std::int64_t first_panel;
  Parts panels;

  std::int64_t height() const { return v.end - v.begin; }
  std::int64_t width() const { return h.end - h.begin; }
};

/// The classes of a correlation, row by row of the image, and their panels one after the other.
class PixelPanels {
 public:
  explicit PixelPanels(const Correlation& c) : shape(c), down_(c.down), across_(c.across) {
    for (std::int64_t i = 0; i < down_.count() * across_.count(); ++i) count += from(i, 0).panels.count;
  }
  /// Class `index`, whose first panel is `first`.
  PixelClass from(std::int64_t index, std::int64_t first) const {
    const Interval &v = down_[index / across_.count()], &h = across_[index % across_.count()];
    return {v, h, first, Parts(shape.images * (v.end - v.begin) * (h.end - h.begin), MR)};
  }
  /// The class that panel p is in, and its index.
  PixelClass around(std::int64_t p, std::int64_t& index) const {
    PixelClass c = from(index = 0, 0);
    while (p >= c.first_panel + c.panels.count) c = from(++index, c.first_panel + c.panels.count);
    return c;
  }

  Correlation shape;
  std::int64_t count = 0;

 private:
  Intervals down_, across_;
};

/// The image as A of the product.
template <class T>
struct Patches {
  using Element = T;
  const PixelPanels* panels;
  const T* image;
  Patches at(std::int64_t) const { return *this; }
};
template <class T>
inline constexpr bool kPacked<Patches<T>> = false;
template <class T>
std::int64_t stretch(const Patches<T>&, std::int64_t, std::int64_t) {
  return 0;
}
template <class T>
const PixelPanels& panels_of(const Patches<T>& a, std::int64_t) {
  return *a.panels;
}

/// The result as C: rows are pixels.
template <class T>
struct Pixels : Rows<T> {
  Pixels at(std::int64_t) const { return *this; }
};

/// A panel of pixels: the addresses of their inputs and outputs follow from those of the pixel before, without a division.
template <class T>
class PixelSpot {
 public:
  PixelSpot(const PixelPanels& panels, const T* image, T* y, std::int64_t p)
      : panels_(&panels), image_(image), y_(y), p_(p), class_(panels.around(p, index_)) {
    const std::int64_t pixel = class_.panels.begin(p - class_.first_panel);
    j_ = pixel % class_.width();
    i_ = pixel / class_.width() % class_.height();
    n_ = pixel / class_.width() / class_.height();
    find();
  }

  std::int64_t m0() const { return 0; }
  std::int64_t rows() const { return class_.panels.size(p_ - class_.first_panel); }
  void next() {
    const std::int64_t past = class_.first_panel + class_.panels.count;
    if (++p_ < past || p_ == panels_->count) return;
    class_ = panels_->from(++index_, past);
    i_ = j_ = n_ = 0;
    fresh_ = true;
    find();
  }

  /// Where the taps of the class lie in [k0, k0 + K), as seen from its first tap.
  void pieces_in(std::int64_t k0, std::int64_t K, Pieces<T>& pieces) {
    if (!fresh_) return;
    fresh_ = false;
    pieces.count = 0;
    const Correlation& c = panels_->shape;
    const Interval &v = class_.v, &h = class_.h;
    const std::int64_t joined = c.taps_join() ? h.high - h.low : 1, length = joined * c.in.channels;
    for (std::int64_t r = v.low; r < v.high; ++r)
      for (std::int64_t s = h.low; s < h.high; s += joined) {
        const std::int64_t k = (r * c.across.taps + s) * c.in.channels;
        const std::int64_t begin = k > k0 ? k : k0, end = k + length < k0 + K ? k + length : k0 + K;
        const std::int64_t from = c.in_at(0, 0, r, s) - c.in_at(0, 0, v.low, h.low);
        if (begin < end) pieces.add(from + begin - k, (begin - k0) * pieces.b_row, end - begin);
      }
  }

  /// The first taps of the pixels of the panel, and where their results go; steps on to the next panel.
  void locate(Located<T>& at, std::int64_t n0) {
    for (std::int64_t row = 0, n = rows(); row < n; ++row) {
      at.a[row] = image_ + in_;
      at.out[row] = y_ + out_ + n0;
      const Correlation& c = panels_->shape;
      in_ += c.across.step * c.in.pixel;
      out_ += c.across.output_step * c.out.pixel;
      if (++j_ == class_.width()) {
        j_ = 0;
        if (++i_ == class_.height()) i_ = 0, ++n_;
        find();
      }
    }
  }

 private:
  void find() {
    const Correlation& c = panels_->shape;
    const std::int64_t i = class_.v.begin + i_, j = class_.h.begin + j_;
    const bool reads = class_.v.low < class_.v.high && class_.h.low < class_.h.high;
    in_ = reads ? n_ * c.in.image + c.in_at(i, j, class_.v.low, class_.h.low) : 0;
    out_ = n_ * c.out.image + c.out_at(i, j);
  }

  const PixelPanels* panels_;
  const T* image_;
  T* y_;
  std::int64_t p_, index_ = 0;
  PixelClass class_;
  std::int64_t n_ = 0, i_ = 0, j_ = 0, in_ = 0, out_ = 0;
  bool fresh_ = true;
};
template <class T>
PixelSpot<T> first_spot(const Patches<T>& a, const Pixels<T>& c, const PixelPanels& panels, std::int64_t p) {
  return {panels, a.image, c.y, p};
}

/// The filter of a correlation as B: row (tap down, tap across, channel of y) of channels of x, from w (K,R,S,C/groups).
template <class T>
struct FilterRows {
  using Element = T;
  const T* w;
  Axis down, across;
  std::int64_t channels;  // of y
  std::int64_t R, S, C;   // of w

  typename Dense<T>::Row row(std::int64_t i) const {
    const std::int64_t k = i % channels, tap = i / channels;
    const std::int64_t r = down.first_tap + tap / across.taps * down.tap_step,
                       s = across.first_tap + tap % across.taps * across.tap_step;
    return {w + ((k * R + r) * S + s) * C};
  }
  FilterRows at(std::int64_t) const { return *this; }
};

}  // namespace gesso::kernels::GESSO_LEVEL
