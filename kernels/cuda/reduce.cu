// Sums and extrema over one axis: short lines by lanes of a warp, long ones by blocks. A line too long for the number of
// lines there are is cut into slices, whose folds are folded in turn; where it is cut depends on the shape alone.
#include "kernels/cuda/fold.cuh"
#include "kernels/cuda/team.cuh"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// A value of a fold as what it is stored as: itself, or the place alone.
template <class R, class Value>
__device__ R stored(Value v) {
  if constexpr (std::is_same_v<R, Value>)
    return v;
  else
    return v.index;
}

/// y (outer, slices, inner): the folds of x (outer, n, inner) over `slice` elements of n at a time.
template <class Fold, class Team, class Source, class R>
__global__ void __launch_bounds__(Team::kBlock)
    fold_lines(Slab s, int log, std::int64_t slices, std::int64_t slice, Source x, R* y) {
  const Team team({s.outer * slices, slice, s.inner}, log);
  typename Fold::Value v = Fold::start();
  if (team.inside) {
    const Quotient q = divide(team.o, slices);
    const std::int64_t first = q.rest * slice, rest = s.n - first;
    v = fold_lane<Fold>(x.from((q.quotient * s.n + first) * s.inner + team.k), first,
                        rest < slice ? rest : slice, s.inner, team.lane, team.lanes);
  }
  v = team.template fold<Fold>(v);
  if (team.inside && team.lane == 0) y[team.o * s.inner + team.k] = stored<R>(v);
}

struct Slices {
  std::int64_t count, length;
};
/// Slices of lines that blocks fold: enough blocks to fill the device, unless that leaves a thread nearly nothing to do; and
/// none of more than kLongest elements, for the sake of rounding.
template <class T>
Slices slices(Slab s, int log) {
  constexpr std::int64_t kBlocks = 512, kElementsPerThread = 16, kLongest = 1 << 16;
  const std::int64_t blocks = BlockTeam::threads(s, log) / kTeamThreads;
  const std::int64_t wanted = ceil_div(kBlocks, blocks);
  const std::int64_t sensible = ceil_div(s.n, kElementsPerThread * (kTeamThreads >> log));
  const std::int64_t least = ceil_div(s.n, kLongest);
  const std::int64_t most = wanted < sensible ? wanted : sensible, count = most < least ? least : most;
  const std::int64_t length = ceil_div(ceil_div(s.n, count), kPack<T>) * kPack<T>;  // packs stay aligned
  return {ceil_div(s.n, length), length};
}

template <class Fold, class Team, class Source, class R>
void launch_fold(Slab s, int log, Slices cut, const Source& x, R* y) {
  const Slab sliced{s.outer * cut.count, cut.length, s.inner};
  launch_threads(fold_lines<Fold, Team, Source, R>, Team::threads(sliced, log), Team::kBlock, s, log,
                 cut.count, cut.length, x, y);
}

/// y (outer, inner) = fold of x (outer, n, inner)
template <class Fold, class Source, class R>
void fold(Slab s, const Source& x, R* y) {
  using T = typename Source::Element;
  using Value = typename Fold::Value;
  if (s.outer * s.inner == 0) return;
  const Teams t = teams<T>(s);
  if (!t.blocks) return launch_fold<Fold, WarpTeam>(s, t.log, {1, s.n}, x, y);
  const Slices cut = slices<T>(s, t.log);
  if (cut.count == 1) return launch_fold<Fold, BlockTeam>(s, t.log, cut, x, y);
  const Slab joined{s.outer, cut.count, s.inner};
  const Scratch scratch(std::size_t(joined.outer * joined.n * joined.inner) * sizeof(Value));
  launch_fold<Fold, BlockTeam>(s, t.log, cut, x, scratch.as<Value>());
  launch_fold<Fold, BlockTeam>(joined, t.log, {1, joined.n}, Array<Value>{scratch.as<Value>()}, y);
}

template <class T>
void reduce(Reduction op, Slab s, const T* x, T* y) {
  if (op == Reduction::sum) fold<Sum<T>>(s, Array<T>{x}, y);
  if (op == Reduction::max) fold<Max<T>>(s, Array<T>{x}, y);
  if (op == Reduction::min) fold<Min<T>>(s, Array<T>{x}, y);
}

template <class T>
void arg_reduce(ArgReduction op, Slab s, const T* x, std::int64_t* y) {
  if (op == ArgReduction::argmax) fold<ArgMax<T>>(s, Array<T>{x}, y);
  if (op == ArgReduction::argmin) fold<ArgMin<T>>(s, Array<T>{x}, y);
}

/// f(a_i, b_i), computed as it is folded
template <Binary op, class T>
struct Zipped {
  using Element = T;
  static constexpr int pack = kPack<T>, together = 2;
  static constexpr bool line = true;
  const T *a, *b;
  T sa, sb;

  template <int V>
  struct Packs {
    Packed<T, V> p, q;
  };
  __device__ Zipped from(std::int64_t offset) const { return {a + offset, b + offset, sa, sb}; }
  __device__ bool wide() const { return aligned<pack>(a) && aligned<pack>(b); }
  template <int V>
  __device__ Packs<V> read(std::int64_t i, bool wide) const {
    return {load_any<V>(a + i, wide), load_any<V>(b + i, wide)};
  }
  template <int V>
  __device__ T value(const Packs<V>& from, int e) const {
    return apply<op>(from.p.at[e], from.q.at[e], sa, sb);
  }
};

template <class T>
void sum_binary(Binary name, Scalars s, std::int64_t n, const T* a, const T* b, T* y) {
  with_op(name, [&](auto tag) {
    fold<Sum<T>>(Slab{1, n, 1}, Zipped<decltype(tag)::op, T>{a, b, T(s.a), T(s.b)}, y);
  });
}

}  // namespace

template <class T>
void install_reduce(Kernels<T>& k) {
  k.reduce = reduce<T>;
  k.arg_reduce = arg_reduce<T>;
  k.sum_binary = sum_binary<T>;
}
template void install_reduce(Kernels<float>&);
template void install_reduce(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
