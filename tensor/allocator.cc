#include "tensor/allocator.h"

#include <sys/mman.h>

#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>

namespace gesso {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr int kClasses = 4 * 48;

/// Size classes grow by quarters of a power of two, so at most a fifth of a block is lost.
struct SizeClass {
  int index;
  std::size_t bytes;
};
SizeClass size_class(std::size_t bytes) {
  const std::size_t lines = bytes <= kLine ? 1 : (bytes + kLine - 1) / kLine;
  if (lines <= 4) return {static_cast<int>(lines - 1), lines * kLine};
  const int log = std::bit_width(lines - 1) - 1;  // 2^log < lines <= 2^(log+1)
  const std::size_t quarter = std::size_t{1} << (log - 2);
  const std::size_t step = (lines - (std::size_t{1} << log) + quarter - 1) / quarter;  // 1..4
  return {4 * (log - 1) + static_cast<int>(step) - 1, ((std::size_t{1} << log) + step * quarter) * kLine};
}

struct FreeBlock {
  FreeBlock* next;
};

class Pool {
 public:
  void* take(std::size_t bytes) {
    const SizeClass c = size_class(bytes);
    const std::lock_guard lock(mutex_);
    use_.in_use += c.bytes;
    if (use_.in_use > use_.peak) use_.peak = use_.in_use;
    FreeBlock*& head = free_[static_cast<std::size_t>(c.index)];
    if (head) return std::exchange(head, head->next);
    if (c.bytes >= kHugePage / 2) return map(c.bytes);
    if (c.bytes > slab_left_) {
      slab_ = static_cast<std::byte*>(map(kHugePage));
      slab_left_ = kHugePage;
    }
    slab_left_ -= c.bytes;
    return std::exchange(slab_, slab_ + c.bytes);
  }

  void give(void* block, std::size_t bytes) noexcept {
    const SizeClass c = size_class(bytes);
    const std::lock_guard lock(mutex_);
    use_.in_use -= c.bytes;
    FreeBlock*& head = free_[static_cast<std::size_t>(c.index)];
    head = new (block) FreeBlock{head};
  }

  AllocatorUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }

 private:
  /// Fresh memory from the system, aligned to huge pages, which the kernel fills in when it has them to give.
  void* map(std::size_t bytes) {
    const std::size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
    void* p = std::aligned_alloc(kHugePage, whole);
    if (!p) throw std::bad_alloc();
    ::madvise(p, whole, MADV_HUGEPAGE);
    use_.from_system += whole;
    return p;
  }

  std::mutex mutex_;
  std::array<FreeBlock*, kClasses> free_{};
  std::byte* slab_ = nullptr;
  std::size_t slab_left_ = 0;
  AllocatorUse use_;
};

Pool& pool() {
  static Pool* const p = new Pool;  // never destroyed: tensors of static lifetime may outlive it otherwise
  return *p;
}

}  // namespace

#ifdef GESSO_EXACT_ALLOCATIONS  // sanitizers must see each overrun: no pool, no rounding

void* allocate(std::size_t bytes) {
  void* p = nullptr;
  if (::posix_memalign(&p, kLine, bytes ? bytes : 1)) throw std::bad_alloc();
  std::memset(p, 0xff, bytes);
  return p;
}
void release(void* block, std::size_t) noexcept { std::free(block); }

#else

void* allocate(std::size_t bytes) {
  void* p = pool().take(bytes);
#ifndef NDEBUG
  std::memset(p, 0xff, bytes);  // NaN in f32 and f64
#endif
  return p;
}
void release(void* block, std::size_t bytes) noexcept { pool().give(block, bytes); }

#endif

AllocatorUse allocator_use() { return pool().use(); }

}  // namespace gesso
