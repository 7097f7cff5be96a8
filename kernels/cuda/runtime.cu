// One stream, and the memory of the device.
#include "kernels/cuda/table.h"
#include "kernels/cuda/memory.h"
#include "kernels/pool.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

constexpr std::size_t kRegion = std::size_t{64} << 20;  // one cudaMalloc costs as much as a hundred kernels

struct DeviceRegions {
  void* region(std::size_t& bytes) const {
    bytes = std::max(bytes, kRegion);
    return exactly(bytes);
  }
  void* exactly(std::size_t bytes) const {
    void* block = nullptr;
    if (cudaMalloc(&block, std::max(bytes, std::size_t{1})) == cudaSuccess) return block;
    cudaGetLastError();  // or the next kernel would be blamed for it
    throw std::bad_alloc();
  }
  void free(void* block) const {
    cudaStreamSynchronize(stream());  // kernels that were asked for before may still use it
    cudaFree(block);
  }
};

Pool<DeviceRegions>& pool() {
  static auto* const p = new Pool<DeviceRegions>;  // never destroyed: a tensor of static lifetime may outlive it
  return *p;
}

// All work goes through one stream in order, so a block can be handed out again while kernels asked for before still
// use it: those that get it are asked for later.
void* allocate(std::size_t bytes) {
  void* block = pool().take(bytes);
#ifdef NDEBUG
  const bool poisoned = exact_allocations();
#else
  const bool poisoned = true;
#endif
  if (poisoned) simt::check(cudaMemsetAsync(block, 0xff, bytes, stream()), "poison");  // NaN
  return block;
}

void move(void* y, const void* x, std::size_t bytes, cudaMemcpyKind kind, const char* what) {
  if (bytes) simt::check(cudaMemcpyAsync(y, x, bytes, kind, stream()), what);
}
void synchronize() { simt::check(cudaStreamSynchronize(stream()), "wait for the device"); }

}  // namespace

cudaStream_t stream() {
  static const cudaStream_t s = [] {
    cudaStream_t made = nullptr;
    simt::check(cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking), "make a stream");
    return made;
  }();
  return s;
}

Scratch::Scratch(std::size_t bytes) : data_(pool().take(bytes)), bytes_(bytes) {}
Scratch::~Scratch() { pool().give(data_, bytes_); }

const Memory& memory() {
  static constexpr Memory m{
      .allocate = allocate,
      .release = [](void* block, std::size_t bytes) noexcept { pool().give(block, bytes); },
      .use = [] { return pool().use(); },
      .zero =
          [](void* y, std::size_t bytes) {
            if (bytes) simt::check(cudaMemsetAsync(y, 0, bytes, stream()), "zero");
          },
      .copy = [](void* y, const void* x,
                 std::size_t bytes) { move(y, x, bytes, cudaMemcpyDeviceToDevice, "copy within the device"); },
      .from_host =
          [](void* y, const void* x, std::size_t bytes) {  // from pageable memory: x is read before it returns
            move(y, x, bytes, cudaMemcpyHostToDevice, "copy to the device");
          },
      .to_host =
          [](void* y, const void* x, std::size_t bytes) {
            move(y, x, bytes, cudaMemcpyDeviceToHost, "copy from the device");
            synchronize();
          },
      .synchronize = synchronize,
  };
  return m;
}

}  // namespace gesso::kernels::GESSO_LEVEL
