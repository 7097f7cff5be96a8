// Each PTX instruction that a kernel uses beyond CUDA C++, once: asm where nvcc compiles it, the emulation's C++ where g++
// does. All need sm_80 or later.
#pragma once

#include "kernels/simt/simt.h"

#include <cstdint>

namespace gesso::simt {

// ---- asynchronous copies from global to shared memory --------------------------------------------------------------------

/// Starts a copy of `bytes` (4, 8 or 16; both addresses are multiples of it): the first `source_bytes` are read, the others
/// become zeros. With source_bytes = 0 nothing is read, so the address may be any.
template <int bytes>
__device__ inline void cp_async(void* shared, const void* global, int source_bytes = bytes) {
  static_assert(bytes == 4 || bytes == 8 || bytes == 16);
#ifdef __CUDACC__
  const unsigned to = unsigned(__cvta_generic_to_shared(shared));
  if constexpr (bytes ==
                16)  // .cg keeps the data out of L1, where nobody would look for it again; only 16 bytes can
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(source_bytes)
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to), "l"(global), "n"(bytes),
                 "r"(source_bytes)
                 : "memory");
#else
  emu::cp_async(shared, global, bytes, source_bytes);
#endif
}

/// Closes the group of copies that this thread started since the last commit; a group may be empty.
__device__ inline void cp_async_commit() {
#ifdef __CUDACC__
  asm volatile("cp.async.commit_group;" ::: "memory");
#else
  emu::cp_async_commit();
#endif
}

/// Waits until at most the `pending` latest groups of this thread are under way. What other threads copied is there only
/// after their wait and a barrier.
template <int pending>
__device__ inline void cp_async_wait() {
#ifdef __CUDACC__
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
#else
  emu::cp_async_wait(pending);
#endif
}

// ---- tensor cores --------------------------------------------------------------------------------------------------------
// g = lane / 4 and t = lane % 4 name the part of a fragment that a lane holds.

/// Loads 1, 2 or 4 matrices of 8 rows by 16 bytes from shared memory: lane 8 i + j gives the address of row j of matrix i.
/// r[i] becomes bytes 4t .. 4t + 3 of row g of matrix i: two 16-bit elements or one 32-bit one. `transposed` turns each matrix
/// as one of 16-bit elements.
template <int matrices, bool transposed = false>
__device__ inline void ldmatrix(unsigned (&r)[matrices], const void* row) {
  static_assert(matrices == 1 || matrices == 2 || matrices == 4);
#ifdef __CUDACC__
  const unsigned from = unsigned(__cvta_generic_to_shared(row));
  if constexpr (matrices == 1 && transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.trans.shared.b16 {%0}, [%1];"
                 : "=r"(r[0])
                 : "r"(from)
                 : "memory");
  else if constexpr (matrices == 1)
    asm volatile("ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%0}, [%1];" : "=r"(r[0]) : "r"(from) : "memory");
  else if constexpr (matrices == 2 && transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.trans.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(from)
                 : "memory");
  else if constexpr (matrices == 2)
    asm volatile("ldmatrix.sync.aligned.m8n8.x2.shared.b16 {%0,%1}, [%2];"
                 : "=r"(r[0]), "=r"(r[1])
                 : "r"(from)
                 : "memory");
  else if constexpr (transposed)
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(from)
                 : "memory");
  else
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(from)
                 : "memory");
#else
  emu::ldmatrix(r, matrices, transposed, row);
#endif
}

/// x rounded to TF32, 10 bits of mantissa, ties away from zero; as a float's bits.
__device__ inline unsigned to_tf32(float x) {
#ifdef __CUDACC__
  unsigned y;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(y) : "f"(x));
  return y;
#else
  if (x != x) return 0x7fffffffu;
  return (__builtin_bit_cast(unsigned, x) + 0x1000u) &
         ~0x1fffu;  // half a unit up in size, then cut: infinities stay
#endif
}

/// d = a b + c in TF32, d and c (16,8), a (16,8), b (8,8). The lane holds
///   a: (g, t), (g + 8, t), (g, t + 4), (g + 8, t + 4);  b: (t, g), (t + 4, g);
///   c, d: (g, 2t), (g, 2t + 1), (g + 8, 2t), (g + 8, 2t + 1)
__device__ inline void mma_tf32_m16n8k8(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                                        const float (&c)[4]) {
#ifdef __CUDACC__
  asm volatile(
      "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%10,%11,%12,%13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]),
        "f"(c[3]));
#else
  emu::mma_tf32_m16n8k8(d, a, b, c);
#endif
}

/// d = a b + c in bfloat16 with sums in float: d and c (16,8), a (16,16), b (16,8). Each register of a and b holds two
/// neighbours along K, the first in its low half; the lane's first elements are
///   a: (g, 2t), (g + 8, 2t), (g, 2t + 8), (g + 8, 2t + 8);  b: (2t, g), (2t + 8, g);  c and d as for TF32
__device__ inline void mma_bf16_m16n8k16(float (&d)[4], const unsigned (&a)[4], const unsigned (&b)[2],
                                         const float (&c)[4]) {
#ifdef __CUDACC__
  asm volatile(
      "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, "
      "{%10,%11,%12,%13};"
      : "=f"(d[0]), "=f"(d[1]), "=f"(d[2]), "=f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]), "f"(c[0]), "f"(c[1]), "f"(c[2]),
        "f"(c[3]));
#else
  emu::mma_bf16_m16n8k16(d, a, b, c);
#endif
}

}  // namespace gesso::simt
