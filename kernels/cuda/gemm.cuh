// The matrix product of dense matrices on the GPU: who computes it. All compute C = act(A B + bias), see MatMul.
#pragma once

#include "kernels/cuda/table.h"
#include "kernels/device.h"

namespace gesso::kernels::GESSO_LEVEL {

void allow_tf32(Tf32 most);
/// Whether the user allows that much.
bool tf32_allowed(Tf32 what);

/// By whichever of the following the user wants; what the product is for, where it is TF32 that is wanted.
template <class T>
void matmul(const MatMul<T>& p, Tf32 what = Tf32::all);
/// On the ordinary cores (gemm.cu).
template <class T>
void matmul_simt(const MatMul<T>& p);
/// On the tensor cores, factors rounded to TF32 (gemm_tf32.cu).
void matmul_tf32(const MatMul<float>& p);
/// By cuBLAS (cublas.cu), with factors rounded to TF32 or not; nvcc builds only.
template <class T>
void matmul_cublas(const MatMul<T>& p, bool tf32);

}  // namespace gesso::kernels::GESSO_LEVEL
