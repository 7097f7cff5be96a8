// Shuffles, votes, reductions; ldmatrix, mma and cp.async against their definitions.
#include "kernels/simt/ptx.h"
#include "tests/simt/support.h"

#include <numeric>

using namespace gesso;
using test::DeviceArray;
using test::in_every_order;

namespace {

template <class T>
__global__ void shuffles(T* y) {
  const int t = int(threadIdx.x), lane = t % 32;
  const T x = T(100 + t);
  T* const mine = y + t * 6;
  mine[0] = __shfl_sync(~0u, x, (lane + 5) % 32);
  mine[1] = __shfl_up_sync(~0u, x, 3);
  mine[2] = __shfl_down_sync(~0u, x, 3);
  mine[3] = __shfl_xor_sync(~0u, x, 6);
  mine[4] = __shfl_down_sync(~0u, x, 2, 8);
  mine[5] = __shfl_sync(~0u, x, 9, 4);
}

template <class T>
void check_shuffles() {
  DeviceArray<T> y(64 * 6);
  simt::launch(shuffles<T>, 1, 64, 0, nullptr, y.data());
  const std::vector<T> got = y.host();
  for (int t = 0; t < 64; ++t) {
    const int lane = t % 32, first = 100 + t - lane;
    const T* const mine = &got[t * 6];
    CHECK(mine[0] == T(first + (lane + 5) % 32));
    CHECK(mine[1] == T(first + (lane < 3 ? lane : lane - 3)));
    CHECK(mine[2] == T(first + (lane > 28 ? lane : lane + 3)));
    CHECK(mine[3] == T(first + (lane ^ 6)));
    CHECK(mine[4] == T(first + (lane % 8 > 5 ? lane : lane + 2)));
    CHECK(mine[5] == T(first + lane / 4 * 4 + 1));
  }
}

__global__ void votes(unsigned* y) {
  const unsigned t = threadIdx.x;
  unsigned* const mine = y + t * 9;
  mine[0] = __ballot_sync(~0u, t % 3 == 0);
  mine[1] = unsigned(__any_sync(~0u, t == 31)) * 2 + unsigned(__all_sync(~0u, t < 32));
  mine[2] = __reduce_add_sync(~0u, t);
  mine[3] = __reduce_max_sync(~0u, t);
  mine[4] = unsigned(__reduce_min_sync(~0u, int(t) - 7));
  mine[5] = __reduce_xor_sync(~0u, t * t);
  mine[6] = 0;
  const unsigned odd = 0xaaaaaaaa;
  if (t % 2) mine[6] = __ballot_sync(odd, t > 15);
  mine[7] = t % 2 ? __reduce_or_sync(odd, t) : __reduce_and_sync(~odd, t | 32);
  mine[8] = 0;
  __syncwarp();
}

/// d = a b + c for one fragment, by the PTX ISA's layout
template <class T, int K>
__global__ void multiply(const T* a, const T* b, const float* c, float* d) {
  const int g = int(threadIdx.x) / 4, t = int(threadIdx.x) % 4;
  constexpr int per = 4 / int(sizeof(T));
  unsigned ra[4], rb[2];
  const auto pack = [](const T* p, int stride) {
    unsigned r = 0;
    for (int e = 0; e < per; ++e) {
      if constexpr (per == 1) r = __float_as_uint(p[e * stride]);
      if constexpr (per == 2) r |= unsigned(p[e * stride]) << 16 * e;
    }
    return r;
  };
  for (int i = 0; i < 4; ++i) ra[i] = pack(a + (g + i % 2 * 8) * K + i / 2 * (K / 2) + per * t, 1);
  for (int i = 0; i < 2; ++i) rb[i] = pack(b + (i * (K / 2) + per * t) * 8 + g, 8);
  float rc[4], rd[4];
  for (int i = 0; i < 4; ++i) rc[i] = c[(g + i / 2 * 8) * 8 + 2 * t + i % 2];
  if constexpr (per == 1)
    simt::mma_tf32_m16n8k8(rd, ra, rb, rc);
  else
    simt::mma_bf16_m16n8k16(rd, ra, rb, rc);
  for (int i = 0; i < 4; ++i) d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = rd[i];
}

/// y = the registers of all lanes, matrices x (8 m, 8) of 16-bit elements
template <int m, bool transposed>
__global__ void load_matrices(const std::uint16_t* x, unsigned* y) {
  GESSO_SHARED(uint4, rows, [32]);
  if (threadIdx.x < 8 * m) rows[threadIdx.x] = reinterpret_cast<const uint4*>(x)[threadIdx.x];
  __syncthreads();
  unsigned r[m];
  simt::ldmatrix<m, transposed>(r, &rows[threadIdx.x % (8 * m)]);
  for (int i = 0; i < m; ++i) y[threadIdx.x * m + i] = r[i];
}

template <int m, bool transposed>
void check_ldmatrix() {
  std::vector<std::uint16_t> x(m * 64);
  std::iota(x.begin(), x.end(), std::uint16_t{1});
  DeviceArray<std::uint16_t> dx(x);
  DeviceArray<unsigned> y(32 * m);
  simt::launch(load_matrices<m, transposed>, 1, 32, 0, nullptr, dx.data(), y.data());
  const std::vector<unsigned> got = y.host();
  for (int lane = 0; lane < 32; ++lane)
    for (int i = 0; i < m; ++i)
      for (int e = 0; e < 2; ++e) {
        const int row = transposed ? lane % 4 * 2 + e : lane / 4,
                  column = transposed ? lane / 4 : lane % 4 * 2 + e;
        CHECK((got[lane * m + i] >> 16 * e & 0xffff) == x[i * 64 + row * 8 + column]);
      }
}

/// y = x by way of two stages of asynchronous copies; before[i] tells whether element i was there before its wait
__global__ void copy_in_stages(const float4* x, float4* y) {
  GESSO_SHARED(float4, stage, [2][32]);
  const unsigned t = threadIdx.x;
  simt::cp_async<16>(&stage[0][t], &x[t]);
  simt::cp_async_commit();
  for (int k = 0; k < 3; ++k) {
    if (k < 2) simt::cp_async<16>(&stage[(k + 1) % 2][t], &x[(k + 1) * 32 + t]);
    simt::cp_async_commit();
    simt::cp_async_wait<1>();
    __syncthreads();
    y[k * 32 + t] = stage[k % 2][31 - t];
    __syncthreads();
  }
}

__global__ void copy_with_zeros(const float* x, float* y) {
  GESSO_SHARED(float4, buffer, [3]);
  float* const to = reinterpret_cast<float*>(buffer);
  if (threadIdx.x == 0) {
    simt::cp_async<16>(to, x, 12);
    simt::cp_async<8>(to + 4, x + 4, 0);
    simt::cp_async<8>(to + 6, x + 6);
    simt::cp_async<4>(to + 8, x + 8);
    simt::cp_async_commit();
    simt::cp_async_wait<0>();
    for (int i = 0; i < 9; ++i) y[i] = to[i];
  }
}

__global__ void look_before_waiting(const float* x, int* seen) {
  GESSO_SHARED(float, a, );
  simt::cp_async<4>(&a, x);
  *seen = a == *x;
  simt::cp_async_wait<0>();
}

}  // namespace

