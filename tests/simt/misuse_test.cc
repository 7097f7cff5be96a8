// Kernels that break a rule: each is told which, and where its threads stand.
#include "kernels/simt/ptx.h"
#include "tests/simt/support.h"

using namespace gesso;
using test::complaint;

namespace {

enum class Mistake {
  divergent_barrier,
  exit_before_barrier,
  barrier_against_shuffle,
  lane_missing,
  not_in_own_mask,
  different_masks,
  lane_does_not_exist,
  read_outside_mask,
  odd_width,
  misaligned_copy,
  copy_too_long,
  misaligned_ldmatrix,
  too_much_static,
};

template <Mistake mistake>
__global__ void wrong(float* out) {
  const unsigned t = threadIdx.x;
  if constexpr (mistake == Mistake::divergent_barrier) {
    if (t < 40)
      __syncthreads();
    else
      __syncthreads();
  }
  if constexpr (mistake == Mistake::exit_before_barrier) {
    if (t == 7) return;
    __syncthreads();
  }
  if constexpr (mistake == Mistake::barrier_against_shuffle) {
    if (t == 3)
      __syncthreads();
    else
      out[t] = __shfl_xor_sync(~0u, 1.0f, 1);
  }
  if constexpr (mistake == Mistake::lane_missing) {
    if (t != 9) __syncwarp();
  }
  if constexpr (mistake == Mistake::not_in_own_mask) __syncwarp(0xffff);
  if constexpr (mistake == Mistake::different_masks) __syncwarp(t % 2 ? ~0u : 0x55555555u);
  if constexpr (mistake == Mistake::lane_does_not_exist) out[t] = __shfl_xor_sync(~0u, 1.0f, 1);
  if constexpr (mistake == Mistake::read_outside_mask) {
    if (t < 16) out[t] = __shfl_xor_sync(0xffffu, 1.0f, 16);
  }
  if constexpr (mistake == Mistake::odd_width) out[t] = __shfl_xor_sync(~0u, 1.0f, 1, 12);
  GESSO_SHARED(float4, buffer, [8]);
  if constexpr (mistake == Mistake::misaligned_copy) simt::cp_async<16>(buffer, out + 1);
  if constexpr (mistake == Mistake::copy_too_long) simt::cp_async<4>(buffer, out, 8);
  if constexpr (mistake == Mistake::misaligned_ldmatrix) {
    unsigned r[1];
    simt::ldmatrix<1>(r, reinterpret_cast<const float*>(buffer) + 1);
  }
  if constexpr (mistake == Mistake::too_much_static) {
    GESSO_SHARED(float, large, [12 * 1024]);
    large[t] = 0;
    buffer[0].x = large[t];
  }
}

template <Mistake mistake>
std::string told(unsigned threads = 64) {
  test::DeviceArray<float> out(64);
  std::string first;
  test::in_every_order([&] {
    const std::string text =
        complaint([&] { simt::launch(wrong<mistake>, 3, threads, 0, nullptr, out.data()); });
    if (first.empty()) first = text;
    CHECK(text.substr(0, text.find('\n')) == first.substr(0, first.find('\n')));
    CHECK(text.find("misuse_test.cc:") != std::string::npos);
  });
  return first;
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("barriers that not all threads reach") {
  CHECK(has(told<Mistake::divergent_barrier>(), "__syncthreads in divergent code"));
  const std::string text = told<Mistake::exit_before_barrier>();
  CHECK(has(text, "threads left the kernel before a barrier that others wait at"));
  CHECK(has(text, "thread 0 to 6: __syncthreads at "));
  CHECK(has(text, "thread 7: has left the kernel"));
  CHECK(has(text, "thread 8 to 63: __syncthreads at "));
  CHECK(has(text, ",0,0) of (3,1,1)"));
  CHECK(has(told<Mistake::barrier_against_shuffle>(), "deadlock: some threads wait at a barrier"));
}

TEST_CASE("warp functions whose lanes do not come together") {
  CHECK(has(told<Mistake::lane_missing>(), "mask"));
  CHECK(has(told<Mistake::not_in_own_mask>(), "a mask that does not name it"));
  CHECK(has(told<Mistake::different_masks>(), "mask"));
  CHECK(has(told<Mistake::lane_does_not_exist>(16), "a mask names a lane that does not exist"));
  CHECK(has(told<Mistake::read_outside_mask>(), "reads from a lane outside its mask"));
  CHECK(has(told<Mistake::odd_width>(), "power of two"));
}

TEST_CASE("asynchronous copies, ldmatrix and shared memory") {
  CHECK(has(told<Mistake::misaligned_copy>(), "not multiples of its size"));
  CHECK(has(told<Mistake::copy_too_long>(), "reads no more bytes than it writes"));
  CHECK(has(told<Mistake::misaligned_ldmatrix>(), "not a multiple of 16"));
  CHECK(has(told<Mistake::too_much_static>(), "more than 48 KiB of static shared memory"));
}

TEST_CASE("the device works after each mistake") {
  test::DeviceArray<float> out(64);
  for (int i = 0; i < 100; ++i)
    CHECK_THROWS_AS(simt::launch(wrong<Mistake::exit_before_barrier>, 8, 64, 0, nullptr, out.data()),
                    simt::EmulationError);
}
