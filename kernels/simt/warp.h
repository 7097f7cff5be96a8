// The warp functions of CUDA: shuffles, votes and integer reductions. Only those with a mask, as lanes of a warp need not
// run in step.
#pragma once

#include "kernels/simt/device.h"

#include <bit>
#include <cstdint>
#include <type_traits>

unsigned __activemask() = delete;  // which lanes happen to run together means nothing

namespace gesso::simt::emu {

enum class Shuffle { index, up, down, bitwise };
std::uint64_t shuffle(Shuffle kind, unsigned mask, std::uint64_t value, int operand, int width, Where where);

/// The lanes of the mask that came with a true predicate.
unsigned vote(const char* what, unsigned mask, bool predicate, Where where);

enum class WarpReduction { add, min, max, bit_and, bit_or, bit_xor };
unsigned reduce(WarpReduction kind, unsigned mask, unsigned value, Where where);
int reduce_signed(WarpReduction kind, unsigned mask, int value, Where where);

template <class T>
T shuffle_as(Shuffle kind, unsigned mask, T value, int operand, int width, Where where) {
  static_assert(std::is_arithmetic_v<T> && (sizeof(T) == 4 || sizeof(T) == 8), "shuffles move 4 or 8 bytes");
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<T>(Bits(shuffle(kind, mask, std::bit_cast<Bits>(value), operand, width, where)));
}

}  // namespace gesso::simt::emu

#define GESSO_SHUFFLE(name, kind, Operand)                                                                 \
  template <class T>                                                                                       \
  T name(unsigned mask, T value, Operand operand, int width = 32,                                          \
         std::source_location where = std::source_location::current()) {                                   \
    return gesso::simt::emu::shuffle_as(gesso::simt::emu::Shuffle::kind, mask, value, int(operand), width, \
                                        where);                                                            \
  }
GESSO_SHUFFLE(__shfl_sync, index, int)
GESSO_SHUFFLE(__shfl_up_sync, up, unsigned)
GESSO_SHUFFLE(__shfl_down_sync, down, unsigned)
GESSO_SHUFFLE(__shfl_xor_sync, bitwise, int)
#undef GESSO_SHUFFLE

inline unsigned __ballot_sync(unsigned mask, int predicate,
                              std::source_location where = std::source_location::current()) {
  return gesso::simt::emu::vote("__ballot_sync", mask, predicate, where);
}
inline int __any_sync(unsigned mask, int predicate,
                      std::source_location where = std::source_location::current()) {
  return gesso::simt::emu::vote("__any_sync", mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      std::source_location where = std::source_location::current()) {
  return gesso::simt::emu::vote("__all_sync", mask, predicate, where) == mask;
}

#define GESSO_WARP_REDUCTION(name, kind)                                                        \
  inline unsigned name(unsigned mask, unsigned value,                                           \
                       std::source_location where = std::source_location::current()) {          \
    return gesso::simt::emu::reduce(gesso::simt::emu::WarpReduction::kind, mask, value, where); \
  }
#define GESSO_SIGNED_WARP_REDUCTION(name, kind)                                                             \
  inline int name(unsigned mask, int value, std::source_location where = std::source_location::current()) { \
    return gesso::simt::emu::reduce_signed(gesso::simt::emu::WarpReduction::kind, mask, value, where);      \
  }
GESSO_WARP_REDUCTION(__reduce_add_sync, add)
GESSO_WARP_REDUCTION(__reduce_min_sync, min)
GESSO_WARP_REDUCTION(__reduce_max_sync, max)
GESSO_WARP_REDUCTION(__reduce_and_sync, bit_and)
GESSO_WARP_REDUCTION(__reduce_or_sync, bit_or)
GESSO_WARP_REDUCTION(__reduce_xor_sync, bit_xor)
GESSO_SIGNED_WARP_REDUCTION(__reduce_add_sync, add)
GESSO_SIGNED_WARP_REDUCTION(__reduce_min_sync, min)
GESSO_SIGNED_WARP_REDUCTION(__reduce_max_sync, max)
#undef GESSO_WARP_REDUCTION
#undef GESSO_SIGNED_WARP_REDUCTION
