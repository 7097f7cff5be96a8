// A convolution as the GPU's matrix product sees it: views of the image and of the filter, and the sink of an image. All work
// on a correlation along two axes (Axis in kernels/conv.h): conv2d is one, conv2d_input one for each phase of its stride,
// several of which are products of one batch.
#pragma once

#include "kernels/conv.h"
#include "kernels/cuda/division.cuh"
#include "kernels/cuda/gemm_launch.cuh"

namespace gesso::kernels::GESSO_LEVEL {

/// An Axis in 32 bits: what all phases of a stride have in common, which a kernel reads like a constant, ..
struct AxisSteps {
  int step = 1, size = 0, dilation = 1, output_step = 1, tap_step = 1;

  AxisSteps() = default;
  explicit AxisSteps(const Axis& a)
      : step(extent(a.step)),
        size(extent(a.size)),
        dilation(extent(a.dilation)),
        output_step(extent(a.output_step)),
        tap_step(int(a.tap_step)) {
    extent(a.outputs * a.step + a.taps * a.dilation + (a.origin > 0 ? a.origin : -a.origin));
  }
};
/// .. and what is different in each. `outputs` and `taps` divide by their number.
struct AxisStart {
  int origin, first_output, first_tap;
  FastDivision outputs, taps;

  AxisStart() = default;
  explicit AxisStart(const Axis& a)
      : origin(int(a.origin)),
        first_output(int(a.first_output)),
        first_tap(int(a.first_tap)),
        outputs(divisor(a.outputs)),
        taps(divisor(a.taps)) {}

 private:
  static std::uint32_t divisor(std::int64_t n) { return n < 1 ? 1u : std::uint32_t(extent(n)); }
};

/// One phase: `rows` output pixels (n, i, j) of all images, each of which reads `taps` taps.
struct Phase {
  AxisStart down, across;
  int rows, taps;

  struct Pixel {
    int n, i, j;
  };
  __device__ Pixel pixel(int row) const {
    const std::uint32_t line = across.outputs(std::uint32_t(row)), n = down.outputs(line);
    return {int(n), int(line - n * down.outputs.divisor),
            int(std::uint32_t(row) - line * across.outputs.divisor)};
  }
  struct Tap {
    int r, s;
  };
  __device__ Tap tap(int number) const {
    const std::uint32_t r = across.taps(std::uint32_t(number));
    return {int(r), int(std::uint32_t(number) - r * across.taps.divisor)};
  }
};

/// The correlations of one launch. Product b of the batch is that of phase b % count and of channel group b / count.
struct Phases {
  static constexpr int kMost = 4;  // those of a stride of 2; a kernel's parameters have room for 4 KiB
  int count = 0;
  AxisSteps down, across;
  Phase of[kMost];

  void add(std::int64_t images, const Axis& d, const Axis& a) {
    if (count == 0 || d.taps > 0)
      down = AxisSteps(d);  // without taps it does not know how far apart they are
    if (count == 0 || a.taps > 0) across = AxisSteps(a);
    of[count++] = {AxisStart(d), AxisStart(a), extent(images * d.outputs * a.outputs),
                   extent(d.taps * a.taps)};
  }
  /// The most rows and taps among them, to size the launch by.
  int rows() const { return most(&Phase::rows); }
  int taps() const { return most(&Phase::taps); }

  /// Where an output pixel lies in its image, and where its first tap, which need not be inside, in the other.
  struct Place {
    int h, w;
  };
  __device__ Place output(const Phase& p, const Phase::Pixel& at) const {
    return {p.down.first_output + at.i * down.output_step, p.across.first_output + at.j * across.output_step};
  }
  __device__ Place input(const Phase& p, const Phase::Pixel& at) const {
    return {at.i * down.step + p.down.origin, at.j * across.step + p.across.origin};
  }
  __device__ bool inside(int h, int w) const {
    return unsigned(h) < unsigned(down.size) && unsigned(w) < unsigned(across.size);
  }
  /// The filter's tap that is a phase's tap (r, s).
  __device__ Phase::Tap filter_tap(const Phase& p, const Phase::Tap& tap) const {
    return {p.down.first_tap + tap.r * down.tap_step, p.across.first_tap + tap.s * across.tap_step};
  }

 private:
  int most(int Phase::*number) const {
    int n = 0;
    for (int p = 0; p < count; ++p) n = n < of[p].*number ? of[p].*number : n;
    return n;
  }
};

/// Images in memory: element (n, h, w, c) at n image + h row + w pixel + c. A group has `channels` of them.
struct ImageLayout {
  std::int64_t image, row, pixel;
  int channels;
};
inline ImageLayout layout(std::int64_t H, std::int64_t W, std::int64_t C, std::int64_t groups) {
  return {H * W * C, W * C, C, extent(C / groups)};
}
/// Whether packs of channels can be moved at once.
template <class T>
bool packed_channels(const T* p, const ImageLayout& at) {
  return wide_enough(p, at.pixel, at.channels);
}

/// Lines are output pixels; along them lie the taps, and in each tap the channels that it reads.
template <class T>
struct Patches {
  const T* image;
  ImageLayout at;
  FastDivision channels;
  Phases phases;
  bool wide;

