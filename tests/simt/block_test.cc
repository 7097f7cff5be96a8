// Barriers, shared memory, orders and launches.
#include "tests/simt/support.h"

#include <numeric>

using namespace gesso;
using test::complaint;
using test::DeviceArray;
using test::in_every_order;

namespace {

__global__ void number_threads(unsigned* y) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  y[block * threads + thread] = block * threads + thread;
}

/// y[block] = sum of the block's x, halving with a barrier a step
__global__ void tree_sum(const int* x, int* y) {
  GESSO_SHARED(int, sums, [256]);
  sums[threadIdx.x] = x[blockIdx.x * 256 + threadIdx.x];
  __syncthreads();
  for (unsigned half = 128; half > 0; half /= 2) {
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) y[blockIdx.x] = sums[0];
}

/// y (n,n) = the transpose of x by tiles of 32
__global__ void transpose(int n, const float* x, float* y) {
  GESSO_SHARED(float, tile, [32][33]);
  const unsigned row = blockIdx.y * 32, column = blockIdx.x * 32;
  for (unsigned i = threadIdx.y; i < 32; i += blockDim.y)
    tile[i][threadIdx.x] = x[(row + i) * n + column + threadIdx.x];
  __syncthreads();
  for (unsigned i = threadIdx.y; i < 32; i += blockDim.y)
    y[(column + i) * n + row + threadIdx.x] = tile[threadIdx.x][i];
}

__global__ void reverse_dynamic(int* x) {
  GESSO_DYN_SHARED(int, buffer);
  buffer[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  x[threadIdx.x] = buffer[blockDim.x - 1 - threadIdx.x];
}

template <int n>
__device__ float* own_array() {
  GESSO_SHARED(float, array, [n]);
  return array;
}
__global__ void look_at_shared(int* same, int* fresh) {
  float* const a = own_array<4>();
  float* const b = own_array<5>();
  GESSO_SHARED(float*, first, );
  if (threadIdx.x == 0) first = a;
  bool all_nan = true;
  for (int i = 0; i < 4; ++i) all_nan &= a[i] != a[i] && b[i + 1] != b[i + 1];
  __syncthreads();
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  same[i] = first == a && a != b;
  fresh[i] = all_nan;
  __syncthreads();
  if (threadIdx.x == 0) a[0] = b[4] = 1;
}

__global__ void predicates(int* y) {
  const int t = int(threadIdx.x);
  y[t] = __syncthreads_count(t % 3 == 0) * 4 + __syncthreads_or(t == 5) * 2 + __syncthreads_and(t != 5);
}

__global__ void count_atomically(int* sum, unsigned* largest, unsigned long long* times) {
  atomicAdd(sum, int(threadIdx.x));
  atomicMax(largest, blockIdx.x * blockDim.x + threadIdx.x);
  unsigned long long old = 0, seen;
  while ((seen = atomicCAS(times, old, old + 1)) != old) old = seen;
}

}  // namespace

TEST_CASE("every thread of every block runs once and knows its place") {
  in_every_order([] {
    DeviceArray<unsigned> y(6 * 5 * 4 * 7 * 3 * 2);
    simt::launch(number_threads, dim3(6, 5, 4), dim3(7, 3, 2), 0, nullptr, y.data());
    std::vector<unsigned> expected(6 * 5 * 4 * 7 * 3 * 2);
    std::iota(expected.begin(), expected.end(), 0u);
    CHECK(y.host() == expected);
  });
}

TEST_CASE("barriers order what threads do to shared memory") {
  in_every_order([] {
    std::vector<int> x(3 * 256);
    std::iota(x.begin(), x.end(), 1);
    DeviceArray<int> dx(x), y(3);
    simt::launch(tree_sum, 3, 256, 0, nullptr, dx.data(), y.data());
    for (int b = 0; b < 3; ++b) CHECK(y.host()[b] == std::accumulate(&x[b * 256], &x[b * 256] + 256, 0));

    std::vector<float> m(96 * 96);
    std::iota(m.begin(), m.end(), 0.0f);
    DeviceArray<float> dm(m), t(m.size());
    simt::launch(transpose, dim3(3, 3), dim3(32, 8), 0, nullptr, 96, dm.data(), t.data());
    const std::vector<float> result = t.host();
    int wrong = 0;
    for (int i = 0; i < 96; ++i)
      for (int j = 0; j < 96; ++j) wrong += !(result[j * 96 + i] == m[i * 96 + j]);
    CHECK(wrong == 0);

    DeviceArray<int> v({1, 2, 3, 4, 5});
    simt::launch(reverse_dynamic, 1, 5, 5 * sizeof(int), nullptr, v.data());
    CHECK(v.host() == std::vector<int>{5, 4, 3, 2, 1});
  });
}

