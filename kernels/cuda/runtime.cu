// One stream, the memory of the device, and graphs of what was asked for.
#include "kernels/cuda/memory.h"
#include "kernels/cuda/table.h"
#include "kernels/pool.h"

#include <atomic>
#include <cstring>
#include <memory>

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
  static auto* const p =
      new Pool<DeviceRegions>;  // never destroyed: a tensor of static lifetime may outlive it
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

std::atomic<std::size_t> waits = 0, uploads = 0;

/// A graph holds neither what the host reads nor what it has at the time.
void not_in_graph(const char* what) {
  if (pool().recording())
    throw std::runtime_error(std::string(what) + ", while a graph of kernels is being recorded");
}

void synchronize() {
  not_in_graph("a wait for the device");
  ++waits;
  simt::check(cudaStreamSynchronize(stream()), "wait for the device");
}

/// Page-locked memory that copies to the device go through: a copy from elsewhere makes the host wait for all kernels before it.
class Staging {
 public:
  static constexpr std::size_t kMost = std::size_t{16} << 20;  // above it, a wait is short beside the copy

  void copy(void* y, const void* x, std::size_t bytes) {
    Slot& slot = slots_[next_++ % kSlots];
    if (!slot.copied)
      simt::check(cudaEventCreateWithFlags(&slot.copied, cudaEventDisableTiming), "make an event");
    simt::check(cudaEventSynchronize(slot.copied), "wait for a copy to the device");
    if (slot.bytes < bytes) {
      cudaFreeHost(slot.memory);
      slot.memory = nullptr;
      slot.bytes = 0;
      simt::check(cudaMallocHost(&slot.memory, bytes), "page-locked memory");
      slot.bytes = bytes;
    }
    std::memcpy(slot.memory, x, bytes);
    move(y, slot.memory, bytes, cudaMemcpyHostToDevice, "copy to the device");
    simt::check(cudaEventRecord(slot.copied, stream()), "mark a copy to the device");
  }

 private:
  static constexpr int kSlots = 8;  // of which a step takes two: so the host may be some steps ahead
  struct Slot {
    void* memory = nullptr;
    std::size_t bytes = 0;
    cudaEvent_t copied = nullptr;
  };
  Slot slots_[kSlots];
  std::size_t next_ = 0;
};

void from_host(void* y, const void* x, std::size_t bytes) {
  if (bytes == 0) return;
  not_in_graph("a copy to the device");
  ++uploads;
  static auto* const staging = new Staging;  // never destroyed, as the pool
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (bytes <= Staging::kMost)
    staging->copy(y, x, bytes);
  else
    move(y, x, bytes, cudaMemcpyHostToDevice, "copy to the device");  // has read x when it returns
}

void to_host(void* y, const void* x, std::size_t bytes) {
  not_in_graph("a copy from the device");
  move(y, x, bytes, cudaMemcpyDeviceToHost, "copy from the device");
  synchronize();
}

// ---- graphs -----------------------------------------------------------------------------------------------------------------

struct Graph {
  cudaGraphExec_t work = nullptr;
  Pool<DeviceRegions>::Graph* blocks = nullptr;
};

void forget_graph(void* graph) noexcept {
  const std::unique_ptr<Graph> g(static_cast<Graph*>(graph));
  cudaStreamSynchronize(stream());  // it may be running
  if (g->work) cudaGraphExecDestroy(g->work);
  pool().forget(g->blocks);
}

/// Relaxed: other threads, and the pool when it needs more, may allocate meanwhile.
void begin_graph() {
  simt::check(cudaStreamBeginCapture(stream(), cudaStreamCaptureModeRelaxed), "record a graph");
  pool().begin_graph();
}

void* end_graph() {
  auto graph = std::make_unique<Graph>();
  graph->blocks = pool().end_graph();
  cudaGraph_t recorded = nullptr;
  cudaError_t status = cudaStreamEndCapture(stream(), &recorded);
  if (status == cudaSuccess) status = cudaGraphInstantiate(&graph->work, recorded, 0);
  if (recorded) cudaGraphDestroy(recorded);
  void* const made = graph.release();
  if (status == cudaSuccess) return made;
  cudaGetLastError();
  forget_graph(made);
  simt::check(status, "make a graph of what was recorded");
  return nullptr;
}

void abandon_graph() noexcept {
  cudaGraph_t recorded = nullptr;
  cudaStreamEndCapture(stream(), &recorded);
  if (recorded) cudaGraphDestroy(recorded);
  cudaGetLastError();
  pool().forget(pool().end_graph());
}

}  // namespace

const Graphs& graphs() {
  static constexpr Graphs g{
      .begin = begin_graph,
      .end = end_graph,
      .abandon = abandon_graph,
      .replay =
          [](void* graph) {
            simt::check(cudaGraphLaunch(static_cast<Graph*>(graph)->work, stream()), "replay a graph");
          },
      .forget = forget_graph,
  };
  return g;
}

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
      .use =
          [] {
            MemoryUse use = pool().use();
            use.waits = waits;
            use.uploads = uploads;
            return use;
          },
      .zero =
          [](void* y, std::size_t bytes) {
            if (bytes) simt::check(cudaMemsetAsync(y, 0, bytes, stream()), "zero");
          },
      .copy =
          [](void* y, const void* x, std::size_t bytes) {
            move(y, x, bytes, cudaMemcpyDeviceToDevice, "copy within the device");
          },
      .from_host = from_host,
      .to_host = to_host,
      .synchronize = synchronize,
  };
  return m;
}

}  // namespace gesso::kernels::GESSO_LEVEL
