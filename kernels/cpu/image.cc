// Images made from images: resampling by one sparse matrix for the rows and one for the columns, and maxima of windows.
// The channels of a pixel lie behind each other, so the innermost loop is over them.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr std::int64_t kGrain = 16384;      // elements a thread writes at a time: a few microseconds
constexpr std::int64_t kMaxChannels = 256;  // treated together; what is kept for each stays in L1

/// f(n, p) for all rows of pixels of N images with P rows each, a row of `size` elements.
template <class F>
void for_pixel_rows(std::int64_t N, std::int64_t P, std::int64_t size, const F& f) {
  parallel_blocks(N * P, kGrain / (size + 1) + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) f(i / P, i % P);
  });
}

template <class T>
void resample(std::int64_t N, std::int64_t H, std::int64_t W, std::int64_t C, const SparseRows<T>& rows,
              const SparseRows<T>& columns, const T* x, T* y) {
  for_pixel_rows(N, rows.m, columns.m * C, [&](std::int64_t n, std::int64_t p) {
    T* to = y + (n * rows.m + p) * columns.m * C;
    for (std::int64_t q = 0; q < columns.m; ++q, to += C) {
      for (std::int64_t c = 0; c < C; ++c) to[c] = 0;
      for (std::int64_t i = rows.begin[p]; i < rows.begin[p + 1]; ++i) {
        const T* const line = x + (n * H + rows.column[i]) * W * C;
        for (std::int64_t j = columns.begin[q]; j < columns.begin[q + 1]; ++j) {
          const T* const from = line + columns.column[j] * C;
          const T weight = rows.weight[i] * columns.weight[j];
#pragma omp simd
          for (std::int64_t c = 0; c < C; ++c) to[c] += weight * from[c];
        }
      }
    }
  });
}

/// The part of a window that lies within [0, size).
struct Range {
  std::int64_t begin, end;
};
Range within(std::int64_t first, std::int64_t length, std::int64_t size) {
  return {first < 0 ? 0 : first, first + length < size ? first + length : size};
}

template <class T>
void arg_max_pool(const Windows& g, const T* x, std::int64_t* index) {
  for_pixel_rows(g.N, g.P, g.Q * g.C * g.size.h * g.size.w, [&](std::int64_t n, std::int64_t p) {
    const Range rows = within(p * g.stride.h - g.padding.h, g.size.h, g.H);
    for (std::int64_t q = 0; q < g.Q; ++q) {
      const Range columns = within(q * g.stride.w - g.padding.w, g.size.w, g.W);
      for (std::int64_t first = 0; first < g.C; first += kMaxChannels) {
        const std::int64_t C = g.C - first < kMaxChannels ? g.C - first : kMaxChannels;
        const T* const image = x + n * g.H * g.W * g.C + first;
        std::int64_t* const at = index + ((n * g.P + p) * g.Q + q) * g.C + first;
        const std::int64_t start = rows.begin * g.W + columns.begin;
        T best[kMaxChannels];
        for (std::int64_t c = 0; c < C; ++c) best[c] = image[start * g.C + c], at[c] = start;
        for (std::int64_t h = rows.begin; h < rows.end; ++h)
          for (std::int64_t w = columns.begin; w < columns.end; ++w) {
            const std::int64_t pixel = h * g.W + w;
#pragma omp simd
            for (std::int64_t c = 0; c < C; ++c) {
              const T joined = max(best[c], image[pixel * g.C + c]);
              at[c] = (joined != best[c]) & (best[c] == best[c]) ? pixel : at[c];
              best[c] = joined;
            }
          }
      }
    }
  });
}

template <class T>
void take_pixels(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C,
                 const std::int64_t* index, const T* x, T* y) {
  for_pixel_rows(N, n_y, C, [&](std::int64_t n, std::int64_t m) {
    const std::int64_t row = (n * n_y + m) * C;
    for (std::int64_t c = 0; c < C; ++c) y[row + c] = x[(n * n_x + index[row + c]) * C + c];
  });
}

/// An image is one thread's, so that its terms arrive in the order of m.
template <class T>
void add_pixels(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C, const std::int64_t* index,
                const T* x, T* y) {
  parallel_blocks(N, kGrain / ((n_x + n_y) * C + 1) + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      T* const image = y + n * n_y * C;
      for (std::int64_t i = 0; i < n_y * C; ++i) image[i] = 0;
      for (std::int64_t m = n * n_x; m < (n + 1) * n_x; ++m)
        for (std::int64_t c = 0; c < C; ++c) image[index[m * C + c] * C + c] += x[m * C + c];
    }
  });
}

}  // namespace

template <class T>
void install_image(Kernels<T>& k) {
  k.resample = resample<T>;
  k.arg_max_pool = arg_max_pool<T>;
  k.take_pixels = take_pixels<T>;
  k.add_pixels = add_pixels<T>;
}
template void install_image(Kernels<float>&);
template void install_image(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
