// The matrix product of dense matrices on the GPU: who computes it. All compute C = act(A B + bias), see MatMul.
#pragma once

#include "kernels/cuda/table.h"

namespace gesso::kernels::GESSO_LEVEL {

/// Whether products of f32 matrices may round their factors to TF32 (10 bits of mantissa), which tensor cores multiply
/// several times faster. One switch for the process, off at first.
void allow_tf32(bool allowed);
bool tf32_allowed();

/// By whichever of the following the user wants.
template <class T>
void matmul(const MatMul<T>& p);
/// On the ordinary cores (gemm.cu).
template <class T>
void matmul_simt(const MatMul<T>& p);
/// On the tensor cores, factors rounded to TF32 (gemm_tf32.cu).
void matmul_tf32(const MatMul<float>& p);
/// By cuBLAS (cublas.cu); nvcc builds only.
template <class T>
void matmul_cublas(const MatMul<T>& p);

}  // namespace gesso::kernels::GESSO_LEVEL
