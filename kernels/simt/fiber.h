// Fibers: functions that run on stacks of their own and hand the processor to each other where they wish. All fibers of a
// block of CUDA threads live on one thread of the operating system.
//
// Only the emulation's own .cc files include this; they are compiled without sanitizers (fiber.cc says why).
#pragma once

#include <cstddef>

namespace gesso::simt::emu {

/// Stacks for the fibers of one thread of the operating system, kept from block to block. Below each lies a page that
/// nobody may touch, so that an overflow ends in a fault instead of a neighbour's data.
class Stacks {
 public:
  static constexpr int kCount = 1024;
  Stacks() = default;
  ~Stacks();
  Stacks(const Stacks&) = delete;
  Stacks& operator=(const Stacks&) = delete;

  /// What a switch to a fiber that starts on stack `i` is given: `entry` runs there, and never returns.
  void* fresh(int i, void (*entry)());
  void* bottom(int i);
  static std::size_t size();
  /// Forgets what sanitizers know about the first `used` stacks, whose fibers are gone, some of them in mid-function.
  void forget(int used);

 private:
  char* memory_ = nullptr;
};

/// Saves where the running fiber stands in *from, and goes on at `to`.
extern "C" void gesso_simt_switch(void** from, void* to);

}  // namespace gesso::simt::emu
