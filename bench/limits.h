// What the machine can do at best, measured beside the kernels: a share of a limit means something, seconds
// do not.
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace gesso::bench {

inline double seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Multiply-adds, counted as two operations, that one thread does a second with the vectors of a level ("v4",
/// "v3", "portable"): 14 independent ones in turn hide the latency of each. In assembly, because compilers
/// have been seen to keep an array of accumulators in memory. The baseline of x86-64 has no fused
/// multiply-add: there a multiplication and an addition stand for one.
inline double multiply_add_limit(std::string_view level, bool f64) {
#if defined(__x86_64__)
#define GESSO_LOOP(low, high)                                                                             \
  asm volatile("1:\n\t.irp i,0,1,2,3,4,5,6\n\t" low "\n\t.endr\n\t.irp i,7,8,9,10,11,12,13\n\t" high      \
               "\n\t.endr\n\tdec %0\n\tjnz 1b"                                                            \
               : "+r"(n)                                                                                  \
               :                                                                                          \
               : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
                 "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc")
  asm volatile("xorps %%xmm14, %%xmm14\n\txorps %%xmm15, %%xmm15" : : : "xmm14", "xmm15");
  constexpr std::int64_t rounds = 40000;
  std::int64_t n = rounds;
  const double start = seconds();
  double per_round = 14 * 2;
  if (level == "v4") {
    per_round *= 64;
    if (f64)
      GESSO_LOOP("vfmadd231pd %%zmm14, %%zmm15, %%zmm\\i", "vfmadd231pd %%zmm14, %%zmm15, %%zmm\\i");
    else
      GESSO_LOOP("vfmadd231ps %%zmm14, %%zmm15, %%zmm\\i", "vfmadd231ps %%zmm14, %%zmm15, %%zmm\\i");
  } else if (level == "v3") {
    per_round *= 32;
    if (f64)
      GESSO_LOOP("vfmadd231pd %%ymm14, %%ymm15, %%ymm\\i", "vfmadd231pd %%ymm14, %%ymm15, %%ymm\\i");
    else
      GESSO_LOOP("vfmadd231ps %%ymm14, %%ymm15, %%ymm\\i", "vfmadd231ps %%ymm14, %%ymm15, %%ymm\\i");
  } else {
    per_round *= 16 / 2;
    if (f64)
      GESSO_LOOP("mulpd %%xmm14, %%xmm\\i", "addpd %%xmm15, %%xmm\\i");
    else
      GESSO_LOOP("mulps %%xmm14, %%xmm\\i", "addps %%xmm15, %%xmm\\i");
  }
#undef GESSO_LOOP
  return per_round / (f64 ? 8 : 4) * double(rounds) / (seconds() - start);
#else
  (void)level, (void)f64;
  return 0;
#endif
}

}  // namespace gesso::bench
