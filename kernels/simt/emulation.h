// CUDA C++ for g++: what simt.h is where nvcc does not compile it. A launch runs the threads of each block as fibers on one
// thread of the operating system (block.h), checks the rules that kernels must keep, and throws where one is broken.
//
//   types.h       qualifiers, dim3, vector types, threadIdx and its kin
//   intrinsics.h  scalar functions and atomics
//   device.h      shared memory, barriers
//   warp.h        shuffles, votes, reductions
//   async.h       cp.async, ldmatrix, mma: the bodies of ptx.h
//   runtime.h     the CUDA runtime's functions
//   launch.h      launches, and the orders in which threads run
#pragma once

#include "kernels/simt/async.h"
#include "kernels/simt/device.h"
#include "kernels/simt/intrinsics.h"
#include "kernels/simt/launch.h"
#include "kernels/simt/runtime.h"
#include "kernels/simt/types.h"
#include "kernels/simt/warp.h"
