// Convolutions between a narrow image x (N,H,W,C), a picture of 1 or 3 channels say, and a wide one y (N,P,Q,K). Vectors along
// C would be almost empty. But the S C elements of x under a row of the filter lie side by side: R such runs are the *patch* of
// a pixel of y, w (K, RSC) has the same order, and so vectors run along all of RSC, or along K:
//
//   conv2d         y (pixels, K)   = patches (pixels, RSC) * w' (RSC, K)
//   conv2d_input   z (pixels, RSC) = y (pixels, K) * w (K, RSC), added up where patches overlap, some rows at a time
//   conv2d_filter  w' (RSC, K)     = patches' (RSC, pixels) * y (pixels, K)
//
// No patch is copied: some rows of x at a time are put amid the zeros of their padding, and patches are read there.
#pragma once

#include "kernels/conv.h"
#include "kernels/cpu/gemm_blocked.h"
#include "kernels/cpu/parallel.h"

namespace gesso::kernels::GESSO_LEVEL {

/// Memory that all threads of a kernel use; it belongs to the one that calls.
inline thread_local Scratch for_all;

/// A sixteenth of n things: parts enough for the threads to share evenly, but at least so many that what each
/// begins with is cheap beside it.
inline std::int64_t part_of(std::int64_t n, std::int64_t least) {
  const std::int64_t part = n / 16;
  return part < least ? least : part;
}

/// The rows of x that some rows of pixels read, with zeros around them.
template <class T>
class Band {
 public:
  Band(const Conv2dGeometry& g, const T* x, std::int64_t pixel_rows)
      : row(((g.Q - 1) + (g.S + g.stride.w - 1) / g.stride.w) * g.stride.w * g.C),
        g_(g),
        x_(x),
        height_((pixel_rows - 1) * g.stride.h + (g.R - 1) * g.dilation.h + 1),
        rows_(static_cast<T*>(scratch.at_least(std::size_t(height_ * row) * sizeof(T)))) {
    for (std::int64_t i = 0; i < height_ * row; ++i) rows_[i] = 0;
  }

  /// From row p of the pixels of image n on.
  void hold(std::int64_t n, std::int64_t p) {
    const std::int64_t left = g_.padding.w * g_.C, room = row - left, width = g_.W * g_.C;
    for (std::int64_t i = 0; i < height_ && left < row; ++i) {
      const std::int64_t h = p * g_.stride.h - g_.padding.h + i, size = width < room ? width : room;
      T* to = rows_ + i * row + left;
      if (h >= 0 && h < g_.H)
        copy(x_ + (n * g_.H + h) * width, size, to);
      else
        for (std::int64_t j = 0; j < size; ++j) to[j] = 0;
    }
  }
  /// The patch of the first pixel in row i of those held. The next one is a stride further, that of the next row
  /// next_row() strides.
  const T* patch(std::int64_t i) const { return rows_ + i * g_.stride.h * row; }
  std::int64_t next_row() const { return g_.stride.h * row / (g_.stride.w * g_.C); }
  /// Where element e = (r, s, c) of a patch lies.
  std::int64_t offset(std::int64_t e) const {
    return e / (g_.S * g_.C) * g_.dilation.h * row + e % (g_.S * g_.C);
  }

  const std::int64_t row;  // whole strides

