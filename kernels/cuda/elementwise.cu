// y = f(x) and y = f(a, b), element by element. The functions are those of the CPU (kernels/functors.h).
#include "kernels/cuda/walk.cuh"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

template <class T>
struct Fill {
  static constexpr int operands = 0, pack = kPack<T>;
  T value;
  T* y;

  bool packable(const Walk&) const { return aligned<pack>(y); }
  template <int V>
  __device__ void run(std::int64_t i, const Offsets&, unsigned) const {
    Packed<T, V> p;
    for (int v = 0; v < V; ++v) p.at[v] = value;
    store(y + i, p);
  }
};

template <class T>
void fill(std::int64_t n, T value, T* y) {
  launch_walk(line(n), Fill<T>{value, y});
}

template <class T>
struct Arange {
  static constexpr int operands = 0, pack = kPack<T>;
  double start, step;
  T* y;

  bool packable(const Walk&) const { return aligned<pack>(y); }
  template <int V>
  __device__ void run(std::int64_t i, const Offsets&, unsigned) const {
    Packed<T, V> p;
    for (int v = 0; v < V; ++v) p.at[v] = T(start + double(i + v) * step);
    store(y + i, p);
  }
};

template <class T>
void arange(std::int64_t n, double start, double step, T* y) {
  launch_walk(line(n), Arange<T>{start, step, y});
}

/// y = f(x)
template <Unary op, class T>
struct Map {
  static constexpr int operands = 0, pack = kPack<T>;
  T a, b;
  const T* x;
  T* y;

  bool packable(const Walk&) const { return aligned<pack>(x) && aligned<pack>(y); }
  template <int V>
  __device__ void run(std::int64_t i, const Offsets&, unsigned) const {
    Packed<T, V> p = load<V>(x + i);
    for (int v = 0; v < V; ++v) p.at[v] = apply<op>(p.at[v], a, b);
    store(y + i, p);
  }
};

template <class T>
void unary(Unary name, Scalars s, std::int64_t n, const T* x, T* y) {
  if (name == Unary::pow_scalar) {  // the usual exponents, faster and rounded once
    if (s.a == 2) name = Unary::square;
    if (s.a == 0.5) name = Unary::sqrt;
    if (s.a == -1) name = Unary::rdiv_scalar, s.a = 1;
  }
  with_op(name, [&](auto tag) { launch_walk(line(n), Map<decltype(tag)::op, T>{T(s.a), T(s.b), x, y}); });
}

/// y (dense) = f(a, b) over the walk.
template <class T, class R, class F>
struct Zip {
  static constexpr int operands = 2, pack = kPack<T>;
  F f;
  const T *a, *b;
  R* y;

  bool packable(const Walk& w) const {
    return reads_packs<pack>(w, 0, a) && reads_packs<pack>(w, 1, b) && aligned<pack>(y);
  }
  template <int V>
  __device__ void run(std::int64_t i, const Offsets& o, unsigned splat) const {
    const Packed<T, V> p = load<V>(a + o.at[0], splat & 1), q = load<V>(b + o.at[1], splat & 2);
    Packed<R, V> r;
    for (int v = 0; v < V; ++v) r.at[v] = f(p.at[v], q.at[v]);
    store(y + i, r);
  }
};

template <Binary op, class T>
struct BinaryOf {
  T a, b;
  __device__ T operator()(T p, T q) const { return apply<op>(p, q, a, b); }
};

template <class T>
void binary(Binary name, Scalars s, const Walk& walk, const T* a, const T* b, T* y) {
  with_op(name, [&](auto tag) {
    using F = BinaryOf<decltype(tag)::op, T>;
    launch_walk(walk, Zip<T, T, F>{{T(s.a), T(s.b)}, a, b, y});
  });
}

template <Compare op>
struct CompareOf {
  template <class T>
  __device__ std::uint8_t operator()(T p, T q) const {
    return std::uint8_t(apply<op>(p, q));
  }
};

template <class T>
void compare(Compare name, const Walk& walk, const T* a, const T* b, std::uint8_t* y) {
  with_op(name, [&](auto tag) {
    launch_walk(walk, Zip<T, std::uint8_t, CompareOf<decltype(tag)::op>>{{}, a, b, y});
  });
}

}  // namespace

template <class T>
void install_elementwise(Kernels<T>& k) {
  k.fill = fill<T>;
  k.arange = arange<T>;
  k.unary = unary<T>;
  k.binary = binary<T>;
  k.compare = compare<T>;
}
template void install_elementwise(Kernels<float>&);
template void install_elementwise(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
