// What the code of traced kernels calls: for each access, as g++ has it call ThreadSanitizer, and for asynchronous copies.
#include "kernels/simt/async.h"
#include "kernels/trace/counter.h"

#include <cstring>
#include <utility>

using gesso::simt::trace::report;

#define GESSO_CALLER __builtin_return_address(0)

namespace gesso::simt::emu {

void copy_counted(void* shared_dst, const void* global_src, int bytes, int source_bytes) {
  if (source_bytes) report(GESSO_CALLER, global_src, std::size_t(source_bytes), false);
  report(GESSO_CALLER, shared_dst, std::size_t(bytes), true);
  std::memset(shared_dst, 0, std::size_t(bytes));
  if (source_bytes) std::memcpy(shared_dst, global_src, std::size_t(source_bytes));
}

}  // namespace gesso::simt::emu

namespace {

/// A struct that is no word: a device moves its members one by one.
void report_range(const void* pc, const void* p, std::size_t bytes, bool store) {
  const std::size_t word = bytes == 16 ? 16 : bytes % 8 == 0 ? 8 : bytes % 4 == 0 ? 4 : 1;
  for (std::size_t part = 0; part * word < bytes; ++part)
    report(pc, static_cast<const char*>(p) + part * word, word, store, part);
}

template <class T>
bool compare_exchange(const void* pc, T* p, T* expected, T v) {
  report(pc, p, sizeof(T), true);
  return __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

}  // namespace

extern "C" {

#define GESSO_ACCESSES(bytes)                                                                 \
  void __tsan_read##bytes(const void* p) { report(GESSO_CALLER, p, bytes, false); }           \
  void __tsan_write##bytes(const void* p) { report(GESSO_CALLER, p, bytes, true); }           \
  void __tsan_unaligned_read##bytes(const void* p) { report(GESSO_CALLER, p, bytes, false); } \
  void __tsan_unaligned_write##bytes(const void* p) { report(GESSO_CALLER, p, bytes, true); }
GESSO_ACCESSES(1)
GESSO_ACCESSES(2)
GESSO_ACCESSES(4)
GESSO_ACCESSES(8)
GESSO_ACCESSES(16)
#undef GESSO_ACCESSES
void __tsan_read_range(const void* p, std::size_t n) { report_range(GESSO_CALLER, p, n, false); }
void __tsan_write_range(const void* p, std::size_t n) { report_range(GESSO_CALLER, p, n, true); }

// Atomics are done, and, but for loads, counted as stores.
#define GESSO_ATOMICS(bits, T)                                                                    \
  T __tsan_atomic##bits##_load(const T* p, int) {                                                 \
    return report(GESSO_CALLER, p, sizeof(T), false), __atomic_load_n(p, __ATOMIC_SEQ_CST);       \
  }                                                                                               \
  T __tsan_atomic##bits##_exchange(T* p, T v, int) {                                              \
    return report(GESSO_CALLER, p, sizeof(T), true), __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); \
  }                                                                                               \
  T __tsan_atomic##bits##_fetch_add(T* p, T v, int) {                                             \
    return report(GESSO_CALLER, p, sizeof(T), true), __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);  \
  }                                                                                               \
  T __tsan_atomic##bits##_fetch_or(T* p, T v, int) {                                              \
    return report(GESSO_CALLER, p, sizeof(T), true), __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);   \
  }                                                                                               \
  bool __tsan_atomic##bits##_compare_exchange_strong(T* p, T* expected, T v, int, int) {          \
    return compare_exchange(GESSO_CALLER, p, expected, v);                                        \
  }                                                                                               \
  bool __tsan_atomic##bits##_compare_exchange_weak(T* p, T* expected, T v, int, int) {            \
    return compare_exchange(GESSO_CALLER, p, expected, v);                                        \
  }
GESSO_ATOMICS(8, std::uint8_t)  // the guards of static variables
GESSO_ATOMICS(32, std::uint32_t)
GESSO_ATOMICS(64, std::uint64_t)
#undef GESSO_ATOMICS

void __tsan_init() {}
void __tsan_func_entry(const void*) {}
void __tsan_func_exit() {}
void __tsan_vptr_update(void**, void*) {}
void __tsan_vptr_read(void**) {}
}
