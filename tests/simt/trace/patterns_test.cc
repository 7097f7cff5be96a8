// The counter against patterns of access that can be counted by hand.
#include "kernels/simt/ptx.h"
#include "kernels/trace/counter.h"
#include "tests/simt/device_array.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

using namespace gesso;
using simt::trace::Access;
using simt::trace::Counter;
using simt::trace::KernelCount;
using simt::trace::Space;

namespace {

template <class T>
struct alignas(16) Four {
  T x, y, z, w;
};
struct Three {
  float x, y, z;
};

// ---- kernels: a warp, unless more threads are launched ----------------------------------------------------

__global__ void load_floats(const float* x, int stride, int offset, int lanes, float* y) {
  if (int(threadIdx.x) >= lanes) return;
  const float v = x[int(threadIdx.x) * stride + offset];
  if (v == 1) *y = v;  // it is not: nothing is stored
}
template <class T>
__global__ void load_wholes(const T* x, int stride, float* y) {
  const T v = simt::load_whole(x + int(threadIdx.x) * stride);
  if (v.x == 1) *y = float(v.x);
}
__global__ void load_three(const Three* x, float* y) {
  const Three v = x[threadIdx.x];
  if (v.x + v.y + v.z == 1) *y = v.x;
}
__global__ void store_floats(float* x, int stride) { x[int(threadIdx.x) * stride] = 2; }

/// Lane i reads floats i, i + 32, .., the first i + 1 of them.
__global__ void load_a_triangle(const float* x, float* y) {
  float sum = 0;
  for (int k = 0; k <= int(threadIdx.x); ++k) sum += x[k * 32 + int(threadIdx.x)];
  if (sum == 1) *y = sum;
}

__global__ void two_lines(const float* x, float* y) {
  const float a = x[threadIdx.x];
  const float b = x[threadIdx.x * 8];
  if (a + b == 1) *y = a;
}

template <class T>
__global__ void load_shared(int stride, float* y) {
  GESSO_SHARED(T, a, [1024]);
  const T v = simt::load_whole(&a[int(threadIdx.x) * stride]);
  if (v == T(1)) *y = 1;
}
__global__ void load_shared_wholes(int stride, float* y) {
  GESSO_SHARED(Four<float>, a, [256]);
  const Four<float> v = simt::load_whole(&a[int(threadIdx.x) * stride]);
  if (v.x == 1) *y = v.x;
}
__global__ void swap_pairs(float* y) {
  GESSO_DYN_SHARED(float, a);
  a[threadIdx.x] = 1;
  __syncwarp();
  y[threadIdx.x] = a[threadIdx.x ^ 1];
}

__global__ void count_up(unsigned* sums, int lanes_a_sum, unsigned long long* most) {
  atomicAdd(&sums[int(threadIdx.x) / lanes_a_sum], 2);
  atomicMax(most, threadIdx.x);
}

__global__ void copy_async(const float* x, int last_bytes) {
  GESSO_SHARED(Four<float>, a, [32]);
  const int i = int(threadIdx.x);
  simt::cp_async<16>(&a[i], x + 4 * i, i < 31 ? 16 : last_bytes);
  simt::cp_async_commit();
  simt::cp_async_wait<0>();
}
/// Matrices of 8 x 4 floats whose rows lie `stride` apart.
__global__ void load_matrices(int stride, float* y) {
  GESSO_SHARED(float, a, [32 * 36]);
  unsigned r[4];
  simt::ldmatrix(r, static_cast<float*>(a) + int(threadIdx.x) * stride);
  if (r[0] == 1) *y = 1;
}

// ---- what is counted --------------------------------------------------------------------------------------

/// What one launch of a kernel by `threads` threads of a block asks for.
template <class... P, class... A>
std::vector<Access> accesses(unsigned threads, void (*kernel)(P...), A... args) {
  const Counter counter;
  simt::launch(kernel, 1, threads, 512, nullptr, args...);
  const std::vector<KernelCount> kernels = counter.kernels();
  REQUIRE(kernels.size() == 1);
  CHECK(kernels[0].kernel == reinterpret_cast<const void*>(kernel));
  return kernels[0].accesses;
}

/// The same where it makes accesses of one kind only, as requests, cost and the least that could be.
struct Sum {
  std::int64_t requests, cost, least;
  bool operator==(const Sum&) const = default;
};
doctest::String toString(const Sum& s) {
  return ("(" + std::to_string(s.requests) + ", " + std::to_string(s.cost) + ", " + std::to_string(s.least) +
          ")")
      .c_str();
}
template <class... P, class... A>
Sum sum(Space space, unsigned threads, void (*kernel)(P...), A... args) {
  Sum all{0, 0, 0};
  for (const Access& a : accesses(threads, kernel, args...)) {
    CHECK(a.space == space);
    all.requests += a.requests, all.cost += a.cost, all.least += a.least;
  }
  return all;
}

const float* floats() {
  static const test::DeviceArray<float> x(std::vector<float>(8192, 0.f));
  return x.data();
}
float* output() {
  static const test::DeviceArray<float> y(8192);
  return y.data();
}
template <class T>
const T* memory_as() {
  return reinterpret_cast<const T*>(floats());
}

}  // namespace

