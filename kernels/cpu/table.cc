// The kernels of one instruction level, gathered from the files of this folder.
#include "kernels/install.h"

namespace gesso::kernels::GESSO_LEVEL {

const Kernels<float>& table_f32() { return gathered<float>(); }
const Kernels<double>& table_f64() { return gathered<double>(); }
const MoveKernels& table_move() { return gathered_move(); }

}  // namespace gesso::kernels::GESSO_LEVEL