TEST_CASE("shuffles") {
  in_every_order([] {
    check_shuffles<int>();
    check_shuffles<unsigned>();
    check_shuffles<float>();
    check_shuffles<double>();
    check_shuffles<long long>();
    check_shuffles<unsigned long long>();
  });
}

TEST_CASE("votes and reductions") {
  in_every_order([] {
    DeviceArray<unsigned> y(32 * 9);
    simt::launch(votes, 1, 32, 0, nullptr, y.data());
    unsigned thirds = 0, squares = 0;
    for (unsigned i = 0; i < 32; ++i) thirds |= unsigned(i % 3 == 0) << i, squares ^= i * i;
    const std::vector<unsigned> got = y.host();
    for (unsigned i = 0; i < 32; ++i) {
      const unsigned* const mine = &got[i * 9];
      CHECK(mine[0] == thirds);
      CHECK(mine[1] == 3);
      CHECK(mine[2] == 31 * 16);
      CHECK(mine[3] == 31);
      CHECK(int(mine[4]) == -7);
      CHECK(mine[5] == squares);
      CHECK(mine[6] == (i % 2 ? 0xaaaa0000 : 0));
      CHECK(mine[7] == (i % 2 ? 31 : 32));
    }
  });
}

TEST_CASE("mma gives the product of integers") {
  in_every_order([] {
    std::vector<float> a(16 * 8), b(8 * 8), c(16 * 8);
    for (int i = 0; i < 128; ++i) a[i] = float(i * 37 % 101 - 50), c[i] = float(i * 11 % 23);
    for (int i = 0; i < 64; ++i) b[i] = float(i * 29 % 67 - 33);
    DeviceArray<float> da(a), db(b), dc(c), d(16 * 8);
    simt::launch(multiply<float, 8>, 1, 32, 0, nullptr, da.data(), db.data(), dc.data(), d.data());
    const std::vector<float> got = d.host();
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 8; ++j) {
        float sum = c[i * 8 + j];
        for (int k = 0; k < 8; ++k) sum += a[i * 8 + k] * b[k * 8 + j];
        CHECK(got[i * 8 + j] == sum);
      }
  });
  in_every_order([] {
    const auto bf16 = [](int x) { return std::uint16_t(__float_as_uint(float(x)) >> 16); };
    std::vector<std::uint16_t> a(16 * 16), b(16 * 8);
    std::vector<float> c(16 * 8, 3.0f);
    for (int i = 0; i < 256; ++i) a[i] = bf16(i * 37 % 101 - 50);
    for (int i = 0; i < 128; ++i) b[i] = bf16(i * 29 % 67 - 33);
    DeviceArray<std::uint16_t> da(a), db(b);
    DeviceArray<float> dc(c), d(16 * 8);
    simt::launch(multiply<std::uint16_t, 16>, 1, 32, 0, nullptr, da.data(), db.data(), dc.data(), d.data());
    const std::vector<float> got = d.host();
    for (int i = 0; i < 16; ++i)
      for (int j = 0; j < 8; ++j) {
        int sum = 3;
        for (int k = 0; k < 16; ++k) sum += ((i * 16 + k) * 37 % 101 - 50) * ((k * 8 + j) * 29 % 67 - 33);
        CHECK(got[i * 8 + j] == float(sum));
      }
  });
}

