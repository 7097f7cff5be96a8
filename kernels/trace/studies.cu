#include "kernels/cuda/launch.cuh"
#include "kernels/trace/studies.h"

namespace gesso::simt::trace {

using kernels::GESSO_LEVEL::kThreads;
using kernels::GESSO_LEVEL::launch_threads;
using kernels::GESSO_LEVEL::thread_number;

namespace {

__global__ void transpose_elements(std::int64_t n, const float* x, float* y) {
  const std::int64_t i = thread_number() / n, j = thread_number() % n;
  if (i < n) y[j * n + i] = x[i * n + j];
}

constexpr int kTile = 32;

__global__ void transpose_tiles(std::int64_t n, const float* x, float* y) {
  GESSO_SHARED(float, tile, [kTile][kTile]);
  const std::int64_t i0 = blockIdx.x / (n / kTile) * kTile, j0 = blockIdx.x % (n / kTile) * kTile;
  const int column = int(threadIdx.x) % kTile;
  for (int row = int(threadIdx.x) / kTile; row < kTile; row += kThreads / kTile)
    tile[row][column] = x[(i0 + row) * n + j0 + column];
  __syncthreads();
  for (int row = int(threadIdx.x) / kTile; row < kTile; row += kThreads / kTile)
    y[(j0 + row) * n + i0 + column] = tile[column][row];
}

__global__ void sum_columns(std::int64_t rows, std::int64_t C, const float* x, float* y) {
  const std::int64_t column = thread_number() / 32;
  if (column >= C) return;
  const int lane = int(threadIdx.x) % 32;
  float sum = 0;
  for (std::int64_t row = lane; row < rows; row += 32) sum += x[row * C + column];
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(~0u, sum, distance);
  if (lane == 0) y[column] = sum;
}

}  // namespace

void transpose_by_element(std::int64_t n, const float* x, float* y) {
  launch_threads(transpose_elements, n * n, kThreads, n, x, y);
}
void transpose_by_square_tile(std::int64_t n, const float* x, float* y) {
  launch_threads(transpose_tiles, n / kTile * (n / kTile) * kThreads, kThreads, n, x, y);
}
void column_sums_by_rows(std::int64_t rows, std::int64_t C, const float* x, float* y) {
  launch_threads(sum_columns, C * 32, kThreads, rows, C, x, y);
}

}  // namespace gesso::simt::trace