 private:
  const Conv2dGeometry& g_;
  const T* x_;
  std::int64_t height_;
  T* rows_;
};

/// The micro-kernel for `rows` rows and `width` columns, whole vectors.
template <class T>
void run_tile(std::int64_t rows, std::int64_t width, const Factors<T>& f, const Tile<T>& tile,
              Also also = Also::nothing) {
  kMicroKernels<T>.at[int(also)][width / kLanes<T> - 1][rows - 1](f, tile);
}

/// Whether patches lie in runs, and K in one block.
template <class T>
bool in_runs(const Conv2dGeometry& g) {
  const bool any = g.N > 0 && g.C > 0 && g.K > 0 && g.P > 0 && g.Q > 0;
  return any && g.groups == 1 && g.dilation.w == 1 && g.R * g.S * g.C <= kInPlaceKC<T>;
}
/// Whether conv2d is to go along patches: vectors along K are full, those along C would not be.
template <class T>
bool is_narrow(const Conv2dGeometry& g) {
  return in_runs<T>(g) && g.K % kLanes<T> == 0 && g.C < kLanes<T>;
}

/// y (N,P,Q,K) = act(patches of x (N,H,W,C) * w' + bias (K))
template <class T>
void conv2d_narrow(const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) {
  constexpr std::int64_t kRows =
      8;  // of pixels at a time: the rows of x that two bands share are few beside them
  const std::int64_t run = g.S * g.C, depth = g.R * run;
  const Slivers<T> slivers{g.K};
  const Parts bands(g.P, kRows), panels(g.Q, MR);
  T* turned = static_cast<T*>(for_all.at_least(std::size_t(g.K * depth) * sizeof(T)));
  pack_b(Transposed<Dense<T>>{{w, depth, 0}}, 0, depth, 0, g.K, g.K, turned);
  const Rows<T> sink{y, g.K, 0, e.bias, e.act, e.slope};
  const auto some_bands = [&](std::int64_t begin, std::int64_t end) {
    Band<T> band(g, x, bands.size(0));
    Pieces<T> pieces(g.K);
    for (std::int64_t r = 0; r < g.R; ++r) pieces.add(band.offset(r * run), r * run * g.K, run);
    Factors<T> f{{}, nullptr, 1, nullptr, g.K, nullptr, pieces.list, pieces.count};
    T* row[MR];
    for (std::int64_t b = begin; b < end; ++b) {
      const std::int64_t n = b / bands.count, p0 = bands.begin(b % bands.count);
      band.hold(n, p0);
      for (std::int64_t t = 0; t < bands.size(b % bands.count) * panels.count; ++t) {
        const std::int64_t p = t / panels.count, panel = t % panels.count;
        const std::int64_t q = panels.begin(panel), rows = panels.size(panel);
        T* out = sink.row((n * g.P + p0 + p) * g.Q + q);
        for (std::int64_t i = 0; i < rows; ++i) f.a[i] = band.patch(p) + (q + i) * g.stride.w * g.C;
        for (std::int64_t j = 0; j < slivers.count; ++j) {
          const std::int64_t k0 = slivers.begin(j);
          f.b = turned + k0;
          for (std::int64_t i = 0; i < rows; ++i) row[i] = out + i * g.K + k0;
          run_tile(rows, slivers.size(j), f, {row, e.bias ? e.bias + k0 : kZeros<T>, false, true});
        }
        if (e.act != Activation::none) sink.finish(out, rows * g.K);
      }
    }
  };
  parallel_blocks(g.N * bands.count, part_of(g.N * bands.count, 1), some_bands);
}

/// Up to two vectors of channels: then the sums for all of w, as many for each slice of the pixels, are few.
template <class T>
bool is_narrow_for_filter(const Conv2dGeometry& g) {
  return in_runs<T>(g) && g.K % kLanes<T> == 0 && g.C <= 2 * kLanes<T>;
}

/// dw (K, RSC) = y' (K, pixels) * patches of x. Slices of the pixels, as many as their number asks for and no matter how many
/// threads there are, are summed by themselves and then added in order.
template <class T>
void conv2d_filter_narrow(const Conv2dGeometry& g, const T* x, const T* y, T* w) {
  constexpr std::int64_t kPixels = 256;  // of y at a time: with K = 64 they take 64 KiB, which stay in L2
  constexpr std::int64_t kSlice =
      4 * kPixels;                      // of y at least in a slice, whose sums are begun and added for each
  constexpr std::int64_t kSlices = 32;  // at most, or their sums would not fit the caches
  const std::int64_t depth = g.R * g.S * g.C, size = depth * g.K;
  const Parts bands(g.P, kPixels / g.Q < 1 ? 1 : kPixels / g.Q), panels(depth, MR);
  const Slivers<T> slivers{g.K};
  std::int64_t count = g.N * g.P * g.Q / kSlice;
  count = count < 1 ? 1 : count < kSlices ? count : kSlices;
  const Parts slices(g.N * bands.count, (g.N * bands.count + count - 1) / count);
  T* sums = static_cast<T*>(for_all.at_least(std::size_t(slices.count * size) * sizeof(T)));
  parallel_blocks(slices.count, 1, [&](std::int64_t slice, std::int64_t) {
    Band<T> band(g, x, bands.size(0));
    Pieces<T> pieces(g.K);
    Factors<T> f{{}, nullptr, g.stride.w * g.C, nullptr, g.K, nullptr, pieces.list, 0};
    T *row[MR], *sum = sums + slice * size;
    for (std::int64_t i = 0; i < size; ++i) sum[i] = 0;
    for (std::int64_t i = 0; i < slices.size(slice); ++i) {
      const std::int64_t b = slices.begin(slice) + i, n = b / bands.count, p0 = bands.begin(b % bands.count);
      band.hold(n, p0);
      pieces.count = 0;
      for (std::int64_t p = 0; p < bands.size(b % bands.count); ++p)
        pieces.add(p * band.next_row(), p * g.Q * g.K, g.Q);
      f.count = pieces.count;
      for (std::int64_t j = 0; j < slivers.count; ++j) {
        const std::int64_t k0 = slivers.begin(j);
        f.b = y + (n * g.P + p0) * g.Q * g.K + k0;
        for (std::int64_t t = 0; t < panels.count; ++t) {
          for (std::int64_t r = 0; r < panels.size(t); ++r) {
            f.a[r] = band.patch(0) + band.offset(panels.begin(t) + r);
            row[r] = sum + (panels.begin(t) + r) * g.K + k0;
          }
          run_tile(panels.size(t), slivers.size(j), f, {row, kZeros<T>, true});
        }
      }
    }
  });
  for (std::int64_t slice = 1; slice < slices.count; ++slice)
    for (std::int64_t i = 0; i < size; ++i) sums[i] += sums[slice * size + i];
  for (std::int64_t k = 0; k < g.K; ++k)
    for (std::int64_t i = 0; i < depth; ++i) w[k * depth + i] = sums[i * g.K + k];
}

/// How the patches of conv2d_input overlap. A run is cut into chunks of a stride, the last one filled with zeros. Chunk m of
/// pixel q lies at chunk q + m of a row of x, so that chunk j of that row is the sum of chunks m of pixels j - m, over all m and
/// over the rows of pixels that reach it.
template <class T>
struct Overlap {
  Conv2dGeometry g;
  std::int64_t chunks = (g.S + g.stride.w - 1) / g.stride.w;  // of a run
  std::int64_t chunk = g.stride.w * g.C;
  std::int64_t columns = g.R * chunks * chunk;  // of z, and with its last vector filled:
  std::int64_t pitch = (columns + kLanes<T> - 1) / kLanes<T> * kLanes<T>;
  std::int64_t line =
      (g.padding.w + g.W + g.stride.w - 1) / g.stride.w;  // chunks of a row of x and its padding
  std::int64_t margin = chunks - 1;                       // pixels of zeros before and after a row of z
  std::int64_t row = (margin + (line > g.Q ? line : g.Q)) * pitch;  // of z
  std::int64_t reach = (g.R - 1) * g.dilation.h;                    // rows of x below a pixel's first
  std::int64_t ring = reach / g.stride.h + 2;                       // rows of z that are kept
  std::int64_t terms = (reach / g.stride.h + 1) * chunks;           // of a sum, at most
};
constexpr std::int64_t kMostTerms =
    64;  // far more than any usual filter has: a stride of 1 and 7 x 7 make 49

/// Whether this multiplies clearly less, by a fifth, than conv2d_input by phases of the stride, whose vectors run along C: adding
/// up the patches takes some of what that saves.
template <class T>
bool is_narrow_for_input(const Conv2dGeometry& g) {
  if (!in_runs<T>(g)) return false;
  const Overlap<T> o{g};
  const std::int64_t along_c = g.R * g.S * ((g.C + kLanes<T> - 1) / kLanes<T>);
  return o.terms <= kMostTerms && 5 * o.pitch / kLanes<T> < 4 * along_c;
}

/// line = start + the sum of the terms, chunk by chunk; those of a term lie a pitch apart. Vectors reach past the end of a
/// chunk; the next one puts that right.
template <int bytes, class T>
void add_chunks(const Overlap<T>& o, const T* const* from, std::int64_t terms, const T* start, T* line) {
  typedef T V __attribute__((vector_size(bytes)));
  const auto vector = [](const T* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
  };
  for (std::int64_t j = 0; j < o.line; ++j)
    for (std::int64_t i = 0; i < o.chunk; i += bytes / std::int64_t(sizeof(T))) {
      V sum = vector(start + i);
      for (std::int64_t t = 0; t < terms; ++t) sum += vector(from[t] + j * o.pitch + i);
      __builtin_memcpy(line + j * o.chunk + i, &sum, sizeof sum);
    }
}

/// z = y w for a row of pixels.
template <class T>
void patches_of_row(const Overlap<T>& o, const T* y, const T* w, T* z) {
  const Slivers<T> slivers{o.pitch};
  const Parts panels(o.g.Q, MR);
  const Piece all{0, 0, o.g.K};
  T* row[MR];
  const T* next[MR];  // y often comes from memory, its next rows meanwhile
  Factors<T> f{{}, next, 1, nullptr, o.pitch, nullptr, &all, 1};
  for (std::int64_t p = 0; p < panels.count; ++p) {
    for (std::int64_t i = 0; i < panels.size(p); ++i) {
      f.a[i] = y + (panels.begin(p) + i) * o.g.K;
      next[i] = f.a[i] + 2 * MR * o.g.K;
    }
    for (std::int64_t j = 0; j < slivers.count; ++j) {
      f.b = w + slivers.begin(j);
      for (std::int64_t i = 0; i < panels.size(p); ++i)
        row[i] = z + (panels.begin(p) + i) * o.pitch + slivers.begin(j);
      run_tile(panels.size(p), slivers.size(j), f, {row, kZeros<T>}, j == 0 ? Also::fetch : Also::nothing);
    }
  }
}

/// x (N,H,W,C) = act(the patches y w, added up, + bias (C)), y (N,P,Q,K)
template <class T>
void conv2d_input_narrow(const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e, T* x) {
  constexpr std::int64_t room = 64 / sizeof(T);
  const Overlap<T> o{g};
  const std::int64_t run = g.S * g.C, filled = o.chunks * o.chunk;
  T* padded = static_cast<T*>(for_all.at_least(std::size_t(g.K * o.pitch) * sizeof(T)));
  for (std::int64_t k = 0; k < g.K; ++k)
    for (std::int64_t i = 0; i < o.pitch; ++i)
      padded[k * o.pitch + i] =
          i < o.columns && i % filled < run ? w[(k * g.R + i / filled) * run + i % filled] : T(0);
  const Rows<T> sink{x, g.W * g.C, 0, e.bias, e.act, e.slope};
  parallel_blocks(g.N * g.H, part_of(g.N * g.H, 16), [&](std::int64_t begin, std::int64_t end) {
    // rows of z in a ring, a row of x, and what a chunk of it starts from, each with room for the end of the widest vector
    const std::int64_t z_size = o.ring * o.row + room, line_size = o.line * o.chunk + room,
                       start_size = o.chunk + room;
    T* z = static_cast<T*>(scratch.at_least(std::size_t(z_size + line_size + start_size) * sizeof(T)));
    T *line = z + z_size, *start = line + line_size;
    for (std::int64_t i = 0; i < z_size; ++i) z[i] = 0;
    for (std::int64_t i = 0; i < start_size; ++i) start[i] = e.bias ? e.bias[i % g.C] : T(0);
    std::int64_t image = -1;
    std::int64_t ready = 0;  // rows of pixels of the image before this one are in the ring, or not needed
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t n = row / g.H, last = row % g.H + g.padding.h, first = last - o.reach;
      if (n != image) {
        image = n;
        ready = first > 0 ? (first + g.stride.h - 1) / g.stride.h : 0;
      }
      for (; ready <= last / g.stride.h && ready < g.P; ++ready)
        patches_of_row(o, y + (n * g.P + ready) * g.Q * g.K, padded,
                       z + ready % o.ring * o.row + o.margin * o.pitch);
      const T* from[kMostTerms];
      std::int64_t terms = 0;
      for (std::int64_t r = 0; r < g.R; ++r) {
        const std::int64_t at = last - r * g.dilation.h, p = at / g.stride.h;
        if (at < 0 || at % g.stride.h || p >= g.P) continue;
        for (std::int64_t m = 0; m < o.chunks; ++m)
          from[terms++] = z + p % o.ring * o.row + (o.margin - m) * o.pitch + r * filled + m * o.chunk;
      }
      if (o.chunk * std::int64_t(sizeof(T)) <= 32)
        add_chunks<32>(o, from, terms, start, line);
      else
        add_chunks<kVectorBytes>(o, from, terms, start, line);
      copy(line + g.padding.w * g.C, g.W * g.C, sink.row(row));
      if (e.act != Activation::none) sink.finish(sink.row(row), g.W * g.C);
    }
  });
}

}  // namespace gesso::kernels::GESSO_LEVEL
