// The memory of the CPU. The first touch of a fresh 4 KiB page costs over ten times a reused one, so fresh memory comes
// in huge pages where the system has them.
#include "kernels/pool.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

namespace gesso::kernels {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
/// Address space asked for at a time. Only pages that are touched become memory, so that a small program stays small;
/// more than a few huge pages, so that the ends of regions, which go unused, are rare.
constexpr std::size_t kRegion = 32 * kHugePage;

/// A system that promises more than it has would end the program later, and without a word.
void check_physical(std::size_t bytes) {
  static const auto all =
      static_cast<std::size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (bytes > all) throw std::bad_alloc();
}

/// Address space that the system fills with zeroed huge pages where it is touched.
struct HugePages {
  void* region(std::size_t& bytes) const {
    check_physical(bytes);
    bytes = std::max(kRegion, (bytes + kHugePage - 1) / kHugePage * kHugePage);
    void* p = ::mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    const auto address = reinterpret_cast<std::uintptr_t>(p);
    void* start = static_cast<std::byte*>(p) + (kHugePage - address % kHugePage) % kHugePage;
    ::madvise(start, bytes, MADV_HUGEPAGE);  // if the system has none, small pages do as well
    return start;
  }
  void* exactly(std::size_t bytes) const {
    check_physical(bytes);
    void* block = nullptr;
    if (::posix_memalign(&block, 64, std::max(bytes, std::size_t{1}))) throw std::bad_alloc();
    return block;
  }
  void free(void* block) const { std::free(block); }
};

Pool<HugePages>& pool() {
  static auto* const p = new Pool<HugePages>;  // never destroyed: a tensor of static lifetime may outlive it
  return *p;
}

void* allocate(std::size_t bytes) {
  void* block = pool().take(bytes);
#ifdef NDEBUG
  const bool poisoned = exact_allocations();
#else
  const bool poisoned = true;
#endif
  if (poisoned) std::memset(block, 0xff, bytes);  // NaN in f32 and f64
  return block;
}

void copy(void* y, const void* x, std::size_t bytes) {
  if (bytes) std::memcpy(y, x, bytes);
}

}  // namespace

const Memory& cpu_memory() {
  static constexpr Memory m{
      .allocate = allocate,
      .release = [](void* block, std::size_t bytes) noexcept { pool().give(block, bytes); },
      .use = [] { return pool().use(); },
      .zero =
          [](void* y, std::size_t bytes) {
            if (bytes) std::memset(y, 0, bytes);
          },
      .copy = copy,
      .from_host = copy,
      .to_host = copy,
      .synchronize = [] {},
  };
  return m;
}

}  // namespace gesso::kernels
