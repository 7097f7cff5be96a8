// logsumexp, softmax, running sums along one axis, and the scatter of rows.
#include "kernels/cuda/fold.cuh"
#include "kernels/cuda/scatter.cuh"
#include "kernels/cuda/team.cuh"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// What is subtracted before exp, so that it cannot overflow: the maximum; nothing where that is infinite.
template <class T>
__device__ T finite_or_zero(T m) {
  return abs(m) == T(INFINITY) ? T(0) : m;
}

/// exp(x - m), computed as it is folded
template <class T>
struct Exponentials : Array<T> {
  static constexpr int together = 2;
  T m;

  template <int V>
  __device__ T value(const Packed<T, V>& p, int e) const {
    return exp(p.at[e] - m);
  }
};

/// The maximum m of a line and sum exp(x - m), known to every thread of its team. A line is read once for each, and once
/// more for what is written: from memory the first time, then from the caches.
template <class T>
struct MaxAndSum {
  T max, sum;
};
template <class Team, class T>
__device__ MaxAndSum<T> max_and_sum(const Team& team, Slab s, const T* x, bool only_finite) {
  T m = Max<T>::start(), sum = 0;
  if (team.inside) m = fold_lane<Max<T>>(Array<T>{x}, 0, s.n, s.inner, team.lane, team.lanes);
  m = team.template fold<Max<T>>(m);
  if (only_finite) m = finite_or_zero(m);
  if (team.inside) sum = fold_lane<Sum<T>>(Exponentials<T>{{x}, m}, 0, s.n, s.inner, team.lane, team.lanes);
  return {m, team.template fold<Sum<T>>(sum)};
}

/// y = m + log sum exp(x - m)
template <class Team, class T>
__global__ void __launch_bounds__(Team::kBlock) logsumexp_lines(Slab s, int log_team, const T* x, T* y) {
  const Team team(s, log_team);
  const MaxAndSum<T> of = max_and_sum(team, s, x + team.o * s.n * s.inner + team.k, true);
  if (team.inside && team.lane == 0) y[team.o * s.inner + team.k] = of.max + log(of.sum);
}

/// y = exp(x - max) / sum exp(x - max); as in PyTorch NaN where a whole line is -inf
template <class Team, class T>
__global__ void __launch_bounds__(Team::kBlock) softmax_lines(Slab s, int log_team, const T* x, T* y) {
  const Team team(s, log_team);
  const std::int64_t at = team.o * s.n * s.inner + team.k;
  const MaxAndSum<T> of = max_and_sum(team, s, x + at, false);
  const T scale = 1 / of.sum;
  if (!team.inside) return;
  for (std::int64_t i = team.lane; i < s.n; i += team.lanes)
    y[at + i * s.inner] = exp(x[at + i * s.inner] - of.max) * scale;
}

/// y = (x - max) - log sum exp(x - max)
template <class Team, class T>
__global__ void __launch_bounds__(Team::kBlock) log_softmax_lines(Slab s, int log_team, const T* x, T* y) {
  const Team team(s, log_team);
  const std::int64_t at = team.o * s.n * s.inner + team.k;
  const MaxAndSum<T> of = max_and_sum(team, s, x + at, false);
  const T l = log(of.sum);
  if (!team.inside) return;
  for (std::int64_t i = team.lane; i < s.n; i += team.lanes)
    y[at + i * s.inner] = (x[at + i * s.inner] - of.max) - l;
}

template <class T>
using LinesKernel = void (*)(Slab, int, const T*, T*);
template <class T>
void launch_lines(LinesKernel<T> by_warps, LinesKernel<T> by_blocks, Slab s, const T* x, T* y) {
  if (s.outer * s.inner == 0) return;
  const Teams t = teams<T>(s);
  if (t.blocks)
    launch_threads(by_blocks, BlockTeam::threads(s, t.log), BlockTeam::kBlock, s, t.log, x, y);
  else
    launch_threads(by_warps, WarpTeam::threads(s, t.log), WarpTeam::kBlock, s, t.log, x, y);
}

template <class T>
void logsumexp(Slab s, const T* x, T* y) {
  launch_lines<T>(logsumexp_lines<WarpTeam, T>, logsumexp_lines<BlockTeam, T>, s, x, y);
}
template <class T>
void softmax(Slab s, const T* x, T* y) {
  launch_lines<T>(softmax_lines<WarpTeam, T>, softmax_lines<BlockTeam, T>, s, x, y);
}
template <class T>
void log_softmax(Slab s, const T* x, T* y) {
  launch_lines<T>(log_softmax_lines<WarpTeam, T>, log_softmax_lines<BlockTeam, T>, s, x, y);
}

/// y_i = x_0 + .. + x_i in double, a thread to a line; backwards y_i = x_i + .. + x_(n-1)
template <class T>
__global__ void cumsum_lines(Slab s, bool reverse, const T* x, T* y) {
  if (thread_number() >= s.outer * s.inner) return;
  const Quotient line = divide(thread_number(), s.inner);
  const std::int64_t at = line.quotient * s.n * s.inner + line.rest;
  double sum = 0;
  for (std::int64_t i = 0; i < s.n; ++i) {
    const std::int64_t j = at + (reverse ? s.n - 1 - i : i) * s.inner;
    y[j] = T(sum += double(x[j]));
  }
}

/// The same for rows, a block to a row: what the warps' elements sum up to is passed on to the warps after them, and what a
/// round of the block's elements sums up to, to the next round.
template <class T>
__global__ void __launch_bounds__(kTeamThreads) cumsum_rows(Slab s, bool reverse, const T* x, T* y) {
  constexpr int kWarps = kTeamThreads / 32;
  GESSO_SHARED(double, warp_sum, [kWarps]);
  const int lane = int(threadIdx.x) % 32, warp = int(threadIdx.x) / 32;
  double before = 0;
  for (std::int64_t first = 0; first < s.n; first += kTeamThreads) {
    const std::int64_t i = first + threadIdx.x;
    const std::int64_t j = std::int64_t(blockIdx.x) * s.n + (reverse ? s.n - 1 - i : i);
    double sum = i < s.n ? double(x[j]) : 0;
    for (int step = 1; step < 32; step *= 2) {
      const double left = __shfl_up_sync(0xffffffff, sum, unsigned(step));
      if (lane >= step) sum += left;
    }
    if (lane == 31) warp_sum[warp] = sum;
    __syncthreads();
    double round = 0, offset = 0;
    for (int w = 0; w < kWarps; ++w) {
      if (w == warp) offset = round;
      round += warp_sum[w];
    }
    if (i < s.n) y[j] = T(before + (offset + sum));
    before += round;
    __syncthreads();
  }
}

template <class T>
void cumsum(Slab s, bool reverse, const T* x, T* y) {
  if (s.inner == 1 && s.n > 64)
    launch_threads(cumsum_rows<T>, s.outer * kTeamThreads, kTeamThreads, s, reverse, x, y);
  else if (s.n > 0)
    launch_threads(cumsum_lines<T>, s.outer * s.inner, kThreads, s, reverse, x, y);
}

}  // namespace

template <class T>
void install_rows(Kernels<T>& k) {
  k.logsumexp = logsumexp<T>;
  k.softmax = softmax<T>;
  k.log_softmax = log_softmax<T>;
  k.cumsum = cumsum<T>;
  k.add_rows = add_rows<T>;
}
template void install_rows(Kernels<float>&);
template void install_rows(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