TEST_CASE(
    "an array of shared memory is one for all threads, one per instance of a template, NaN at the start of a "
    "block") {
  in_every_order([] {
    DeviceArray<int> same(3 * 64), fresh(3 * 64);
    for (int launches = 0; launches < 2; ++launches)
      simt::launch(look_at_shared, 3, 64, 0, nullptr, same.data(), fresh.data());
    CHECK(same.host() == std::vector<int>(3 * 64, 1));
    CHECK(fresh.host() == std::vector<int>(3 * 64, 1));
  });
}

TEST_CASE("barriers count, or and and predicates") {
  in_every_order([] {
    DeviceArray<int> y(70);
    simt::launch(predicates, 1, 70, 0, nullptr, y.data());
    CHECK(y.host() == std::vector<int>(70, 24 * 4 + 2 + 0));
  });
}

TEST_CASE("atomics lose nothing") {
  in_every_order([] {
    DeviceArray<int> sum({0});
    DeviceArray<unsigned> largest({0u});
    DeviceArray<unsigned long long> times({0ull});
    simt::launch(count_atomically, 50, 100, 0, nullptr, sum.data(), largest.data(), times.data());
    CHECK(sum.host()[0] == 50 * 99 * 50);
    CHECK(largest.host()[0] == 4999);
    CHECK(times.host()[0] == 5000);
  });
}

TEST_CASE("orders are read from text") {
  CHECK(simt::parse_order("forward").kind == simt::Order::forward);
  CHECK(simt::parse_order("reverse").kind == simt::Order::reverse);
  CHECK(simt::parse_order("random:42").kind == simt::Order::random);
  CHECK(simt::parse_order("random:42").seed == 42);
  for (const char* wrong : {"", "random", "random:", "random:x", "random:1x", "backward"})
    CHECK_THROWS_AS(simt::parse_order(wrong), std::invalid_argument);
}

TEST_CASE("a launch that a device would refuse is refused") {
  int* const none = nullptr;
  const auto launch = [&](dim3 grid, dim3 block, std::size_t shared) {
    return complaint([&] { simt::launch(reverse_dynamic, grid, block, shared, nullptr, none); });
  };
  CHECK(launch(0, 32, 0).starts_with("an empty grid or block"));
  CHECK(launch(1, 1025, 0).starts_with("a block has at most 1024 threads"));
  CHECK(launch(1, dim3(1, 1, 65), 0).starts_with("a block has at most 1024 threads"));
  CHECK(launch(dim3(1, 65536), 1, 0).starts_with("a grid has at most"));
  CHECK(launch(1, 1, 227 * 1024 + 1).starts_with("a block has at most 227 KiB"));
  CHECK(launch(0, 1, 0).find("block_test.cc:") != std::string::npos);
}

TEST_CASE("the device has 4 GiB of memory, and refuses more") {
  std::size_t free = 0, total = 0, less = 0;
  cudaMemGetInfo(&free, &total);
  CHECK(total == std::size_t{4} << 30);
  {
    const DeviceArray<float> some(1 << 20);
    cudaMemGetInfo(&less, &total);
    CHECK(less == free - (std::size_t{4} << 20));
  }
  cudaMemGetInfo(&less, &total);
  CHECK(less == free);
  void* memory = &free;
  CHECK(cudaMalloc(&memory, free + 1) == cudaErrorMemoryAllocation);
  CHECK(memory == nullptr);
  CHECK(cudaGetLastError() == cudaErrorMemoryAllocation);
}
