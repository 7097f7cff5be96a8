// Uniform and normal numbers from Philox: element i of a draw depends on (seed, offset + i) alone.
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"
#include "kernels/philox.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// The uniform number in [0, 1) behind element i: 24 bits of word i mod 4 for float, 53 bits of two words for
/// double.
template <class T>
T uniform_at(std::uint64_t seed, std::uint64_t i) {
  if constexpr (sizeof(T) == 4) {
    return T(std::int32_t(philox(seed, i / 4).word[i % 4] >> 8)) * T(0x1p-24);
  } else {
    const PhiloxBlock block = philox(seed, i / 2);
    const std::uint32_t high = block.word[2 * (i % 2)], low = block.word[2 * (i % 2) + 1];
    return T(std::int32_t(high >> 5)) * T(0x1p-27) + T(std::int32_t(low >> 6)) * T(0x1p-53);
  }
}

template <class T>
void uniform(RandomState r, T low, T high, std::int64_t n, T* y) {
  for (std::int64_t i = 0; i < n; ++i) {
    const T v = low + (high - low) * uniform_at<T>(r.seed, r.offset + std::uint64_t(i));
    y[i] = v < high ? v : low;
  }
}

/// Box-Muller: elements 2 j and 2 j + 1 are r cos t and r sin t, r = sqrt(-2 log u), from the uniforms behind
/// the two.
template <class T>
void normal(RandomState r, T mean, T std, std::int64_t n, T* y) {
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint64_t at = r.offset + std::uint64_t(i);
    const T u = 1 - uniform_at<T>(r.seed, at / 2 * 2),
            t = T(6.28318530717958647693) * uniform_at<T>(r.seed, at / 2 * 2 + 1);
    y[i] = mean + std * (sqrt(-2 * log(u)) * (at % 2 ? sin(t) : cos(t)));
  }
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
