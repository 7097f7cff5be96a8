// Uniform and normal numbers from Philox: element i of a draw depends on (seed, offset + i) alone, and is the CPU's
// (kernels/random.h).
#include "kernels/cuda/launch.cuh"
#include "kernels/random.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// A thread makes the numbers of one Philox block of the stream. Where the draw begins or ends within a block, or the
/// stream's blocks are not aligned with y's packs, they are stored one by one.
template <class T, class Numbers>
__global__ void draw_blocks(RandomState r, Numbers numbers, std::int64_t n, T* y) {
  constexpr int V = kNumbersPerBlock<T>;
  if (r.moving) r.offset = *r.moving;
  const std::int64_t i = thread_number() * V - std::int64_t(r.offset % V);
  if (i >= n) return;
  Packed<T, V> p;
  numbers(philox(r.seed, r.offset / V + std::uint64_t(thread_number())), p.at);
  if (i >= 0 && i + V <= n && aligned<V>(y + i)) return store(y + i, p);
  for (int e = 0; e < V; ++e)
    if (i + e >= 0 && i + e < n) y[i + e] = p.at[e];
}

template <class T, class Numbers>
void draw(RandomState r, const Numbers& numbers, std::int64_t n, T* y) {
  constexpr int V = kNumbersPerBlock<T>;
  // As many threads for every offset, because a graph's offset moves on.
  if (n > 0) launch_threads(draw_blocks<T, Numbers>, ceil_div(n + V - 1, V), kThreads, r, numbers, n, y);
}

template <class T>
void uniform(RandomState r, T low, T high, std::int64_t n, T* y) {
  draw(r, Uniform<T>(low, high), n, y);
}

template <class T>
void normal(RandomState r, T mean, T std, std::int64_t n, T* y) {
  draw(r, Normal<T>(mean, std), n, y);
}

}  // namespace

template <class T>
void install_random(Kernels<T>& k) {
  k.uniform = uniform<T>;
  k.normal = normal<T>;
}
template void install_random(Kernels<float>&);
template void install_random(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
