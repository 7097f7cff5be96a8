// Counts what a kernel would make a GPU's memory do. Kernels that are compiled with -fsanitize=thread, and linked with this
// instead of ThreadSanitizer, report each access with its address, its size and its place in the code; the emulation
// (kernels/simt) knows which CUDA thread made it.
//
// A *request* is one execution of an instruction by a warp: the k-th time that each of its 32 threads comes to that place.
//   Of global memory it moves sectors: the aligned pieces of 32 bytes that hold what its threads ask for.
//   Of shared memory it takes wavefronts: in one, each of 32 banks gives one word of 4 bytes, to all threads that want it.
//   Threads that want 8 bytes each are served in two halves of a warp, those that want 16 in four quarters.
// The names are those of Nsight Compute. Caches are not looked at: a sector that is asked for twice counts twice.
#pragma once

#include "kernels/simt/launch.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace gesso::simt::trace {

inline constexpr int kSector = 32, kBanks = 32, kBankBytes = 4;

enum class Space : unsigned char { global, shared };

/// What one instruction asked of memory, over all warps and executions.
struct Access {
  const void* pc = nullptr;  // where its report returns to: in the kernel, behind the access
  Space space = Space::global;
  bool store = false;
  std::int64_t requests = 0;
  std::int64_t bytes = 0;  // that threads asked for
  std::int64_t cost = 0;   // sectors or wavefronts
  std::int64_t least =
      0;  // sectors that hold the bytes, were they side by side; wavefronts without conflicts
};

struct KernelCount {
  const void* kernel = nullptr;
  int launches = 0;
  dim3 grid, block;  // of the first launch
  std::vector<Access> accesses;
};

/// Counts, while it lives, every launch of the process, in which blocks run one after the other. There may be one at a time:
/// another throws std::logic_error.
class Counter {
 public:
  Counter();
  ~Counter();
  Counter(const Counter&) = delete;
  Counter& operator=(const Counter&) = delete;

  /// Kernels in the order of their first launch, their accesses in that of their first execution.
  std::vector<KernelCount> kernels() const;

  class Recorder;

 private:
  std::unique_ptr<Recorder> recorder_;
};

/// An access by the code before `pc`, in as many parts as a device needs instructions for it; told to the living counter.
void report(const void* pc, const void* p, std::size_t bytes, bool store, std::size_t part = 0);

}  // namespace gesso::simt::trace
