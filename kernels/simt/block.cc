// The scheduler. A thread runs until it must wait, then hands over straight to the next that can run, on that one's own
// stack; a thread that ends lends its stack to the next that has not started. So threads that never wait are a plain loop.
#include "kernels/simt/block.h"

#include "kernels/simt/sanitizers.h"

#include <bit>
#include <cstdio>
#include <memory>

constinit thread_local uint3 threadIdx{}, blockIdx{};
constinit thread_local dim3 blockDim{}, gridDim{};

namespace gesso::simt::emu {

Block& this_block() {
  thread_local std::unique_ptr<Block> owner;
  static constinit thread_local Block* block = nullptr;
  if (!block) {
    owner = std::make_unique<Block>();
    block = owner.get();
  }
  return *block;
}

Block::~Block() {
  free_shared();
  for (CudaThread& t : threads_) t.copies.free();
}

// ---- one block, from its start to its end -----------------------------------------------------------------------------

void Block::begin_launch(const Launch& launch) {
  launch_ = launch;
  blockDim = launch.block;
  gridDim = launch.grid;
  home_fiber_ = tsan() ? __tsan_get_current_fiber() : nullptr;
}

/// A launch's end is when the caller may see what its threads did: not the end of a block, as others might still run.
void Block::end_launch() {
  acquire(&end_sync_);
  free_shared();
}

namespace {

/// A thread of ThreadSanitizer's for a CUDA thread, by whose place its reports are read.
void* make_tsan_fiber(dim3 block, int thread) {
  char name[64];
  std::snprintf(name, sizeof name, "thread %d of block (%u,%u,%u)", thread, block.x, block.y, block.z);
  void* fiber = __tsan_create_fiber(0);
  __tsan_set_fiber_name(fiber, name);
  return fiber;
}

}  // namespace

void Block::prepare(dim3 index, std::uint64_t number) {
  index_ = index;
  blockIdx = {index.x, index.y, index.z};
  random_ = (launch_.order.seed + 1) * 0x9E3779B97F4A7C15 ^ (number + 1) * 0xD1B54A32D192ED03;
  const dim3 size = launch_.block;
  count_ = int(size.x * size.y * size.z);
  uint3 at{0, 0, 0};
  for (int i = 0; i < count_; ++i) {
    CudaThread& t = threads_[i];
    t.state = CudaThread::fresh;
    t.index = at;
    t.copies.clear();
    if (++at.x == size.x) at.x = 0, ++at.y;
    if (at.y == size.y) at.y = 0, ++at.z;
    if (tsan()) t.fiber = make_tsan_fiber(index, i);
  }
  for (unsigned& lanes : in_warp_) lanes = 0;
  all_ready();
  done_ = at_barrier_ = predicates_ = free_count_ = used_stacks_ = 0;
  error_.clear();
}

std::string Block::run(dim3 index, std::uint64_t number) {
  if (tsan())
    free_shared();  // memory the sanitizer knows nothing about, or it sees races with the block before
  for (int i = 0; i < array_count_; ++i) arrays_[i].filled = false;
  if (launch_.shared) {
    Unobserved quiet;
    if (!dynamic_) dynamic_ = ::operator new (launch_.shared, std::align_val_t{128});
    fill_shared(dynamic_, launch_.shared);
  }
  prepare(index, number);
  home_bottom_ = nullptr;
  const int first = pick();
  void* const start = starting_point(first);
  become(first);
  void* fake_stack = nullptr;
  if (asan())
    __sanitizer_start_switch_fiber(&fake_stack, stacks_.bottom(threads_[first].stack), Stacks::size());
  gesso_simt_switch(&home_, start);
  if (asan()) __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
  if (error_.empty() && done_ < count_) error_ = report(stuck());
  if (tsan()) end_tsan_fibers();
  if (tsan() || !error_.empty()) stacks_.forget(used_stacks_);
  return error_;
}

/// What they did happened before the end of the launch, also where they were abandoned.
void Block::end_tsan_fibers() {
  for (int i = 0; i < count_; ++i) {
    __tsan_switch_to_fiber(threads_[i].fiber, 1);
    release(&end_sync_);
    __tsan_switch_to_fiber(home_fiber_, 1);
    __tsan_destroy_fiber(threads_[i].fiber);
  }
}

// ---- who runs next --------------------------------------------------------------------------------------------------------

/// One of a non-empty set of bits, by the launch's order.
unsigned Block::pick_bit(unsigned set) {
  if (launch_.order.kind == Order::forward) return unsigned(std::countr_zero(set));
  if (launch_.order.kind == Order::reverse) return unsigned(31 - std::countl_zero(set));
  random_ = random_ * 6364136223846793005 + 1442695040888963407;
  const unsigned turn = unsigned(random_ >> 59);
  return (unsigned(std::countr_zero(std::rotr(set, int(turn)))) + turn) & 31;
}

bool Block::coin() {
  if (launch_.order.kind != Order::random) return false;
  random_ = random_ * 6364136223846793005 + 1442695040888963407;
  return random_ >> 62 == 0;
}

/// Takes a thread that can run; -1 where there is none.
int Block::pick() {
  if (!ready_warps_) return -1;
  const unsigned warp = pick_bit(ready_warps_), lane = pick_bit(ready_[warp]);
  ready_[warp] &= ~(1u << lane);
  if (!ready_[warp]) ready_warps_ &= ~(1u << warp);
  return int(warp * kWarp + lane);
}

void Block::all_ready() {
  Unobserved quiet;  // compilers turn loops like these into memset, which ThreadSanitizer sees
  const int warps = (count_ + kWarp - 1) / kWarp;
  for (int w = 0; w < warps; ++w) ready_[w] = ~0u;
  if (count_ % kWarp) ready_[warps - 1] = (1u << count_ % kWarp) - 1;
  ready_warps_ = ~0u >> (kWarp - warps);
}

// ---- switches ---------------------------------------------------------------------------------------------------------------

void Block::become(int thread) {
  current_ = thread;
  threadIdx = threads_[thread].index;
  if (tsan()) __tsan_switch_to_fiber(threads_[thread].fiber, 1);  // 1: a switch synchronises nothing
}

/// Where to go on with a thread; one that has not started is given a stack. Under ThreadSanitizer none is used twice in a
/// block: what two threads keep at the same address of it would look like a race.
void* Block::starting_point(int thread) {
  CudaThread& t = threads_[thread];
  if (t.state != CudaThread::fresh) return t.at;
  t.stack = free_count_ && !tsan() ? free_stacks_[--free_count_] : used_stacks_++;
  t.state = CudaThread::ready;
  return stacks_.fresh(t.stack, entry);
}

void Block::entry() { this_block().run_threads(); }

/// The life of a stack: the thread it was made for, then others that have not started, until one that has is to go on.
void Block::run_threads() {
  if (asan()) {
    const void* bottom = nullptr;
    std::size_t size = 0;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
    if (!home_bottom_) home_bottom_ = bottom, home_size_ = size;  // the first to run comes from there
  }
  for (;;) {
    launch_.call(launch_.arguments);
    CudaThread& t = threads_[current_];
    t.state = CudaThread::done;
    ++done_;
    const int next = pick();
    if (next < 0) leave();
    if (threads_[next].state == CudaThread::fresh && !tsan()) {
      threads_[next].stack = t.stack;
      threads_[next].state = CudaThread::ready;
      become(next);
    } else {
      void* const to = starting_point(next);  // before this stack is free: it is still in use
      free_stacks_[free_count_++] = t.stack;
      become(next);
      if (asan())
        __sanitizer_start_switch_fiber(nullptr, stacks_.bottom(threads_[next].stack), Stacks::size());
      void* nowhere;
      gesso_simt_switch(&nowhere, to);
    }
  }
}

/// Back to `run`, for ever: the block is done, stuck or wrong.
void Block::leave() {
  if (tsan()) __tsan_switch_to_fiber(home_fiber_, 1);
  if (asan()) __sanitizer_start_switch_fiber(nullptr, home_bottom_, home_size_);
  void* nowhere;
  gesso_simt_switch(&nowhere, home_);
  __builtin_unreachable();
}

/// Hands over until someone has made the current thread ready and it is its turn.
void Block::wait() {
  CudaThread& self = thread();
  const int next = pick();
  if (next < 0) leave();
  if (next == current_) return;
  void* const to = starting_point(next);
  become(next);
  if (asan())
    __sanitizer_start_switch_fiber(&self.fake_stack, stacks_.bottom(threads_[next].stack), Stacks::size());
  gesso_simt_switch(&self.at, to);
  if (asan()) __sanitizer_finish_switch_fiber(self.fake_stack, nullptr, nullptr);
}

}  // namespace gesso::simt::emu
