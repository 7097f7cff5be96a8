#include "tensor/allocator.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <new>
#include <sys/mman.h>
#include <utility>

namespace gesso {
namespace {

#ifdef GESSO_EXACT_ALLOCATIONS  // AddressSanitizer sees an overrun only where nothing is rounded up or kept
constexpr bool kCached = false;
#else
constexpr bool kCached = true;
#endif
#ifdef NDEBUG
constexpr bool kPoisoned = !kCached;
#else
constexpr bool kPoisoned = true;
#endif

constexpr std::size_t kLine = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;
/// Address space asked for at a time. Only pages that are touched become memory, so that a small program stays small;
/// more than a few huge pages, so that the ends of regions, which go unused, are rare.
constexpr std::size_t kRegion = 32 * kHugePage;

struct SizeClass {
  std::size_t index, bytes;
};
constexpr std::size_t kClasses = 4 * 64;  // four for each power of two of lines

/// Size classes grow by quarters of a power of two, so that at most a fifth of a block is lost.
SizeClass size_class(std::size_t bytes) {
  const std::size_t lines = std::max<std::size_t>(1, bytes / kLine + (bytes % kLine != 0));
  if (lines <= 4) return {lines - 1, lines * kLine};
  const std::size_t log =
      static_cast<std::size_t>(std::bit_width(lines - 1)) - 1;  // 2^log < lines <= 2^(log+1)
  const std::size_t quarter = std::size_t{1} << (log - 2);
  const std::size_t quarters = (lines + quarter - 1) / quarter;  // 5 .. 8
  return {4 * (log - 1) + quarters - 5, quarters * quarter * kLine};
}

struct FreeBlock {
  FreeBlock* next;
};

class Pool {
 public:
  void* take(std::size_t bytes) {
    const SizeClass c = size_class(bytes);
    const std::lock_guard lock(mutex_);
    FreeBlock*& head = free_[c.index];
    void* block = kCached && head ? std::exchange(head, head->next) : fresh(kCached ? c.bytes : bytes);
    use_.in_use += c.bytes;
    use_.peak = std::max(use_.peak, use_.in_use);
    return block;
  }

  void give(void* block, std::size_t bytes) noexcept {
    const SizeClass c = size_class(bytes);
    const std::lock_guard lock(mutex_);
    use_.in_use -= c.bytes;
    if (kCached)
      free_[c.index] = new (block) FreeBlock{free_[c.index]};
    else
      std::free(block);
  }

  AllocatorUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }

 private:
  void* fresh(std::size_t bytes) {
    void* block = nullptr;
    if constexpr (kCached) {
      if (bytes > left_) open_region(bytes);
      left_ -= bytes;
      block = std::exchange(next_, next_ + bytes);
    } else if (::posix_memalign(&block, kLine, std::max(bytes, std::size_t{1}))) {
      throw std::bad_alloc();
    }
    use_.from_system += bytes;
    return block;
  }

  /// Address space for `bytes` and more, which the system fills with zeroed huge pages where it is touched.
  void open_region(std::size_t bytes) {
    const std::size_t size = std::max(kRegion, (bytes + kHugePage - 1) / kHugePage * kHugePage);
    void* p = ::mmap(nullptr, size + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(p);
    next_ = static_cast<std::byte*>(p) + (kHugePage - address % kHugePage) % kHugePage;
    left_ = size;
    ::madvise(next_, size, MADV_HUGEPAGE);  // if the system has none, small pages do as well
  }

  std::mutex mutex_;
  std::array<FreeBlock*, kClasses> free_{};
  std::byte* next_ = nullptr;  // the unused rest of the newest region
  std::size_t left_ = 0;
  AllocatorUse use_;
};

Pool& pool() {
  static Pool* const p =
      new Pool;  // never destroyed: a tensor of static lifetime may outlive any other object
  return *p;
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX) throw std::bad_alloc();  // its size class would overflow
  void* block = pool().take(bytes);
  if (kPoisoned) std::memset(block, 0xff, bytes);  // NaN in f32 and f64
  return block;
}

void release(void* block, std::size_t bytes) noexcept { pool().give(block, bytes); }

AllocatorUse allocator_use() { return pool().use(); }

}  // namespace gesso
