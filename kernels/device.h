// A device as the rest of gesso sees it: its kernels, and its memory.
#pragma once

#include "kernels/kernels.h"

#include <cstddef>
#include <type_traits>

namespace gesso::kernels {

/// emu runs the CUDA kernels on the CPU, thread by thread (kernels/simt).
enum class Device : std::uint8_t { cpu, cuda, emu };
inline constexpr Device kDevices[] = {Device::cpu, Device::cuda, Device::emu};

/// Bytes in blocks now in use, the most there ever were, and the bytes of fresh memory that all blocks together needed. How often
/// the host waited for the device, and how often it copied something there; both 0 on the CPU.
struct MemoryUse {
  std::size_t in_use = 0, peak = 0, from_system = 0;
  std::size_t waits = 0, uploads = 0;
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

/// Points in the work of a device, and the time between them.
struct Timing {
  void* (*mark)();                          // after all that was asked for so far
  double (*seconds)(void* from, void* to);  // waits until the device has come to both
  void (*forget)(void* mark) noexcept;
  void (*enter)(const char* name), (*leave)();  // what lies between bears this name in NVIDIA's profilers
};

/// Work that is asked for once and done many times: a graph of the kernels, copies and fills asked for between begin() and
/// end(), with their arguments. They are kept then, and not done. In between nothing may wait for the device or copy to it.
/// Blocks that are allocated or released in between belong to the graph until it is forgotten.
struct Graphs {
  void (*begin)();
  void* (*end)();
  void (*abandon)() noexcept;  // in place of end(), after an error
  void (*replay)(void* graph);
  void (*forget)(void* graph) noexcept;
};

/// Which products of f32 may round their factors to TF32 (10 bits of mantissa in place of 23), which tensor cores multiply
/// several times faster. Convolutions alone are what PyTorch begins with.
enum class Tf32 : std::uint8_t { none, convolutions, all };

struct Backend {
  const Kernels<float>* f32;
  const Kernels<double>* f64;
  const MoveKernels* move;
  const Memory* memory;
  const Timing* timing =
      nullptr;  // null on the CPU, whose kernels are done when they return; so are its graphs
  const Graphs* graphs = nullptr;
  void (*allow_tf32)(Tf32) = nullptr;  // one switch for the process, at first none; null on the CPU

  template <class T>
  const Kernels<T>& of() const {
    if constexpr (std::is_same_v<T, float>)
      return *f32;
    else
      return *f64;
  }
};

/// Everything of one device; null where this build or this machine does not have it. While there is a Profile (profile.h), its
/// kernels take their time.
const Backend* backend(Device d);
/// The same without that.
const Backend* untimed_backend(Device d);
/// Whether this build has the kernels of d, whatever the machine has.
bool in_build(Device d);
/// Why backend(d) is null, as the rest of a sentence: "this build of gesso has no CUDA".
const char* why_absent(Device d);

}  // namespace gesso::kernels
