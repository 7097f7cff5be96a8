// Kernels over a Walk (kernels/kernels.h): what is done to an element is a functor, how elements are found is here. The
// functor says
//   static constexpr int operands;     how many operands of the walk it has
//   static constexpr int pack;         how many elements it can treat at once, in 16-byte loads
//   bool packable(const Walk&) const;  whether all its arrays allow that
//   run<V>(i, offsets, splat)          treats the elements i to i + V - 1: operand j's lie side by side from offsets.at[j]
//                                      on, or are all the one there, where bit j of splat is set
#pragma once

#include "kernels/cuda/division.cuh"
#include "kernels/cuda/launch.cuh"
#include "kernels/kernels.h"

namespace gesso::kernels::GESSO_LEVEL {

/// Where an element lies in each operand.
struct Offsets {
  std::int64_t at[3] = {};
};

/// A part of a walk of at most kPartSize elements, as kernels take it: numbers fit in 32 bits. `first` and `base` are the
/// part's first element, in the result and in the operands.
struct DeviceWalk {
  int dims = 1;
  unsigned splat = 0;
  FastDivision divide[kMaxDims];
  std::int64_t strides[3][kMaxDims] = {};
  std::int64_t first = 0;
  Offsets base;
};
inline constexpr std::int64_t kPartSize = std::int64_t{1} << 30;

/// Where element i of the part lies.
template <int operands>
__device__ inline Offsets offsets(const DeviceWalk& w, std::uint32_t i) {
  Offsets o = w.base;
  for (int d = w.dims - 1; d > 0; --d) {
    const std::uint32_t q = w.divide[d](i), r = i - q * w.divide[d].divisor;
    for (int j = 0; j < operands; ++j) o.at[j] += r * w.strides[j][d];
    i = q;
  }
  for (int j = 0; j < operands; ++j) o.at[j] += i * w.strides[j][0];
  return o;
}

/// Packs first, then what is left of a walk of one dimension, element by element.
template <class F>
__global__ void walk_packs(DeviceWalk w, std::uint32_t packs, std::uint32_t rest, F f) {
  const std::uint32_t p = blockIdx.x * blockDim.x + threadIdx.x;
  if (p < packs) {
    f.template run<F::pack>(w.first + std::int64_t(p) * F::pack, offsets<F::operands>(w, p), w.splat);
  } else if (p < packs + rest) {
    const std::int64_t i = std::int64_t(packs) * F::pack + (p - packs);
    Offsets o = w.base;
    for (int j = 0; j < F::operands; ++j) o.at[j] += w.splat >> j & 1 ? 0 : i;
    f.template run<1>(w.first + i, o, w.splat);
  }
}

template <class F>
__global__ void walk_elements(DeviceWalk w, std::uint32_t n, F f) {
  const std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) f.template run<1>(w.first + i, offsets<F::operands>(w, i), 0);
}

/// Elements of a walk.
inline std::int64_t count(const Walk& w) {
  std::int64_t n = 1;
  for (int d = 0; d < w.dims; ++d) n *= w.shape[d];
  return n;
}

/// The same walk in as few dimensions as possible, but at least one: neighbours that all operands step through evenly
/// become one, and those of extent 1 go.
inline Walk simplified(const Walk& w, int operands) {
  Walk s;
  for (int d = 0; d < w.dims; ++d) {
    if (w.shape[d] == 1) continue;
    bool merges = s.dims > 0;
    for (int j = 0; merges && j < operands; ++j)
      merges = s.strides[j][s.dims - 1] == w.strides[j][d] * w.shape[d];
    const int to = merges ? s.dims - 1 : s.dims++;
    s.shape[to] = merges ? s.shape[to] * w.shape[d] : w.shape[d];
    for (int j = 0; j < operands; ++j) s.strides[j][to] = w.strides[j][d];
  }
  if (s.dims == 0) s.dims = 1, s.shape[0] = 1;
  return s;
}

