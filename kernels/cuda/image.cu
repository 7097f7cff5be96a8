// Images made from images: resampling by one sparse matrix for the rows and one for the columns, and maxima of windows. A
// thread makes one element, or a pack of neighbouring channels; neighbouring threads have neighbouring channels.
#include "kernels/cuda/division.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

template <int V, class T>
__global__ void resample_pixels(std::int64_t N, std::int64_t H, std::int64_t W, std::int64_t C,
                                SparseRows<T> rows, SparseRows<T> columns, const T* x, T* y) {
  const std::int64_t i = thread_number(), units = C / V;
  if (i >= N * rows.m * columns.m * units) return;
  const PixelPlace at(i, rows.m, columns.m, units);
  Packed<T, V> sum = {};
  for (std::int64_t r = rows.begin[at.p]; r < rows.begin[at.p + 1]; ++r)
    for (std::int64_t s = columns.begin[at.q]; s < columns.begin[at.q + 1]; ++s) {
      const std::int64_t pixel = (at.n * H + rows.column[r]) * W + columns.column[s];
      const Packed<T, V> from = load<V>(x + pixel * C + at.c * V);
      const T weight = rows.weight[r] * columns.weight[s];
      for (int e = 0; e < V; ++e) sum.at[e] += weight * from.at[e];
    }
  store(y + i * V, sum);
}

template <class T>
void resample(std::int64_t N, std::int64_t H, std::int64_t W, std::int64_t C, const SparseRows<T>& rows,
              const SparseRows<T>& columns, const T* x, T* y) {
  constexpr int V = kPack<T>;
  const std::int64_t pixels = N * rows.m * columns.m;
  if (C % V == 0 && aligned<V>(x) && aligned<V>(y))
    launch_threads(resample_pixels<V, T>, pixels * (C / V), kThreads, N, H, W, C, rows, columns, x, y);
  else
    launch_threads(resample_pixels<1, T>, pixels * C, kThreads, N, H, W, C, rows, columns, x, y);
}

template <class T>
__global__ void arg_max_windows(Windows g, const T* x, std::int64_t* index) {
  const std::int64_t i = thread_number();
  if (i >= g.N * g.P * g.Q * g.C) return;
  const PixelPlace at(i, g.P, g.Q, g.C);
  const std::int64_t top = at.p * g.stride.h - g.padding.h, left = at.q * g.stride.w - g.padding.w;
  const std::int64_t h0 = top < 0 ? 0 : top, h1 = top + g.size.h < g.H ? top + g.size.h : g.H;
  const std::int64_t w0 = left < 0 ? 0 : left, w1 = left + g.size.w < g.W ? left + g.size.w : g.W;
  const T* const image = x + at.n * g.H * g.W * g.C + at.c;
  std::int64_t place = h0 * g.W + w0;
  T best = image[place * g.C];
  for (std::int64_t h = h0; h < h1; ++h)
    for (std::int64_t w = w0; w < w1; ++w) {
      const T joined = max(best, image[(h * g.W + w) * g.C]);
      if ((joined != best) & (best == best)) place = h * g.W + w;
      best = joined;
    }
  index[i] = place;
}

template <class T>
void arg_max_pool(const Windows& g, const T* x, std::int64_t* index) {
  launch_threads(arg_max_windows<T>, g.N * g.P * g.Q * g.C, kThreads, g, x, index);
}

template <class T>
__global__ void take_each_pixel(std::int64_t n, std::int64_t n_x, std::int64_t y_image, std::int64_t C,
                                const std::int64_t* index, const T* x, T* y) {
  const std::int64_t i = thread_number();
  if (i < n) y[i] = x[(divide(i, y_image).quotient * n_x + index[i]) * C + divide(i, C).rest];
}

template <class T>
void take_pixels(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C,
                 const std::int64_t* index, const T* x, T* y) {
  launch_threads(take_each_pixel<T>, N * n_y * C, kThreads, N * n_y * C, n_x, n_y * C, C, index, x, y);
}

/// A channel of an image is cut into `slices` of pixels of y, each one thread's: it goes through all of x and adds what
/// belongs to its pixels, so that their terms arrive in the order of m.
template <class T>
__global__ void add_each_pixel(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C,
                               std::int64_t slices, const std::int64_t* index, const T* x, T* y) {
  constexpr int kTogether = 4;  // read before the first is added
  const PixelPlace at(thread_number(), slices, 1, C);
  if (at.n >= N) return;
  const std::int64_t low = at.p * n_y / slices, high = (at.p + 1) * n_y / slices;
  T* const image = y + at.n * n_y * C + at.c;
  for (std::int64_t j = low; j < high; ++j) image[j * C] = 0;
  const auto add = [&](std::int64_t place, T value) {
    if (low <= place && place < high) image[place * C] += value;
  };
  std::int64_t i = at.n * n_x * C + at.c;
  const std::int64_t end = i + n_x * C;
  for (; i + (kTogether - 1) * C < end; i += kTogether * C) {
    std::int64_t place[kTogether];
    T value[kTogether];
    for (int u = 0; u < kTogether; ++u) place[u] = index[i + u * C], value[u] = x[i + u * C];
    for (int u = 0; u < kTogether; ++u) add(place[u], value[u]);
  }
  for (; i < end; i += C) add(index[i], x[i]);
}

template <class T>
void add_pixels(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C, const std::int64_t* index,
                const T* x, T* y) {
  if (N * n_y * C == 0) return;
  // Each slice reads all of x: no more of them than keep a GPU busy, and none without pixels enough to be worth it.
  constexpr std::int64_t kEnough = 32768, kPixels = 16;
  const std::int64_t wanted = ceil_div(kEnough, N * C), most = ceil_div(n_y, kPixels);
  const std::int64_t slices = wanted < most ? wanted : most;
  launch_threads(add_each_pixel<T>, N * slices * C, kThreads, N, n_x, n_y, C, slices, index, x, y);
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
