// Each kernel file writes its functions into the table of its instruction level.
#pragma once

#include "kernels/cpu/level.h"
#include "kernels/kernels.h"

namespace gesso::kernels::GESSO_LEVEL {

template <class T>
void install_elementwise(Kernels<T>& k);
template <class T>
void install_reduce(Kernels<T>& k);
template <class T>
void install_rows(Kernels<T>& k);
template <class T>
void install_random(Kernels<T>& k);
template <class T>
void install_optim(Kernels<T>& k);
template <class T>
void install_gemm(Kernels<T>& k);
template <class T>
void install_norm(Kernels<T>& k);
template <class T>
void install_image(Kernels<T>& k);
template <class T>
void install_quantize(Kernels<T>& k);
template <class T>
void install_lstm(Kernels<T>& k);
template <class T>
void install_conv(Kernels<T>& k);
void install_move(MoveKernels& k);

/// The matrix product of dense matrices (gemm.cc), which some convolutions are.
template <class T>
void matmul(const MatMul<T>& p);

}  // namespace gesso::kernels::GESSO_LEVEL
