// Folds: sums, extrema and their places. A fold has a Value, from which it starts, to which it lifts element i of a line, and
// which it joins with another.
#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/functors.h"

#include <type_traits>

namespace gesso::kernels::GESSO_LEVEL {

template <class T>
struct NumberFold {
  using Value = T;
  __device__ static T lift(T x, std::int64_t) { return x; }
  __device__ static T exchange(T v, int distance) { return __shfl_xor_sync(0xffffffff, v, distance); }
};
template <class T>
struct Sum : NumberFold<T> {
  __device__ static T start() { return 0; }
  __device__ static T join(T a, T b) { return a + b; }
};
template <class T>
struct Max : NumberFold<T> {
  __device__ static T start() { return -T(INFINITY); }
  __device__ static T join(T a, T b) { return max(a, b); }
};
template <class T>
struct Min : NumberFold<T> {
  __device__ static T start() { return T(INFINITY); }
  __device__ static T join(T a, T b) { return min(a, b); }
};

/// The first place of the largest (or smallest) number, or of the first NaN.
template <class T>
struct Place {
  T value;
  std::int64_t index;
};
template <class T, bool largest>
struct PlaceFold {
  using Value = Place<T>;
  __device__ static Value start() { return {largest ? -T(INFINITY) : T(INFINITY), INT64_MAX}; }
  __device__ static Value lift(T x, std::int64_t i) { return {x, i}; }
  __device__ static Value join(Value a, Value b) {
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    const bool better = largest ? a.value > b.value : a.value < b.value;
    const bool equal = (a.value == b.value) | (a_nan & b_nan);
    return (better | (a_nan & !b_nan) | (equal & (a.index < b.index))) ? a : b;
  }
  __device__ static Value exchange(Value v, int distance) {
    return {__shfl_xor_sync(0xffffffff, v.value, distance), __shfl_xor_sync(0xffffffff, v.index, distance)};
  }
};
template <class T>
using ArgMax = PlaceFold<T, true>;
template <class T>
using ArgMin = PlaceFold<T, false>;

/// What is folded: an array, or below a function of arrays. Element i lies at i steps; a pack of them is read where they are
/// contiguous, in one instruction where `wide` says that they are aligned.
template <class X>
struct Array {
  using Element = X;
  static constexpr int pack = sizeof(X) < 16 ? kPack<X> : 1;
  const X* x;

  __device__ Array from(std::int64_t offset) const { return {x + offset}; }
  __device__ bool wide() const { return aligned<pack>(x); }
  __device__ X at(std::int64_t i) const { return x[i]; }
  __device__ Packed<X, pack> packed(std::int64_t i) const { return load<pack>(x + i); }
};

/// Elements and results of earlier folds as values of this one.
template <class Fold, class X>
__device__ inline typename Fold::Value lifted(X x, std::int64_t i) {
  if constexpr (std::is_same_v<X, typename Fold::Value>)
    return x;
  else
    return Fold::lift(x, i);
}

/// The fold of the elements lane, lane + lanes, .. of n that lie `step` apart. Eight are loaded at a time, to have many loads
/// under way, and joined in a tree.
template <class Fold, class Source>
__device__ typename Fold::Value fold_strided(const Source& source, std::int64_t first, std::int64_t n,
                                             std::int64_t step, int lane, int lanes) {
  typename Fold::Value v = Fold::start();
  std::int64_t i = lane;
  for (; i + 7 * lanes < n; i += 8 * lanes) {
    typename Fold::Value next[8];
    for (int u = 0; u < 8; ++u)
      next[u] = lifted<Fold>(source.at((i + u * lanes) * step), first + i + u * lanes);
    for (int half = 4; half > 0; half /= 2)
      for (int u = 0; u < half; ++u) next[u] = Fold::join(next[u], next[u + half]);
    v = Fold::join(v, next[0]);
  }
  for (; i < n; i += lanes) v = Fold::join(v, lifted<Fold>(source.at(i * step), first + i));
  return v;
}

/// The same for contiguous elements, a pack of them at a time. Whether they are aligned changes how they are read but not
/// the order in which they are joined.
template <class Fold, class Source>
__device__ typename Fold::Value fold_packs(const Source& source, std::int64_t first, std::int64_t n, int lane,
                                           int lanes) {
  using Value = typename Fold::Value;
  constexpr int V = Source::pack, kTogether = 4;
  const bool wide = source.wide();
  const auto read = [&](std::int64_t p) {
    if (wide) return source.packed(p * V);
    Packed<typename Source::Element, V> pack;
    for (int e = 0; e < V; ++e) pack.at[e] = source.at(p * V + e);
    return pack;
  };
  Value v[V];
  for (int e = 0; e < V; ++e) v[e] = Fold::start();
  const auto take = [&](const auto& pack, std::int64_t p) {
    for (int e = 0; e < V; ++e) v[e] = Fold::join(v[e], lifted<Fold>(pack.at[e], first + p * V + e));
  };
  const std::int64_t packs = n / V;
  std::int64_t p = lane;
  for (; p + (kTogether - 1) * lanes < packs; p += kTogether * lanes) {
    Packed<typename Source::Element, V> next[kTogether];
    for (int u = 0; u < kTogether; ++u) next[u] = read(p + u * lanes);
    for (int u = 0; u < kTogether; ++u) take(next[u], p + u * lanes);
  }
  for (; p < packs; p += lanes) take(read(p), p);
  for (std::int64_t i = packs * V + lane; i < n; i += lanes)
    v[0] = Fold::join(v[0], lifted<Fold>(source.at(i), first + i));
  for (int half = V / 2; half > 0; half /= 2)
    for (int e = 0; e < half; ++e) v[e] = Fold::join(v[e], v[e + half]);
  return v[0];
}

/// A lane's part of the fold of a line: n elements `step` apart, numbered from `first` on.
template <class Fold, class Source>
__device__ inline typename Fold::Value fold_lane(const Source& source, std::int64_t first, std::int64_t n,
                                                 std::int64_t step, int lane, int lanes) {
  return step == 1 ? fold_packs<Fold>(source, first, n, lane, lanes)
                   : fold_strided<Fold>(source, first, n, step, lane, lanes);
}

}  // namespace gesso::kernels::GESSO_LEVEL
