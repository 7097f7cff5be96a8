// How the emulation tells a counter of memory accesses what runs. As in sanitizers.h these are weak symbols: a program
// that is linked with the counter (kernels/trace) has them, in others nobody is told.
#pragma once

#include "kernels/simt/block.h"

namespace gesso::simt::emu {

[[gnu::weak]] bool wants_counts();
[[gnu::weak]] void count_launch(const Launch& launch);  // it begins
[[gnu::weak]] void count_block(const Block* block);     // its threads begin; null: they have ended

/// Whether someone counts now; blocks then run one after the other.
inline bool counting() { return wants_counts && wants_counts(); }

}  // namespace gesso::simt::emu
