// The shared memory of a block: each array an allocation of exactly its size, so that AddressSanitizer sees overruns from
// one into the next, and NaN when a block starts, as on a device it may be anything.
#include "kernels/simt/block.h"
#include "kernels/simt/sanitizers.h"

#include <cstring>
#include <new>

namespace gesso::simt::emu {

namespace {

constexpr std::align_val_t kAlignment{128};

}  // namespace

void Block::fill_shared(void* memory, std::size_t size) {
  Unobserved quiet;
  unpoison(memory, size);  // where copies were under way when the block before ended
  std::memset(memory, 0xff, size);
}

void* Block::shared_array(const void* key, std::size_t size, std::size_t alignment) {
  SharedArray* array = arrays_;
  while (array < arrays_ + array_count_ && array->key != key) ++array;
  if (array == arrays_ + array_count_) {
    static_bytes_ += size;
    const Where here = Where::current();
    if (array_count_ == kMaxArrays)
      fail("more arrays of static shared memory than the emulation has room for", here);
    if (static_bytes_ > kMaxStaticShared) fail("more than 48 KiB of static shared memory", here);
    if (static_bytes_ + launch_.shared > kMaxShared) fail("more than 227 KiB of shared memory", here);
    if (alignment > std::size_t(kAlignment))
      fail("an array of shared memory aligned to more than 128 bytes", here);
    Unobserved quiet;
    // As far off as the declared alignment allows: an access that needs more is misaligned here, as it may be on a device.
    const std::size_t shift =
        sanitized() && launch_.order.kind == Order::random && alignment < 16 ? alignment : 0;
    void* const block = ::operator new(shift + size, kAlignment);
    *array = {key, size, block, static_cast<char*>(block) + shift, false};
    ++array_count_;
  }
  if (!array->filled) fill_shared(array->memory, size);
  array->filled = true;
  return array->memory;
}

bool Block::holds(const void* p) const {
  const auto inside = [p](const void* memory, std::size_t size) {
    return std::uintptr_t(p) - std::uintptr_t(memory) < size;
  };
  for (int i = 0; i < array_count_; ++i)
    if (inside(arrays_[i].memory, arrays_[i].size)) return true;
  return inside(dynamic_, launch_.shared);
}

void Block::free_shared() {
  Unobserved quiet;
  for (int i = 0; i < array_count_; ++i) ::operator delete(arrays_[i].block, kAlignment);
  if (dynamic_) ::operator delete(dynamic_, kAlignment);
  dynamic_ = nullptr;
  array_count_ = 0;
  static_bytes_ = 0;
}

}  // namespace gesso::simt::emu
