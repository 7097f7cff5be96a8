// What kernels/cuda/runtime.cu and kernels/cuda/table.cu tell each other.
#pragma once

#include "kernels/cpu/level.h"
#include "kernels/device.h"

namespace gesso::kernels::GESSO_LEVEL {

const Memory& memory();
const Timing& timing();
const Graphs& graphs();

}  // namespace gesso::kernels::GESSO_LEVEL
