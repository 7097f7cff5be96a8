// y (rows, width) = 0, then y[index[i]] += x[i] in the order of i, without atomics: the numbers i are sorted by the row they
// go to, and every element of y is summed by one thread.
#pragma once

#include "kernels/cuda/launch.cuh"

namespace gesso::kernels::GESSO_LEVEL {

/// A row in the upper half, the place i in the lower: sorted keys are in the order of rows, and of i within a row.
using RowKey = std::uint64_t;

inline constexpr int kSortThreads = 1024, kSortChunk = 4096;  // keys sorted in shared memory, 32 KiB

/// One comparison of a bitonic network (Batcher 1968): runs of `size` keys become sorted, every other one backwards.
__device__ inline void compare_exchange(RowKey& a, RowKey& b, bool ascending) {
  if ((a > b) == ascending) {
    const RowKey larger = a;
    a = b;
    b = larger;
  }
}

/// The steps of the network that stay within `chunk` keys, for runs of `size` to `last_size` keys. At first the keys are made
/// from index; those from n on come last.
static __global__ void __launch_bounds__(kSortThreads)
    sort_chunks(const std::int64_t* index, std::int64_t n, int chunk, std::int64_t size,
                std::int64_t last_size, RowKey* keys) {
  GESSO_SHARED(RowKey, part, [kSortChunk]);
  const std::int64_t first = std::int64_t(blockIdx.x) * chunk;
  for (int j = int(threadIdx.x); j < chunk; j += kSortThreads) {
    const std::int64_t i = first + j;
    part[j] = !index ? keys[i] : i < n ? RowKey(index[i]) << 32 | RowKey(i) : ~RowKey{0};
  }
  for (; size <= last_size; size *= 2) {
    for (int step = int(size < chunk ? size : chunk) / 2; step > 0; step /= 2) {
      __syncthreads();
      for (int pair = int(threadIdx.x); pair < chunk / 2; pair += kSortThreads) {
        const int j = pair / step * 2 * step + pair % step;
        compare_exchange(part[j], part[j + step], ((first + j) & size) == 0);
      }
    }
  }
  __syncthreads();
  for (int j = int(threadIdx.x); j < chunk; j += kSortThreads) keys[first + j] = part[j];
}

/// One step between keys too far apart for that.
static __global__ void sort_far(std::int64_t pairs, std::int64_t size, std::int64_t step, RowKey* keys) {
  const std::int64_t pair = thread_number();
  if (pair >= pairs) return;
  const std::int64_t i = pair / step * 2 * step + pair % step;
  compare_exchange(keys[i], keys[i + step], (i & size) == 0);
}

/// keys[0..padded) for padded >= n, a power of two
inline void sort_rows(std::int64_t n, std::int64_t padded, const std::int64_t* index, RowKey* keys) {
  const int chunk = int(padded < kSortChunk ? padded : kSortChunk);
  const std::int64_t threads = padded / chunk * kSortThreads;
  launch_threads(sort_chunks, threads, kSortThreads, index, n, chunk, std::int64_t{2}, std::int64_t{chunk},
                 keys);
  for (std::int64_t size = 2 * std::int64_t{chunk}; size <= padded; size *= 2) {
    for (std::int64_t step = size / 2; step >= chunk; step /= 2)
      launch_threads(sort_far, padded / 2, kThreads, padded / 2, size, step, keys);
    launch_threads(sort_chunks, threads, kSortThreads, static_cast<const std::int64_t*>(nullptr), n, chunk,
                   size, size, keys);
  }
}

/// The number of sorted keys of rows before `row`.
__device__ inline std::int64_t keys_before(const RowKey* keys, std::int64_t n, std::int64_t row) {
  std::int64_t low = 0, high = n;
  while (low < high) {
    const std::int64_t middle = (low + high) / 2;
    if (std::int64_t(keys[middle] >> 32) < row)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/// A warp to 32 columns of a row of y.
template <class T>
__global__ void add_sorted_rows(std::int64_t n, std::int64_t rows, std::int64_t width, const RowKey* keys,
                                const T* x, T* y) {
  constexpr int kTogether = 4;  // loads under way
  const std::int64_t tiles = ceil_div(width, 32), warp = thread_number() / 32, row = warp / tiles;
  const std::int64_t k = warp % tiles * 32 + threadIdx.x % 32;
  if (row >= rows || k >= width) return;
  const std::int64_t end = keys_before(keys, n, row + 1);
  T sum = 0;
  std::int64_t j = keys_before(keys, n, row);
  const auto term = [&](std::int64_t place) {
    return x[std::int64_t(std::uint32_t(keys[place])) * width + k];
  };
  for (; j + kTogether <= end; j += kTogether) {
    T next[kTogether];
    for (int u = 0; u < kTogether; ++u) next[u] = term(j + u);
    for (int u = 0; u < kTogether; ++u) sum += next[u];
  }
  for (; j < end; ++j) sum += term(j);
  y[row * width + k] = sum;
}

template <class T>
void add_rows(std::int64_t n, std::int64_t rows, std::int64_t width, const std::int64_t* index, const T* x,
              T* y) {
  if (rows * width == 0) return;
  std::int64_t padded = 2;
  while (padded < n) padded *= 2;
  const Scratch scratch(std::size_t(padded) * sizeof(RowKey));
  if (n > 0) sort_rows(n, padded, index, scratch.as<RowKey>());
  launch_threads(add_sorted_rows<T>, rows * ceil_div(width, 32) * 32, kThreads, n, rows, width,
                 static_cast<const RowKey*>(scratch.as<RowKey>()), x, y);
}

}  // namespace gesso::kernels::GESSO_LEVEL
