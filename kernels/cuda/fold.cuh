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

/// V elements from x on, in one instruction where that is possible.
template <int V, class T>
__device__ inline Packed<T, V> load_any(const T* x, bool wide) {
  if (wide) return load<V>(x);
  Packed<T, V> p;
  for (int e = 0; e < V; ++e) p.at[e] = x[e];
  return p;
}

/// What is folded: an array, or elsewhere a function of arrays. It is read first, `together` packs at a time where elements
/// are contiguous (in a `line` they always are), and then computed from what was read.
template <class X>
struct Array {
  using Element = X;
  static constexpr int pack = sizeof(X) < 16 ? kPack<X> : 1, together = 4;
  static constexpr bool line = false;
  const X* x;

  __device__ Array from(std::int64_t offset) const { return {x + offset}; }
  __device__ bool wide() const { return aligned<pack>(x); }
  template <int V>
  __device__ Packed<X, V> read(std::int64_t i, bool wide) const {
    return load_any<V>(x + i, wide);
  }
  template <int V>
  __device__ X value(const Packed<X, V>& p, int e) const {
    return p.at[e];
  }
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
/// under way (places and numbers of eight would not fit in registers), and joined in a tree.
template <class Fold, class Source>
__device__ typename Fold::Value fold_strided(const Source& source, std::int64_t first, std::int64_t n,
                                             std::int64_t step, int lane, int lanes) {
  using Value = typename Fold::Value;
  constexpr int kTogether = sizeof(Value) > 8 ? 4 : 8;
  const auto read = [&](std::int64_t i) { return source.template read<1>(i * step, true); };
  const auto value = [&](const auto& pack, std::int64_t i) {
    return lifted<Fold>(source.value(pack, 0), first + i);
  };
  Value v = Fold::start();
  std::int64_t i = lane;
  for (; i + (kTogether - 1) * lanes < n; i += kTogether * lanes) {
    decltype(read(i)) packs[kTogether];
    Value next[kTogether];
    for (int u = 0; u < kTogether; ++u) packs[u] = read(i + u * lanes);
    for (int u = 0; u < kTogether; ++u) next[u] = value(packs[u], i + u * lanes);
    for (int half = kTogether / 2; half > 0; half /= 2)
      for (int u = 0; u < half; ++u) next[u] = Fold::join(next[u], next[u + half]);
    v = Fold::join(v, next[0]);
  }
  for (; i < n; i += lanes) v = Fold::join(v, value(read(i), i));
  return v;
}

/// The same for contiguous elements, a pack of them at a time. Whether they are aligned changes how they are read but not
/// the order in which they are joined.
template <class Fold, class Source>
__device__ typename Fold::Value fold_packs(const Source& source, std::int64_t first, std::int64_t n, int lane,
                                           int lanes) {
  using Value = typename Fold::Value;
  constexpr int V = Source::pack, kTogether = Source::together;
  const bool wide = source.wide();
  const auto read = [&](std::int64_t p) { return source.template read<V>(p * V, wide); };
  Value v[V];
  for (int e = 0; e < V; ++e) v[e] = Fold::start();
  const auto take = [&](const auto& pack, std::int64_t p) {
    for (int e = 0; e < V; ++e)
      v[e] = Fold::join(v[e], lifted<Fold>(source.value(pack, e), first + p * V + e));
  };
  const std::int64_t packs = n / V;
  std::int64_t p = lane;
  for (; p + (kTogether - 1) * lanes < packs; p += kTogether * lanes) {
    decltype(read(p)) next[kTogether];
    for (int u = 0; u < kTogether; ++u) next[u] = read(p + u * lanes);
    for (int u = 0; u < kTogether; ++u) take(next[u], p + u * lanes);
  }
  for (; p < packs; p += lanes) take(read(p), p);
  for (std::int64_t i = packs * V + lane; i < n; i += lanes)
    v[0] = Fold::join(v[0], lifted<Fold>(source.value(source.template read<1>(i, true), 0), first + i));
  for (int half = V / 2; half > 0; half /= 2)
    for (int e = 0; e < half; ++e) v[e] = Fold::join(v[e], v[e + half]);
  return v[0];
}

/// A lane's part of the fold of a line: n elements `step` apart, numbered from `first` on.
template <class Fold, class Source>
__device__ inline typename Fold::Value fold_lane(const Source& source, std::int64_t first, std::int64_t n,
                                                 std::int64_t step, int lane, int lanes) {
  if constexpr (!Source::line)
    if (step != 1) return fold_strided<Fold>(source, first, n, step, lane, lanes);
  return fold_packs<Fold>(source, first, n, lane, lanes);
}

}  // namespace gesso::kernels::GESSO_LEVEL
