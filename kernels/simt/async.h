// Asynchronous copies and tensor-core instructions under emulation: the C++ bodies of ptx.h.
//
// What reads and writes a kernel's memory is inline, so that it is compiled, and watched by sanitizers, with the kernel.
#pragma once

#include "kernels/simt/device.h"

#include <cstdint>

namespace gesso::simt::emu {

/// A cp.async between its issue and the wait that lets it land.
struct PendingCopy {
  void* to;
  int bytes;
  std::int64_t group;
  unsigned char data[16];
};

/// The copies of one thread, in the order of issue; their memory is kept from block to block.
class CopyQueue {
 public:
  void clear() { first_ = count_ = 0, group_ = 0; }
  void free();
  void push(void* to, int bytes, const unsigned char* data);
  void commit() { ++group_; }
  /// The oldest copy that has landed once at most `pending` committed groups are under way; null when there is none left.
  const PendingCopy* land(int pending);

 private:
  PendingCopy* items_ = nullptr;
  int first_ = 0, count_ = 0, capacity_ = 0;
  std::int64_t group_ = 0;
};

/// The copy, done at once, as two accesses of the line that calls: what the emulation does to be strict is none of a GPU's.
void copy_counted(void* shared_dst, const void* global_src, int bytes, int source_bytes);
void enqueue_copy(void* to, int bytes, const unsigned char* data);
const PendingCopy* land_copy(int pending);
/// In random order, whether a copy lands at once, as it may.
bool lands_at_once();
struct Row16 {
  std::uint32_t word[4];
};
void exchange_rows(unsigned* r, int matrices, bool transposed, const Row16* row, Where where);

inline bool aligned(const void* p, int bytes) {
  return reinterpret_cast<std::uintptr_t>(p) % unsigned(bytes) == 0;
}

__forceinline__ void store_bytes(void* to, const unsigned char* data, int bytes) {
  if (bytes == 16)
    __builtin_memcpy(to, data, 16);
  else if (bytes == 8)
    __builtin_memcpy(to, data, 8);
  else
    __builtin_memcpy(to, data, 4);
}

/// Starts a copy of `bytes` (4, 8 or 16): the first source_bytes are read, the others become zeros. Until the thread has waited
/// for it, the destination is NaN (and under AddressSanitizer may not be touched).
__forceinline__ void cp_async(void* shared_dst, const void* global_src, int bytes, int source_bytes,
                              Where where = Where::current()) {
  if (bytes != 4 && bytes != 8 && bytes != 16) fail("cp.async copies 4, 8 or 16 bytes", where);
  if (source_bytes < 0 || source_bytes > bytes) fail("cp.async reads no more bytes than it writes", where);
  if (!aligned(shared_dst, bytes) || (source_bytes && !aligned(global_src, bytes)))
    fail("cp.async between addresses that are not multiples of its size", where);
#ifdef GESSO_TRACE
  return copy_counted(shared_dst, global_src, bytes, source_bytes);
#endif
  unsigned char data[16] = {};
  if (source_bytes == bytes)
    store_bytes(data, static_cast<const unsigned char*>(global_src), bytes);
  else
    for (int i = 0; i < source_bytes; ++i) data[i] = static_cast<const unsigned char*>(global_src)[i];
  if (lands_at_once()) return store_bytes(shared_dst, data, bytes);
  static constexpr unsigned char nan[16] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
  store_bytes(shared_dst, nan, bytes);
  enqueue_copy(shared_dst, bytes, data);
}

/// Closes the group of copies started since the last commit.
void cp_async_commit();

/// Waits until at most the `pending` latest groups of this thread are under way.
__forceinline__ void cp_async_wait(int pending) {
  while (const PendingCopy* copy = land_copy(pending)) store_bytes(copy->to, copy->data, copy->bytes);
}

/// Loads 1, 2 or 4 matrices of 8 rows of 16 bytes: lane 8 i + j brings the address of row j of matrix i, and each lane gets, in
/// r[i], bytes 4 t .. 4 t + 3 of row g, where lane = 4 g + t. Transposed: rows 2 t and 2 t + 1 of column g, of 16-bit elements.
__forceinline__ void ldmatrix(unsigned* r, int matrices, bool transposed, const void* row,
                              Where where = Where::current()) {
  Row16 data{};
  if (lane() < 8 * matrices) {
    if (!aligned(row, 16)) fail("ldmatrix from an address that is not a multiple of 16", where);
    data = *static_cast<const Row16*>(row);
  }
  exchange_rows(r, matrices, transposed, &data, where);
}

/// d = a b + c over a warp, d and c (16,8) float, a (16,8) and b (8,8) TF32: of each operand's float the upper 19 bits count.
void mma_tf32_m16n8k8(float d[4], const unsigned a[4], const unsigned b[2], const float c[4],
                      Where where = Where::current());
/// d = a b + c over a warp, d and c (16,8) float, a (16,16) and b (16,8) bfloat16, two to a register.
void mma_bf16_m16n8k16(float d[4], const unsigned a[4], const unsigned b[2], const float c[4],
                       Where where = Where::current());

}  // namespace gesso::simt::emu