TEST_CASE("sectors of a warp that loads floats, by stride and offset") {
  const auto load = [](int stride, int offset, int lanes = 32) {
    return sum(Space::global, 32, load_floats, floats(), stride, offset, lanes, output());
  };
  CHECK(load(1, 0) == Sum{1, 4, 4});
  CHECK(load(2, 0) == Sum{1, 8, 4});
  CHECK(load(8, 0) == Sum{1, 32, 4});
  CHECK(load(32, 0) == Sum{1, 32, 4});
  CHECK(load(1, 1) == Sum{1, 5, 4});  // 4 bytes past a sector's start
  CHECK(load(1, 8) == Sum{1, 4, 4});
  CHECK(load(0, 5) == Sum{1, 1, 1});      // all the same
  CHECK(load(-1, 31) == Sum{1, 4, 4});    // backwards
  CHECK(load(1, 0, 16) == Sum{1, 2, 2});  // half a warp
  CHECK(load(1, 0, 1) == Sum{1, 1, 1});
}

TEST_CASE("sectors of wider loads") {
  CHECK(sum(Space::global, 32, load_wholes<float4>, memory_as<float4>(), 1, output()) == Sum{1, 16, 16});
  CHECK(sum(Space::global, 32, load_wholes<float4>, memory_as<float4>(), 2, output()) == Sum{1, 32, 16});
  CHECK(sum(Space::global, 32, load_wholes<float2>, memory_as<float2>(), 1, output()) == Sum{1, 8, 8});
  // no word: as on a device, a load for each of its members
  CHECK(sum(Space::global, 32, load_three, memory_as<Three>(), output()) == Sum{3, 36, 12});
}

TEST_CASE("stores are counted as loads are") {
  for (const Access& a : accesses(32, store_floats, output(), 2)) CHECK(a.store);
  CHECK(sum(Space::global, 32, store_floats, output(), 2) == Sum{1, 8, 4});
}

TEST_CASE("each warp, block and launch makes its own requests") {
  CHECK(sum(Space::global, 80, load_floats, floats(), 1, 0, 80, output()) == Sum{3, 10, 10});
  const Counter counter;
  for (int i = 0; i < 2; ++i) simt::launch(load_floats, 3, 64, 0, nullptr, floats(), 1, 0, 64, output());
  const std::vector<KernelCount> kernels = counter.kernels();
  REQUIRE(kernels.size() == 1);
  CHECK(kernels[0].launches == 2);
  CHECK(kernels[0].grid.x == 3);
  CHECK(kernels[0].block.x == 64);
  REQUIRE(kernels[0].accesses.size() == 1);
  CHECK(kernels[0].accesses[0].requests == 12);
  CHECK(kernels[0].accesses[0].bytes == 2 * 3 * 64 * 4);
}

TEST_CASE("a request is the k-th time that the lanes of a warp come by, in any order of threads") {
  // the k-th has the lanes from k - 1 on: 4 sectors for the first 8 times, then 3, 2 and 1
  const Sum expected{32, 8 * (4 + 3 + 2 + 1), 8 * (4 + 3 + 2 + 1)};
  for (const char* order : {"forward", "reverse", "random:1"}) {
    CAPTURE(std::string(order));
    simt::set_order(simt::parse_order(order));
    CHECK(sum(Space::global, 32, load_a_triangle, floats(), output()) == expected);
  }
  simt::set_order({});
}

TEST_CASE("instructions are told apart") {
  const std::vector<Access> both = accesses(32, two_lines, floats(), output());
  REQUIRE(both.size() == 2);
  CHECK(both[0].cost == 4);
  CHECK(both[1].cost == 32);
  CHECK(both[0].pc != both[1].pc);
}

