// The words of CUDA C++ for g++: qualifiers (which mean nothing here), dim3, the vector types, and the built-in variables.
#pragma once

#define __global__
#ifdef GESSO_TRACE  // as nvcc does it: an access is the kernel's, wherever its line stands
#define __device__ __attribute__((always_inline))
#else
#define __device__
#endif
#define __host__
#define __grid_constant__
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))

// A vector type is as strictly aligned as on the device, where a misaligned access faults.
#define GESSO_VECTOR_TYPES(name, type, alignment4)                               \
  struct alignas(2 * sizeof(type)) name##2 {                                     \
    type x, y;                                                                   \
  };                                                                             \
  struct name##3 {                                                               \
    type x, y, z;                                                                \
  };                                                                             \
  struct alignas(alignment4) name##4 {                                           \
    type x, y, z, w;                                                             \
  };                                                                             \
  constexpr name##2 make_##name##2(type x, type y) { return {x, y}; }            \
  constexpr name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; } \
  constexpr name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }

GESSO_VECTOR_TYPES(char, signed char, 4)
GESSO_VECTOR_TYPES(uchar, unsigned char, 4)
GESSO_VECTOR_TYPES(short, short, 8)
GESSO_VECTOR_TYPES(ushort, unsigned short, 8)
GESSO_VECTOR_TYPES(int, int, 16)
GESSO_VECTOR_TYPES(uint, unsigned, 16)
GESSO_VECTOR_TYPES(longlong, long long, 16)
GESSO_VECTOR_TYPES(ulonglong, unsigned long long, 16)
GESSO_VECTOR_TYPES(float, float, 16)
GESSO_VECTOR_TYPES(double, double, 16)
#undef GESSO_VECTOR_TYPES

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
  constexpr dim3(uint3 v) : x(v.x), y(v.y), z(v.z) {}
};

// Set for the CUDA thread that runs, so that a debugger shows them too.
extern constinit thread_local uint3 threadIdx, blockIdx;
extern constinit thread_local dim3 blockDim, gridDim;
inline constexpr int warpSize = 32;