TEST_CASE("TF32 mma reads the upper 19 bits of its operands, cvt.rna rounds to them") {
  const float x = 1 + 0x1p-10f + 0x1p-11f;  // halfway between two TF32 numbers
  std::vector<float> a(16 * 8, 0.0f), b(8 * 8, 0.0f), c(16 * 8, 0.0f);
  a[0] = x, b[0] = 1;
  DeviceArray<float> da(a), db(b), dc(c), d(16 * 8);
  simt::launch(multiply<float, 8>, 1, 32, 0, nullptr, da.data(), db.data(), dc.data(), d.data());
  CHECK(d.host()[0] == 1 + 0x1p-10f);
  CHECK(__uint_as_float(simt::to_tf32(x)) == 1 + 0x1p-9f);
  CHECK(__uint_as_float(simt::to_tf32(-x)) == -1 - 0x1p-9f);
}

TEST_CASE("ldmatrix") {
  in_every_order([] {
    check_ldmatrix<1, false>();
    check_ldmatrix<2, false>();
    check_ldmatrix<4, false>();
    check_ldmatrix<1, true>();
    check_ldmatrix<2, true>();
    check_ldmatrix<4, true>();
  });
}

TEST_CASE("cp.async") {
  in_every_order([] {
    std::vector<float4> x(96);
    for (int i = 0; i < 96; ++i)
      x[i] = make_float4(float(i), float(i) + 0.25f, float(i) + 0.5f, float(i) + 0.75f);
    DeviceArray<float4> dx(x), y(96);
    simt::launch(copy_in_stages, 1, 32, 0, nullptr, dx.data(), y.data());
    const std::vector<float4> got = y.host();
    for (int k = 0; k < 3; ++k)
      for (int i = 0; i < 32; ++i) {
        CHECK(got[k * 32 + i].x == x[k * 32 + 31 - i].x);
        CHECK(got[k * 32 + i].w == x[k * 32 + 31 - i].w);
      }
    DeviceArray<float> values({1, 2, 3, 4, 5, 6, 7, 8, 9}), zeroed(9);
    simt::launch(copy_with_zeros, 1, 32, 0, nullptr, values.data(), zeroed.data());
    CHECK(zeroed.host() == std::vector<float>{1, 2, 3, 0, 0, 0, 7, 8, 9});
  });
  DeviceArray<float> one({1.0f});
  DeviceArray<int> seen(1);
  simt::launch(look_before_waiting, 1, 1, 0, nullptr, one.data(), seen.data());
  CHECK(seen.host()[0] == 0);
}
