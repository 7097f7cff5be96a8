// Optimizer steps (kernels/optim.h), one launch for all parameters, and the moving average of weights.
#include "kernels/cuda/walk.cuh"
#include "kernels/optim.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// Parameters whose pieces a launch's blocks take: those of parameter j are the blocks first_block[j] to first_block[j + 1].
/// It travels as a kernel's parameter, of which there may be 4 KiB.
template <class T>
struct Batch {
  static constexpr int kMost = 80;
  int count = 0;
  unsigned first_block[kMost + 1] = {};
  ParameterSlice<T> parameter[kMost];
};
static_assert(sizeof(Batch<double>) + sizeof(AdamRule<double>) + sizeof(void*) <= 4096);

/// Elements of a block: a pack for each thread.
template <class T>
constexpr std::int64_t kPiece = std::int64_t{kThreads} * kPack<T>;

/// The state arrays a rule uses are read, handed to it, and written back; one that is absent is left alone.
template <int V, class Rule, class T>
__device__ void update(const Rule& rule, const ParameterSlice<T>& p, std::int64_t i) {
  const Packed<T, V> dw = load<V>(p.dw + i);
  Packed<T, V> w = load<V>(p.w + i), m = {}, v = {};
  if (Rule::uses_m && p.m) m = load<V>(p.m + i);
  if (Rule::uses_v) v = load<V>(p.v + i);
  for (int e = 0; e < V; ++e) {
    if constexpr (requires { rule(w.at[e], dw.at[e]); }) {
      if (!p.m) {
        rule(w.at[e], dw.at[e]);
        continue;
      }
    }
    rule(w.at[e], dw.at[e], m.at[e], v.at[e]);
  }
  store(p.w + i, w);
  if (Rule::uses_m && p.m) store(p.m + i, m);
  if (Rule::uses_v) store(p.v + i, v);
}

template <class Rule, class T>
__global__ void step_batch(const __grid_constant__ Batch<T> batch, Rule rule, const AdamPace* moving) {
  if constexpr (requires { rule.take(*moving); })
    if (moving) rule.take(*moving);
  constexpr int V = kPack<T>;
  int low = 0, high = batch.count - 1;  // the last parameter whose first block is not after this one
  while (low < high) {
    const int middle = (low + high + 1) / 2;
    batch.first_block[middle] <= blockIdx.x ? low = middle : high = middle - 1;
  }
  const ParameterSlice<T>& p = batch.parameter[low];
  const std::int64_t first = (blockIdx.x - batch.first_block[low]) * kPiece<T>;
  const bool wide = aligned<V>(p.w) && aligned<V>(p.dw) && aligned<V>(p.m) && aligned<V>(p.v);
  if (wide && first + kPiece<T> <= p.n) return update<V>(rule, p, first + int(threadIdx.x) * V);
  for (int e = 0; e < V; ++e) {
    const std::int64_t i = first + e * kThreads + int(threadIdx.x);
    if (i < p.n) update<1>(rule, p, i);
  }
}

template <class Rule, class T>
void step_all(const Rule& rule, int count, const ParameterSlice<T>* parameters,
              const AdamPace* moving = nullptr) {
  for (int done = 0; done < count;) {
    Batch<T> batch;
    while (done < count && batch.count < Batch<T>::kMost) {
      const ParameterSlice<T>& p = parameters[done++];
      if (p.n == 0) continue;
      batch.parameter[batch.count] = p;
      batch.first_block[batch.count + 1] =
          batch.first_block[batch.count] + unsigned(ceil_div(p.n, kPiece<T>));
      ++batch.count;
    }
    launch_threads(step_batch<Rule, T>, std::int64_t{batch.first_block[batch.count]} * kThreads, kThreads,
                   batch, rule, moving);
  }
}

template <class T>
void adam(const AdamStep& step, int count, const ParameterSlice<T>* parameters) {
  step_all(AdamRule<T>(step), count, parameters, step.moving);
}
template <class T>
void sgd(const SgdStep& step, int count, const ParameterSlice<T>* parameters) {
  step_all(SgdRule<T>(step), count, parameters);
}
template <class T>
void rmsprop(const RmspropStep& step, int count, const ParameterSlice<T>* parameters) {
  step_all(RmspropRule<T>(step), count, parameters);
}

/// y = y + weight (x - y)
template <class T>
struct Lerp {
  static constexpr int operands = 0, pack = kPack<T>;
  T weight;
  const T* x;
  T* y;

  bool packable(const Walk&) const { return aligned<pack>(x) && aligned<pack>(y); }
  template <int V>
  __device__ void run(std::int64_t i, const Offsets&, unsigned) const {
    const Packed<T, V> p = load<V>(x + i);
    Packed<T, V> q = load<V>(y + i);
    for (int e = 0; e < V; ++e) q.at[e] += weight * (p.at[e] - q.at[e]);
    store(y + i, q);
  }
};

template <class T>
void lerp(T weight, std::int64_t n, const T* x, T* y) {
  launch_walk(line(n), Lerp<T>{weight, x, y});
}

}  // namespace

template <class T>
void install_optim(Kernels<T>& k) {
  k.adam = adam<T>;
  k.sgd = sgd<T>;
  k.rmsprop = rmsprop<T>;
  k.lerp = lerp<T>;
}
template void install_optim(Kernels<float>&);
template void install_optim(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
