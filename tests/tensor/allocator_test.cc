#include "kernels/device.h"

#include "reference.h"

#include <algorithm>
#include <cstring>
#include <thread>

using namespace gesso;

namespace {

const kernels::Memory& memory() { return *kernels::backend(Device::cpu)->memory; }
void* allocate(std::size_t bytes) { return memory().allocate(bytes); }
void release(void* block, std::size_t bytes) { memory().release(block, bytes); }
kernels::MemoryUse allocator_use() { return memory().use(); }

}  // namespace

#ifdef GESSO_EXACT_ALLOCATIONS
constexpr bool kCached = false;  // every block from the system and back, for the address sanitizer
#else
constexpr bool kCached = true;
#endif

TEST_CASE("blocks are aligned, apart, and as large as asked for") {
  std::vector<std::pair<std::byte*, std::size_t>> blocks;
  for (std::size_t bytes :
       {0, 1, 63, 64, 65, 256, 257, 320, 321, 1000, 4096, 5000, 65537, 1 << 20, (2 << 20) + 1, 70 << 20}) {
    auto* p = static_cast<std::byte*>(allocate(bytes));
    CHECK(reinterpret_cast<std::uintptr_t>(p) % 64 == 0);
    std::memset(p, 1, bytes);
    blocks.emplace_back(p, bytes);
  }
  std::sort(blocks.begin(), blocks.end());
  for (std::size_t i = 1; i < blocks.size(); ++i)
    CHECK(blocks[i - 1].first + std::max<std::size_t>(blocks[i - 1].second, 1) <= blocks[i].first);
  for (auto [p, bytes] : blocks) release(p, bytes);
}

TEST_CASE("use: in use, peak, and at most a fifth lost to size classes") {
  const kernels::MemoryUse before = allocator_use();
  for (std::size_t bytes = 1; bytes < (1 << 20); bytes = bytes * 9 / 8 + 1) {
    void* p = allocate(bytes);
    const std::size_t used = allocator_use().in_use - before.in_use;
    CHECK(used >= bytes);
    CHECK(used <= std::max<std::size_t>(64, bytes + bytes / 4 + 63));
    release(p, bytes);
  }
  CHECK(allocator_use().in_use == before.in_use);
  void* large = allocate(300 << 20);
  CHECK(allocator_use().peak >= before.in_use + (300 << 20));
  release(large, 300 << 20);
  CHECK(allocator_use().in_use == before.in_use);
  CHECK(allocator_use().peak >= before.in_use + (300 << 20));
}

TEST_CASE("after the first step a loop takes nothing from the system") {
  Generator g;
  const Tensor x = tensor::uniform(g, {128, 784});
  Tensor w = tensor::normal(g, {400, 784});
  const auto step = [&] {
    const Tensor h =
        tensor::unary(kernels::Unary::leaky_relu, tensor::matmul(x, w, {.transpose_b = true}), {0.2});
    const Tensor dw = tensor::matmul(h, x, {.transpose_a = true});
    tensor::lerp_(w, dw, 1e-3);
    return tensor::mean(h).item();
  };
  step();
  const std::size_t first = allocator_use().from_system;
  for (int i = 0; i < 20; ++i) step();
  if (kCached) CHECK(allocator_use().from_system == first);
}

TEST_CASE("out of memory is an exception, and nothing is lost by it") {
  if (!kCached) return;
  const kernels::MemoryUse before = allocator_use();
  CHECK_THROWS_AS(allocate(std::size_t{1} << 46), std::bad_alloc);
  CHECK_THROWS_AS(allocate(std::size_t{1} << 62), std::bad_alloc);
  CHECK_THROWS_AS(allocate(SIZE_MAX), std::bad_alloc);
  CHECK(allocator_use().in_use == before.in_use);
  CHECK(allocator_use().from_system == before.from_system);
}

TEST_CASE("several threads allocate, and release what others allocated") {
  const std::size_t before = allocator_use().in_use;
  constexpr int kThreads = 4, kRounds = 2000;
  std::vector<std::vector<std::pair<unsigned char*, std::size_t>>> handed(kThreads);
  std::vector<int> torn(kThreads, 0);
  for (int phase = 0; phase < 3; ++phase) {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&, t] {
        std::mt19937 random(static_cast<unsigned>(t + 10 * phase));
        auto& mine = handed[static_cast<std::size_t>(t)];  // filled by another thread in the phase before
        std::vector<std::pair<unsigned char*, std::size_t>> fresh;
        for (int i = 0; i < kRounds; ++i) {
          const std::size_t bytes = 1 + random() % 5000;
          auto* p = static_cast<unsigned char*>(allocate(bytes));
          std::memset(p, static_cast<int>(bytes % 251), bytes);
          fresh.emplace_back(p, bytes);
          if (mine.empty() || random() % 2) continue;
          const auto [q, size] = mine.back();
          torn[static_cast<std::size_t>(t)] += q[0] != size % 251 || q[size - 1] != size % 251;
          release(q, size);
          mine.pop_back();
        }
        mine.insert(mine.end(), fresh.begin(), fresh.end());
      });
    for (std::thread& t : threads) t.join();
    std::rotate(handed.begin(), handed.begin() + 1, handed.end());
  }
  for (auto& blocks : handed)
    for (auto [p, bytes] : blocks) release(p, bytes);
  CHECK(torn == std::vector<int>(kThreads, 0));
  CHECK(allocator_use().in_use == before);
}

#ifndef NDEBUG
TEST_CASE("fresh memory is NaN in debug builds") {
  { const Tensor used = tensor::ones({1000}); }
  for (float v : Tensor({1000}).to_vector<float>()) CHECK(std::isnan(v));
}
#endif
