// What a CUDA kernel needs, and the only header its file includes for it. Compiled by nvcc it is the CUDA runtime;
// compiled by g++ it is an emulation that runs the threads of a block as fibers (kernels/simt/emulation.h), so that the
// same kernel text runs, and is checked, on a machine without a GPU.
//
// Rules that make one text serve both: static shared memory by GESSO_SHARED, dynamic by GESSO_DYN_SHARED; launches by
// simt::launch, never <<< >>>; only the _sync forms of warp functions, with explicit masks, and no reliance on lockstep;
// trivially copyable parameters; no asm outside ptx.h.
#pragma once

#ifdef __CUDACC__

#include <cuda_runtime.h>

#include <cstddef>
#include <stdexcept>
#include <string>

/// GESSO_SHARED(float, tile, [32][33]): an array in the block's shared memory.
#define GESSO_SHARED(type, name, ...) __shared__ type name __VA_ARGS__
/// GESSO_DYN_SHARED(float, buffer): a pointer to the bytes of shared memory that the launch asked for, 128-byte aligned.
#define GESSO_DYN_SHARED(type, name)                                 \
  extern __shared__ __align__(128) unsigned char gesso_dyn_shared[]; \
  type* const name = reinterpret_cast<type*>(gesso_dyn_shared)

namespace gesso::simt {

/// Throws unless the call of the CUDA runtime succeeded; `what` says what was tried.
inline void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess)
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

/// *p, in one instruction where P is aligned to its size.
template <class P>
__device__ inline P load_whole(const P* p) {
  return *p;
}
template <class P>
__device__ inline void store_whole(P* p, const P& value) {
  *p = value;
}

/// kernel(args...) on grid x block threads, each block with `shared` bytes of dynamic shared memory. A kernel that needs
/// more than 48 KiB of it is told so here.
template <class... P, class... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, std::size_t shared, cudaStream_t stream, A... args) {
  if (shared > 48 * 1024)
    check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, int(shared)), "shared memory of a kernel");
  kernel<<<grid, block, shared, stream>>>(static_cast<P>(args)...);
  check(cudaGetLastError(), "kernel launch");
}

}  // namespace gesso::simt

#else
#include "kernels/simt/emulation.h"
#endif