/// A vector of elements along one dimension, operand 0 of it contiguous.
inline Walk line(std::int64_t n) {
  Walk w;
  w.dims = 1;
  w.shape[0] = n;
  w.strides[0][0] = 1;
  return w;
}

/// Whether operand j of a simplified walk, at p, can be read in packs of V along the last dimension.
template <int V, class T>
bool reads_packs(const Walk& w, int j, const T* p) {
  const int last = w.dims - 1;
  if (w.strides[j][last] == 0) return true;
  bool all = w.strides[j][last] == 1 && aligned<V>(p);
  for (int d = 0; d < last; ++d) all = all && w.strides[j][d] % V == 0;
  return all;
}

/// f(part, its first element, where that lies) for parts of at most kPartSize elements that together are the walk.
template <class F>
void for_parts(const Walk& w, int operands, std::int64_t first, const Offsets& base, const F& f) {
  const std::int64_t n = count(w), inner = n / w.shape[0];
  if (n <= kPartSize) return f(w, first, base);
  const std::int64_t step = inner < kPartSize ? kPartSize / inner : 1;
  for (std::int64_t i = 0; i < w.shape[0]; i += step) {
    Walk part = w;
    part.shape[0] = step < w.shape[0] - i ? step : w.shape[0] - i;
    Offsets moved = base;
    for (int j = 0; j < operands; ++j) moved.at[j] += i * w.strides[j][0];
    for_parts(simplified(part, operands), operands, first + i * inner, moved, f);
  }
}

/// The walk in steps of V elements of its last dimension.
inline DeviceWalk device_walk(const Walk& w, int V, int operands, std::int64_t first, const Offsets& base) {
  DeviceWalk device;
  device.dims = w.dims;
  device.first = first;
  device.base = base;
  for (int d = 0; d < w.dims; ++d) {
    const int step = d == w.dims - 1 ? V : 1;
    device.divide[d] = FastDivision(std::uint32_t(w.shape[d] / step));
    for (int j = 0; j < operands; ++j) device.strides[j][d] = w.strides[j][d] * step;
  }
  for (int j = 0; j < operands; ++j) device.splat |= unsigned(w.strides[j][w.dims - 1] == 0) << j;
  return device;
}

/// Whether a part, whose first element and its places in the operands are these, can be treated in packs. A part's rows are
/// not cut, so they must have whole numbers of packs, unless there is only one.
template <class F>
bool in_packs(const Walk& w, const F& f, std::int64_t first, const Offsets& base) {
  bool all = w.dims == 1 || w.shape[w.dims - 1] % F::pack == 0;
  all = all && first % F::pack == 0;
  for (int j = 0; j < F::operands; ++j) all = all && base.at[j] % F::pack == 0;
  return all && f.packable(w);
}

/// f at every element of the walk.
template <class F>
void launch_walk(const Walk& walk, const F& f) {
  if (count(walk) == 0) return;
  for_parts(simplified(walk, F::operands), F::operands, 0, {},
            [&](const Walk& w, std::int64_t first, const Offsets& base) {
              const std::int64_t n = count(w);
              if (n >= F::pack && in_packs(w, f, first, base)) {
                const std::uint32_t packs = std::uint32_t(n / F::pack), rest = std::uint32_t(n % F::pack);
                launch_threads(walk_packs<F>, packs + rest, kThreads,
                               device_walk(w, F::pack, F::operands, first, base), packs, rest, f);
              } else {
                launch_threads(walk_elements<F>, n, kThreads, device_walk(w, 1, F::operands, first, base),
                               std::uint32_t(n), f);
              }
            });
}

/// V elements of an operand: side by side, or all the same.
template <int V, class T>
__device__ inline Packed<T, V> load(const T* x, bool splat) {
  if constexpr (V > 1) {
    if (splat) {
      Packed<T, V> p;
      const T value = *x;
      for (int v = 0; v < V; ++v) p.at[v] = value;
      return p;
    }
  }
  return load<V>(x);
}

}  // namespace gesso::kernels::GESSO_LEVEL
