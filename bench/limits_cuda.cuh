// What the GPU can do at best, measured beside the kernels as bench/limits.h does for the CPU.
#pragma once

#include "kernels/simt/ptx.h"

#include <algorithm>
#include <vector>

namespace gesso::bench {

inline constexpr int kChains = 8, kRounds = 1 << 15;  // independent sums of a thread hide the latency of each

/// Nothing but multiply-adds; y is written never, which the compiler cannot know.
template <class T>
__global__ void multiply_add_limit(T factor, T* y) {
  T x[kChains];
  for (int i = 0; i < kChains; ++i) x[i] = T(i);
#pragma unroll 16
  for (int r = 0; r < kRounds; ++r)
#pragma unroll
    for (int i = 0; i < kChains; ++i) x[i] = x[i] * factor + factor;
  for (int i = 0; i < kChains; ++i)
    if (x[i] == T(-1)) *y = x[i];
}
static __global__ void mma_limit(unsigned factor, float* y) {
  float sums[kChains][4] = {};
  const unsigned a[4] = {factor, factor, factor, factor}, b[2] = {factor, factor};
#pragma unroll 4
  for (int r = 0; r < kRounds; ++r)
#pragma unroll
    for (int i = 0; i < kChains; ++i) simt::mma_tf32_m16n8k8(sums[i], a, b, sums[i]);
  for (int i = 0; i < kChains; ++i)
    if (sums[i][0] == -1) *y = sums[i][0];
}

inline double median(std::vector<double> x) {
  std::nth_element(x.begin(), x.begin() + std::ptrdiff_t(x.size() / 2), x.end());
  return x[x.size() / 2];
}

/// Seconds between two events around work(), the median of `repetitions`.
template <class F>
double seconds(cudaStream_t stream, int repetitions, const F& work) {
  cudaEvent_t start, end;
  simt::check(cudaEventCreate(&start), "event");
  simt::check(cudaEventCreate(&end), "event");
  std::vector<double> times;
  work();
  for (int r = 0; r < repetitions; ++r) {
    simt::check(cudaEventRecord(start, stream), "event");
    work();
    simt::check(cudaEventRecord(end, stream), "event");
    simt::check(cudaEventSynchronize(end), "wait");
    float milliseconds = 0;
    simt::check(cudaEventElapsedTime(&milliseconds, start, end), "time");
    times.push_back(milliseconds * 1e-3);
  }
  simt::check(cudaEventDestroy(start), "event");
  simt::check(cudaEventDestroy(end), "event");
  return median(times);
}

/// Operations a second; a multiply-add counts as two.
struct Limits {
  double cores, tensor_cores;
};
template <class T>
Limits measure_limits(cudaStream_t stream) {
  int multiprocessors = 0;
  simt::check(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, 0), "multiprocessors");
  constexpr int threads = 256, blocks_each = 4;
  const dim3 grid(unsigned(multiprocessors * blocks_each)), block(threads);
  const double work = 2.0 * kChains * kRounds * multiprocessors * blocks_each;
  const double s = seconds(stream, 5, [&] {
    simt::launch(multiply_add_limit<T>, grid, block, 0, stream, T(0.5), static_cast<T*>(nullptr));
  });
  const double t = seconds(stream, 5, [&] {
    simt::launch(mma_limit, grid, block, 0, stream, 0x3f000000u, static_cast<float*>(nullptr));
  });
  return {work * threads / s, work * (threads / 32) * (16 * 8 * 8) / t};
}

}  // namespace gesso::bench
