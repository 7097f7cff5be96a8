// A device as the rest of gesso sees it: its kernels, and its memory.
#pragma once

#include "kernels/kernels.h"

#include <cstddef>
#include <type_traits>

namespace gesso::kernels {

/// emu runs the CUDA kernels on the CPU, thread by thread (kernels/simt).
enum class Device : std::uint8_t { cpu, cuda, emu };
inline constexpr Device kDevices[] = {Device::cpu, Device::cuda, Device::emu};

/// Bytes in blocks now in use, the most there ever were, and the bytes of fresh memory that all blocks together needed.
struct MemoryUse {
  std::size_t in_use = 0, peak = 0, from_system = 0;
};

/// Memory of a device. What is allocated here is handed out again after its release, so that a training step after the
/// first takes nothing from the system. Kernels and copies on a device run in the order they were asked for.
struct Memory {
  /// Aligned to 64 bytes (a cache line, a 512-bit vector). Contents are undefined: NaN in debug builds. Throws
  /// std::bad_alloc. Any thread may allocate, and release what another allocated.
  void* (*allocate)(std::size_t bytes);
  /// Gives back what allocate(bytes) returned; kernels that were asked for before may still use it.
  void (*release)(void* block, std::size_t bytes) noexcept;
  MemoryUse (*use)();

  void (*zero)(void* y, std::size_t bytes);
  void (*copy)(void* y, const void* x, std::size_t bytes);       // within the device
  void (*from_host)(void* y, const void* x, std::size_t bytes);  // x may be changed as soon as this returns
  void (*to_host)(void* y, const void* x, std::size_t bytes);    // waits for all kernels before it
  void (*synchronize)();                                         // waits for everything asked for
};

struct Backend {
  const Kernels<float>* f32;
  const Kernels<double>* f64;
  const MoveKernels* move;
  const Memory* memory;

  template <class T>
  const Kernels<T>& of() const {
    if constexpr (std::is_same_v<T, float>)
      return *f32;
    else
      return *f64;
  }
};

/// Everything of one device; null where this build or this machine does not have it.
const Backend* backend(Device d);
/// Whether this build has the kernels of d, whatever the machine has.
bool in_build(Device d);
/// Why backend(d) is null, as the rest of a sentence: "this build of gesso has no CUDA".
const char* why_absent(Device d);

}  // namespace gesso::kernels
