// What the CPU's kernel files share.
#pragma once

#include "kernels/install.h"

namespace gesso::kernels::GESSO_LEVEL {

/// The matrix product of dense matrices (gemm.cc), which some convolutions are.
template <class T>
void matmul(const MatMul<T>& p);

}  // namespace gesso::kernels::GESSO_LEVEL
