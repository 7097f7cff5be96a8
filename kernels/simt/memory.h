// The memory of the emulated device. Included by the emulation's .cc files only.
#pragma once

#include "kernels/simt/device.h"
#include "kernels/simt/runtime.h"

#include <cstddef>
#include <functional>

namespace gesso::simt::emu {

inline constexpr std::size_t kDeviceMemory = std::size_t{4} << 30;

/// Keeps the error for cudaGetLastError, and returns it.
cudaError_t result(cudaError_t error);

/// Whether what is asked of the stream is kept for a graph; and that it is.
bool capturing(cudaStream_t stream);
cudaError_t capture(cudaStream_t stream, std::function<cudaError_t()> work);

/// Whether p lies in an allocation.
bool in_device_memory(const void* p);

/// Under AddressSanitizer the device's memory may be touched by kernels and by the runtime's functions only, not by the host,
/// which could not on a device. A launch holds one of these.
class DeviceMemoryOpen {
 public:
  DeviceMemoryOpen();
  ~DeviceMemoryOpen();
  DeviceMemoryOpen(const DeviceMemoryOpen&) = delete;
  DeviceMemoryOpen& operator=(const DeviceMemoryOpen&) = delete;
};

}  // namespace gesso::simt::emu
