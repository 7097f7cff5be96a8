// One block of CUDA threads on one thread of the operating system: who may run, who waits for whom, what they share.
// Included by the emulation's .cc files only; kernels see device.h.
#pragma once

#include "kernels/simt/async.h"
#include "kernels/simt/device.h"
#include "kernels/simt/fiber.h"
#include "kernels/simt/launch.h"

#include <cstdint>
#include <string>

namespace gesso::simt::emu {

inline constexpr int kWarp = 32;

struct CudaThread {
  enum State : unsigned char { fresh, ready, at_barrier, in_warp, done };
  State state;
  uint3 index;
  int stack;         // number of the stack it runs on, once it has started
  void* at;          // where it was suspended
  void* fake_stack;  // AddressSanitizer's
  void* fiber;       // ThreadSanitizer's
  // What it waits for.
  const char* what;
  Where where;
  unsigned mask;
  WarpWork work;
  void* deposit;
  CopyQueue copies;
};

/// The memory behind a GESSO_SHARED declaration.
struct SharedArray {
  const void* key;
  std::size_t size;
  void* block;  // as allocated
  void* memory;
  bool filled;  // in this block
};

/// The threads of the block that is running, and the machinery that outlives it. One per thread of the operating system.
class Block {
 public:
  Block() = default;
  ~Block();
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  void begin_launch(const Launch& launch);
  /// Runs all threads of block `index`, the number-th of its grid; an empty result is success.
  std::string run(dim3 index, std::uint64_t number);
  void end_launch();

  // Called by the running CUDA thread.
  int barrier(bool predicate, const char* what, Where where);
  void meet(const char* what, unsigned mask, void* deposit, WarpWork work, Where where);
  void sync_warp(unsigned mask, Where where);
  void next_warp_phase() { ++warp_phase_[current_ / kWarp]; }
  [[noreturn]] void fail(const char* message, Where where);
  void* shared_array(const void* key, std::size_t size, std::size_t alignment);
  void* dynamic_shared() const { return dynamic_; }
  CudaThread& thread() { return threads_[current_]; }
  int number() const { return current_; }  // of the running thread
  int lane() const { return current_ % kWarp; }
  bool holds(const void* p) const;  // whether p lies in its shared memory
  bool coin();                      // in random order now and then true, else always false

 private:
  [[noreturn]] static void entry();
  [[noreturn]] void run_threads();
  void prepare(dim3 index, std::uint64_t number);
  int pick();
  unsigned pick_bit(unsigned set);
  void all_ready();
  void become(int thread);
  void* starting_point(int thread);
  void wait();
  void switch_to(int thread);
  [[noreturn]] void leave_for(int thread);
  [[noreturn]] void leave();
  void release_barrier();
  void end_tsan_fibers();
  void fill_shared(void* memory, std::size_t size);
  void free_shared();
  std::string stuck() const;
  std::string report(const std::string& headline) const;

  static constexpr int kMaxArrays = 32;
  Launch launch_{};
  int count_ = 0, done_ = 0, current_ = 0;
  unsigned ready_[kMaxThreads / kWarp] = {}, ready_warps_ = 0;  // sets of lanes, and of warps with such lanes
  unsigned in_warp_[kMaxThreads / kWarp] = {};                  // lanes that wait for others of their warp
  std::uint64_t random_ = 0;
  int at_barrier_ = 0, predicates_ = 0, barrier_result_ = 0;
  unsigned barrier_phase_ = 0, warp_phase_[kMaxThreads / kWarp] = {};
  char barrier_sync_[2], warp_sync_[kMaxThreads / kWarp][2], end_sync_;  // only their addresses matter
  dim3 index_;
  std::string error_;

  SharedArray arrays_[kMaxArrays] = {};
  int array_count_ = 0;
  std::size_t static_bytes_ = 0;
  void* dynamic_ = nullptr;

  CudaThread threads_[kMaxThreads] = {};
  Stacks stacks_;
  int free_stacks_[kMaxThreads], free_count_ = 0, used_stacks_ = 0;
  void* home_ = nullptr;  // where `run` waits
  void* home_fiber_ = nullptr;
  const void* home_bottom_ = nullptr;
  std::size_t home_size_ = 0;
};

/// That of this thread of the operating system.
Block& this_block();

}  // namespace gesso::simt::emu
