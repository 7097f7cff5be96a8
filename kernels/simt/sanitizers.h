// What AddressSanitizer and ThreadSanitizer must be told about fibers and about the emulation's own memory accesses. Their
// functions are weak symbols here: absent from a program that is not linked with them, where everything below does nothing.
// So the emulation is compiled once, without instrumentation, whatever the kernels are compiled with.
//
// A race between blocks may go unreported by ThreadSanitizer (one planted bug was found by its wrong result
// alone, it seems because only so many threads are remembered); it may then show as results that are wrong or
// differ between orders.
#pragma once

#include <cstddef>

extern "C" {
[[gnu::weak]] void __sanitizer_start_switch_fiber(void** fake_stack_save, const void* bottom,
                                                  std::size_t size);
[[gnu::weak]] void __sanitizer_finish_switch_fiber(void* fake_stack, const void** bottom, std::size_t* size);
[[gnu::weak]] void __asan_poison_memory_region(const volatile void*, std::size_t);
[[gnu::weak]] void __asan_unpoison_memory_region(const volatile void*, std::size_t);
[[gnu::weak]] void* __tsan_get_current_fiber();
[[gnu::weak]] void* __tsan_create_fiber(unsigned flags);
[[gnu::weak]] void __tsan_destroy_fiber(void* fiber);
[[gnu::weak]] void __tsan_set_fiber_name(void* fiber, const char* name);
[[gnu::weak]] void __tsan_switch_to_fiber(void* fiber, unsigned flags);
[[gnu::weak]] void __tsan_acquire(void* object);
[[gnu::weak]] void __tsan_release(void* object);
[[gnu::weak]] void AnnotateIgnoreReadsBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreReadsEnd(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesBegin(const char* file, int line);
[[gnu::weak]] void AnnotateIgnoreWritesEnd(const char* file, int line);
}

namespace gesso::simt::emu {

inline bool asan() { return __asan_poison_memory_region; }
inline bool tsan() { return __tsan_create_fiber; }
inline bool sanitized() { return asan() || tsan(); }

/// While it lives, ThreadSanitizer does not look at what this fiber does to memory: the emulation acts for several CUDA
/// threads at once, or for none.
class Unobserved {
 public:
  Unobserved() {
    if (!AnnotateIgnoreReadsBegin) return;
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
  }
  ~Unobserved() {
    if (!AnnotateIgnoreReadsBegin) return;
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  }
  Unobserved(const Unobserved&) = delete;
  Unobserved& operator=(const Unobserved&) = delete;
};

/// What came before a `release` of an object happened before what follows an `acquire` of it.
inline void release(void* object) {
  if (__tsan_release) __tsan_release(object);
}
inline void acquire(void* object) {
  if (__tsan_acquire) __tsan_acquire(object);
}

/// AddressSanitizer reports accesses to poisoned memory.
inline void poison(const void* memory, std::size_t size) {
  if (__asan_poison_memory_region) __asan_poison_memory_region(memory, size);
}
inline void unpoison(const void* memory, std::size_t size) {
  if (__asan_unpoison_memory_region) __asan_unpoison_memory_region(memory, size);
}

}  // namespace gesso::simt::emu