TEST_CASE("wavefronts of a warp that loads from shared memory") {
  const auto load = [](int stride) { return sum(Space::shared, 32, load_shared<float>, stride, output()); };
  CHECK(load(0) == Sum{1, 1, 1});  // one word for all
  CHECK(load(1) == Sum{1, 1, 1});
  CHECK(load(2) == Sum{1, 2, 1});
  CHECK(load(8) == Sum{1, 8, 1});
  CHECK(load(32) == Sum{1, 32, 1});
  CHECK(load(31) == Sum{1, 1, 1});
  CHECK(load(33) == Sum{1, 1, 1});
  // bytes of one word are one word
  CHECK(sum(Space::shared, 32, load_shared<char>, 1, output()) == Sum{1, 1, 1});
  // 8 bytes: half a warp at a time
  CHECK(sum(Space::shared, 32, load_shared<double>, 1, output()) == Sum{1, 2, 2});
  CHECK(sum(Space::shared, 32, load_shared<double>, 2, output()) == Sum{1, 4, 2});
  // 16 bytes: a quarter
  CHECK(sum(Space::shared, 32, load_shared_wholes, 1, output()) == Sum{1, 4, 4});
  CHECK(sum(Space::shared, 32, load_shared_wholes, 2, output()) == Sum{1, 8, 4});
  CHECK(sum(Space::shared, 32, load_shared_wholes, 8, output()) == Sum{1, 32, 4});
  CHECK(sum(Space::shared, 32, load_shared_wholes, 0, output()) == Sum{1, 4, 4});
}

TEST_CASE("dynamic shared memory, and what goes from there") {
  const std::vector<Access> all = accesses(32, swap_pairs, output());
  REQUIRE(all.size() == 3);
  for (const Access& a : all) CHECK(a.bytes == 128);
  CHECK((all[0].space == Space::shared && all[0].store && all[0].cost == 1));
  CHECK((all[1].space == Space::shared && !all[1].store && all[1].cost == 1));
  CHECK((all[2].space == Space::global && all[2].store && all[2].cost == 4));
}

TEST_CASE("atomics are done, and counted") {
  const test::DeviceArray<unsigned> sums(std::vector<unsigned>(32, 1));
  const test::DeviceArray<unsigned long long> most({0ull});
  const std::vector<Access> all = accesses(32, count_up, sums.data(), 2, most.data());
  CHECK(sums.host()[15] == 5);
  CHECK(most.host()[0] == 31);
  REQUIRE(all.size() == 3);  // the sum, and of the maximum the load and the exchange
  CHECK((all[0].store && all[0].requests == 1 && all[0].cost == 2));
  CHECK((!all[1].store && all[1].cost == 1));
  CHECK((all[2].store && all[2].cost == 1));
}

TEST_CASE("an asynchronous copy is a load and a store of the line that starts it") {
  const auto bytes = [](int last_bytes) {
    const std::vector<Access> both = accesses(32, copy_async, floats(), last_bytes);
    REQUIRE(both.size() == 2);
    CHECK((both[0].space == Space::global && !both[0].store && both[0].requests == 1));
    CHECK((both[1].space == Space::shared && both[1].store && both[1].bytes == 512 && both[1].cost == 4));
    return std::pair(both[0].bytes, both[0].cost);
  };
  CHECK(bytes(16) == std::pair<std::int64_t, std::int64_t>(512, 16));
  CHECK(bytes(4) == std::pair<std::int64_t, std::int64_t>(500, 16));
  CHECK(bytes(0) == std::pair<std::int64_t, std::int64_t>(496, 16));
}

TEST_CASE("ldmatrix reads eight rows at a time") {
  CHECK(sum(Space::shared, 32, load_matrices, 4, output()) == Sum{1, 4, 4});
  CHECK(sum(Space::shared, 32, load_matrices, 36, output()) == Sum{1, 4, 4});
  CHECK(sum(Space::shared, 32, load_matrices, 32, output()) == Sum{1, 32, 4});
  CHECK(sum(Space::shared, 32, load_matrices, 16, output()) == Sum{1, 16, 4});
}

TEST_CASE("nothing is counted without a counter, and there is one at a time") {
  simt::launch(store_floats, 1, 32, 0, nullptr, output(), 1);
  const Counter counter;
  CHECK(counter.kernels().empty());
  CHECK_THROWS_AS(Counter(), std::logic_error);
}
