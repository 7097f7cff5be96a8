// Picks the instruction level once, at start-up. Compiled for the plain baseline.
#include "kernels/kernels.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace gesso::kernels {

#define GESSO_DECLARE_LEVEL(level)    \
  namespace level {                   \
  const Kernels<float>& table_f32();  \
  const Kernels<double>& table_f64(); \
  const MoveKernels& table_move();    \
  }
GESSO_DECLARE_LEVEL(portable)
#ifdef GESSO_X86_LEVELS
GESSO_DECLARE_LEVEL(v3)
GESSO_DECLARE_LEVEL(v4)
#endif
#undef GESSO_DECLARE_LEVEL

namespace {

struct Level {
  const char* name;
  const Kernels<float>& (*f32)();
  const Kernels<double>& (*f64)();
  const MoveKernels& (*move)();
};

/// The level that $GESSO_ISA names; null where it is not set, or names none, which is said.
const char* wished() {
  const char* wish = std::getenv("GESSO_ISA");
  if (!wish || !*wish) return nullptr;
  const auto is = [wish](const char* level) { return !std::strcmp(wish, level); };
  if (is("portable") || is("v3") || is("v4")) return wish;
  std::fprintf(stderr,
               "gesso: GESSO_ISA=%s: expected portable, v3 or v4; taking the best that this machine has\n",
               wish);
  return nullptr;
}

/// The best level this machine has, not above the one $GESSO_ISA names.
Level choose() {
  Level best{"portable", portable::table_f32, portable::table_f64, portable::table_move};
  [[maybe_unused]] const char* const wish = wished();
#ifdef GESSO_X86_LEVELS
  const auto allows = [wish](const char* level) { return !wish || std::strcmp(wish, level) >= 0; };
  if (wish && !std::strcmp(wish, "portable")) return best;
  if (allows("v3") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
      __builtin_cpu_supports("bmi2"))
    best = {"v3", v3::table_f32, v3::table_f64, v3::table_move};
  if (allows("v4") && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    best = {"v4", v4::table_f32, v4::table_f64, v4::table_move};
#endif
  return best;
}

const Level& level() {
  static const Level chosen = choose();
  return chosen;
}

}  // namespace

template <>
const Kernels<float>& cpu<float>() {
  static const Kernels<float>& k = level().f32();
  return k;
}
template <>
const Kernels<double>& cpu<double>() {
  static const Kernels<double>& k = level().f64();
  return k;
}
const MoveKernels& cpu_move() {
  static const MoveKernels& k = level().move();
  return k;
}
const char* cpu_level() { return level().name; }

}  // namespace gesso::kernels