  Patches(const T* start, const ImageLayout& layout, const Phases& p)
      : image(start),
        at(layout),
        channels(std::uint32_t(layout.channels)),
        phases(p),
        wide(packed_channels(start, layout)) {}

  struct Batch {
    const Patches& of;
    const Phase& c;
    const T* image;
    int lines, length;
    bool wide;

    static constexpr bool tabulated = true;
    struct alignas(16) Line {
      std::int64_t offset;  // of the first tap, wherever that is
      int h, w;
    };
    __device__ Line line(int i) const {
      const Phase::Pixel pixel = c.pixel(i);
      const auto [h, w] = of.phases.input(c, pixel);
      return {pixel.n * of.at.image + h * of.at.row + w * of.at.pixel, h, w};
    }
    __device__ const T* at(const Line& line, int j) const {
      const Phases& p = of.phases;
      const int number = int(of.channels(std::uint32_t(j)));
      const auto [r, s] = c.tap(number);
      const int down = r * p.down.dilation, across = s * p.across.dilation;
      const std::int64_t from_first = down * of.at.row + across * of.at.pixel + (j - number * of.at.channels);
      return p.inside(line.h + down, line.w + across) ? image + (line.offset + from_first) : nullptr;
    }
  };
  __device__ Batch batch(int b) const {
    const int group = b / phases.count;
    const Phase& c = phases.of[b % phases.count];
    return {*this, c, image + std::int64_t(group) * at.channels, c.rows, c.taps * at.channels, wide};
  }
};

/// The filter w (K,R,S,C/groups) for conv2d_input: lines are taps and in each tap the channels of y; along them lie the
/// channels of x.
template <class T>
struct FilterRows {
  const T* w;
  FastDivision filters;  // of a group
  int size, S, C;        // elements of one filter, and what they are made of
  std::int64_t group;    // elements of a group's filters
  Phases phases;
  bool wide;

  FilterRows(const T* start, const Conv2dGeometry& g, const Phases& p)
      : w(start),
        filters(std::uint32_t(g.K / g.groups)),
        size(extent(g.R * g.S * (g.C / g.groups))),
        S(int(g.S)),
        C(int(g.C / g.groups)),
        group(extent(g.K / g.groups * size)),
        phases(p),
        wide(wide_enough(start, C, 0)) {}

  struct Batch {
    const FilterRows& of;
    const Phase& c;
    const T* w;  // the phase's first tap
    int lines, length;
    bool wide;

    static constexpr bool tabulated = false;
    struct Line {
      const T* p;
    };
    __device__ const T* at(const Line& line, int j) const { return line.p + j; }
    __device__ Line line(int i) const {
      const int number = int(of.filters(std::uint32_t(i))), k = i - number * int(of.filters.divisor);
      const auto [r, s] = c.tap(number);
      return {w +
              (k * of.size + (r * of.phases.down.tap_step * of.S + s * of.phases.across.tap_step) * of.C)};
    }
  };
  __device__ Batch batch(int b) const {
    const Phase& c = phases.of[b % phases.count];
    const T* const first = w + b / phases.count * group + (c.down.first_tap * S + c.across.first_tap) * C;
    return {*this, c, first, c.taps * int(filters.divisor), C, wide};
  }
};

/// Row i is output pixel i of the phase, a column a channel.
template <class T>
struct PixelsOut {
  T* y;
  ImageLayout at;
  Phases phases;
  Epilogue<T> e;
  bool wide;

  PixelsOut(T* start, const ImageLayout& layout, const Phases& p, const Epilogue<T>& epilogue)
      : y(start), at(layout), phases(p), e(epilogue), wide(packed_channels(start, layout)) {}

  struct Batch {
    const PixelsOut& of;
    const Phase& c;
    int first;  // channel of the group

    __device__ void put(int i, int j, const Pack<T>& sums, int n) const {
      if (i >= c.rows) return;  // the launch is as large as its largest phase
      const Phase::Pixel pixel = c.pixel(i);
      const auto [h, w] = of.phases.output(c, pixel);
      T* const to = of.y + (pixel.n * of.at.image + h * of.at.row + w * of.at.pixel + first + j);
      store_some(to, finished(of.e, sums, first + j, n), n, of.wide);
    }
  };
  __device__ Batch batch(int b) const {
    return {*this, phases.of[b % phases.count], b / phases.count * at.channels};
  }
};

}  // namespace gesso::kernels::GESSO_LEVEL
