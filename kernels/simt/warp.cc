#include "kernels/simt/warp.h"

#include "kernels/simt/block.h"

#include <algorithm>

namespace gesso::simt::emu {

// ---- from the running thread to its block -------------------------------------------------------------------------------

void fail(const char* message, Where where) { this_block().fail(message, where); }
void* find_shared_array(const void* key, std::size_t size, std::size_t alignment) {
  return this_block().shared_array(key, size, alignment);
}
void* dynamic_shared() { return this_block().dynamic_shared(); }
int barrier(bool predicate, const char* what, Where where) {
  return this_block().barrier(predicate, what, where);
}
int lane() { return this_block().lane(); }
void meet(const char* what, unsigned mask, void* deposit, WarpWork work, Where where) {
  this_block().meet(what, mask, deposit, work, where);
}
void sync_warp(unsigned mask, Where where) { this_block().sync_warp(mask, where); }

// ---- shuffles -------------------------------------------------------------------------------------------------------------

namespace {

struct ShuffleLane {
  std::uint64_t value, result;
  int operand, width;
  Where where;
};

/// The lane that lane `self` reads from: itself where the other would be outside its group of `width` lanes.
template <Shuffle kind>
int source_lane(int self, int operand, int width) {
  const int first = self & ~(width - 1), last = first + width - 1;
  int from = self;
  if (kind == Shuffle::index) from = first + (operand & (width - 1));
  if (kind == Shuffle::up) from = self - (operand & 31);
  if (kind == Shuffle::down) from = self + (operand & 31);
  if (kind == Shuffle::bitwise) from = self ^ (operand & 31);
  const bool outside = kind == Shuffle::up ? from < first : from > last;
  return outside ? self : from;
}

template <Shuffle kind>
void shuffle_lanes(unsigned mask, void* const* deposits) {
  for (int self = 0; self < kWarp; ++self) {
    if (!(mask >> self & 1)) continue;
    auto& to = *static_cast<ShuffleLane*>(deposits[self]);
    const int from = source_lane<kind>(self, to.operand, to.width);
    if (!deposits[from]) fail("a shuffle reads from a lane outside its mask", to.where);
    to.result = static_cast<const ShuffleLane*>(deposits[from])->value;
  }
}

}  // namespace

std::uint64_t shuffle(Shuffle kind, unsigned mask, std::uint64_t value, int operand, int width, Where where) {
  if (width <= 0 || width > kWarp || (width & (width - 1)))
    fail("a shuffle's width is a power of two up to 32", where);
  ShuffleLane self{value, 0, operand, width, where};
  switch (kind) {
    case Shuffle::index:
      meet("__shfl_sync", mask, &self, shuffle_lanes<Shuffle::index>, where);
      break;
    case Shuffle::up:
      meet("__shfl_up_sync", mask, &self, shuffle_lanes<Shuffle::up>, where);
      break;
    case Shuffle::down:
      meet("__shfl_down_sync", mask, &self, shuffle_lanes<Shuffle::down>, where);
      break;
    case Shuffle::bitwise:
      meet("__shfl_xor_sync", mask, &self, shuffle_lanes<Shuffle::bitwise>, where);
      break;
  }
  return self.result;
}

// ---- votes and reductions ---------------------------------------------------------------------------------------------------

namespace {

struct Vote {
  bool predicate;
  unsigned result;
};

void count_votes(unsigned mask, void* const* deposits) {
  unsigned votes = 0;
  for (int i = 0; i < kWarp; ++i)
    if (mask >> i & 1) votes |= unsigned(static_cast<const Vote*>(deposits[i])->predicate) << i;
  for (int i = 0; i < kWarp; ++i)
    if (mask >> i & 1) static_cast<Vote*>(deposits[i])->result = votes;
}

template <class T>
T combine(WarpReduction kind, T a, T b) {
  switch (kind) {
    case WarpReduction::add:
      return T(unsigned(a) + unsigned(b));  // wraps around
    case WarpReduction::min:
      return std::min(a, b);
    case WarpReduction::max:
      return std::max(a, b);
    case WarpReduction::bit_and:
      return a & b;
    case WarpReduction::bit_or:
      return a | b;
    case WarpReduction::bit_xor:
      return a ^ b;
  }
  __builtin_unreachable();
}

template <class T>
struct Reduced {
  WarpReduction kind;
  T value;
};

template <class T>
void reduce_lanes(unsigned mask, void* const* deposits) {
  const auto at = [&](int i) -> Reduced<T>& { return *static_cast<Reduced<T>*>(deposits[i]); };
  const int first = std::countr_zero(mask);
  T sum = at(first).value;
  for (int i = first + 1; i < kWarp; ++i)
    if (mask >> i & 1) sum = combine(at(first).kind, sum, at(i).value);
  for (int i = first; i < kWarp; ++i)
    if (mask >> i & 1) at(i).value = sum;
}

}  // namespace

unsigned vote(const char* what, unsigned mask, bool predicate, Where where) {
  Vote self{predicate, 0};
  meet(what, mask, &self, count_votes, where);
  return self.result;
}
unsigned reduce(WarpReduction kind, unsigned mask, unsigned value, Where where) {
  Reduced<unsigned> self{kind, value};
  meet("__reduce_sync", mask, &self, reduce_lanes<unsigned>, where);
  return self.value;
}
int reduce_signed(WarpReduction kind, unsigned mask, int value, Where where) {
  Reduced<int> self{kind, value};
  meet("__reduce_sync", mask, &self, reduce_lanes<int>, where);
  return self.value;
}

}  // namespace gesso::simt::emu
