#include "kernels/simt/memory.h"

#include "kernels/simt/sanitizers.h"

#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <new>

namespace gesso::simt::emu {

namespace {

constexpr std::align_val_t kAlignment{256};  // cudaMalloc's

/// Where each allocation begins, and its size.
struct Allocations {
  std::mutex mutex;
  std::map<const char*, std::size_t> sizes;
  std::size_t used = 0;  // bytes in all of them
  int open = 0;          // launches that are running

  /// The one that all the bytes lie in; null where there is none.
  const std::pair<const char* const, std::size_t>* find(const void* p, std::size_t bytes) {
    const auto* at = static_cast<const char*>(p);
    auto after = sizes.upper_bound(at);
    if (after == sizes.begin()) return nullptr;
    --after;
    const bool inside = bytes <= after->second && std::size_t(at - after->first) <= after->second - bytes;
    return inside ? &*after : nullptr;
  }
};

Allocations& allocations() {
  static auto* all = new Allocations;  // never destroyed: tensors of static duration may outlive this file's
  return *all;
}

}  // namespace

bool in_device_memory(const void* p) {
  const std::lock_guard lock(allocations().mutex);
  return allocations().find(p, 1);
}

DeviceMemoryOpen::DeviceMemoryOpen() {
  if (!asan()) return;
  const std::lock_guard lock(allocations().mutex);
  if (allocations().open++ == 0)
    for (const auto& [at, size] : allocations().sizes) unpoison(at, size);
}
DeviceMemoryOpen::~DeviceMemoryOpen() {
  if (!asan()) return;
  const std::lock_guard lock(allocations().mutex);
  if (--allocations().open == 0)
    for (const auto& [at, size] : allocations().sizes) poison(at, size);
}

}  // namespace gesso::simt::emu

using namespace gesso::simt::emu;

// ---- allocations ------------------------------------------------------------------------------------------------------------

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  const std::lock_guard lock(allocations().mutex);
  if (bytes > kDeviceMemory - allocations().used) return result(cudaErrorMemoryAllocation);
  void* p = ::operator new(bytes, kAlignment, std::nothrow);
  if (!p) return result(cudaErrorMemoryAllocation);
  std::memset(p, 0xff, bytes);
  poison(p, bytes);
  allocations().sizes[static_cast<char*>(p)] = bytes;
  allocations().used += bytes;
  *memory = p;
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  if (!memory) return cudaSuccess;
  {
    const std::lock_guard lock(allocations().mutex);
    const auto at = allocations().sizes.find(static_cast<char*>(memory));
    if (at == allocations().sizes.end()) return result(cudaErrorInvalidValue);
    unpoison(memory, at->second);
    allocations().used -= at->second;
    allocations().sizes.erase(at);
  }
  ::operator delete(memory, kAlignment);
  return cudaSuccess;
}
cudaError_t cudaMallocAsync(void** memory, std::size_t bytes, cudaStream_t) {
  return cudaMalloc(memory, bytes);
}
cudaError_t cudaFreeAsync(void* memory, cudaStream_t) { return cudaFree(memory); }
cudaError_t cudaMallocHost(void** memory, std::size_t bytes) {
  *memory = std::malloc(bytes ? bytes : 1);
  return result(*memory ? cudaSuccess : cudaErrorMemoryAllocation);
}
cudaError_t cudaFreeHost(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  const std::lock_guard lock(allocations().mutex);
  *total = kDeviceMemory;
  *free = kDeviceMemory - allocations().used;
  return cudaSuccess;
}

// ---- copies and fills ---------------------------------------------------------------------------------------------------------

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  if (bytes == 0) return cudaSuccess;
  const std::lock_guard lock(allocations().mutex);
  const auto *target = allocations().find(to, bytes), *source = allocations().find(from, bytes);
  const bool to_device = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
  const bool from_device = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
  if (kind != cudaMemcpyDefault && (bool(target) != to_device || bool(source) != from_device))
    return result(cudaErrorInvalidValue);
  if (target) unpoison(target->first, target->second);
  if (source) unpoison(source->first, source->second);
  std::memmove(to, from, bytes);
  if (target) poison(target->first, target->second);
  if (source) poison(source->first, source->second);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (capturing(stream)) return capture(stream, [=] { return cudaMemcpy(to, from, bytes, kind); });
  return cudaMemcpy(to, from, bytes, kind);
}
cudaError_t cudaMemset(void* to, int value, std::size_t bytes) {
  if (bytes == 0) return cudaSuccess;
  const std::lock_guard lock(allocations().mutex);
  const auto* target = allocations().find(to, bytes);
  if (!target) return result(cudaErrorInvalidValue);
  unpoison(target->first, target->second);
  std::memset(to, value, bytes);
  poison(target->first, target->second);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t stream) {
  if (capturing(stream)) return capture(stream, [=] { return cudaMemset(to, value, bytes); });
  return cudaMemset(to, value, bytes);
}
