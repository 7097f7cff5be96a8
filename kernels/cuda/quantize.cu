// The code nearest to each vector: the one with the highest score z.e - |e|^2 / 2. A matrix product whose tiles stay in
// registers, where each thread keeps the best it has seen of its rows; the threads of a row compare notes at the end.
#include "kernels/cuda/launch.cuh"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// A block has 64 rows and goes through the codes 64 at a time, 16 x 16 threads with 4 x 4 scores each; kDepth elements of each
/// vector are in shared memory at once.
constexpr int kSide = 16, kEach = 4, kTileRows = kSide * kEach, kDepth = 16;
/// Two elements more than a line needs: what a warp writes at once, two rows of z or codes, then falls into different banks.
constexpr int kLine = kTileRows + 2;

/// A thread to a code: |e|^2 / 2, and no vector counted yet.
template <class T>
__global__ void half_squares(std::int64_t K, std::int64_t D, const T* codes, T* half, unsigned* counts) {
  const std::int64_t j = thread_number();
  if (j >= K) return;
  T sum = 0;
  for (std::int64_t d = 0; d < D; ++d) sum += codes[j * D + d] * codes[j * D + d];
  half[j] = sum / 2;
  counts[j] = 0;
}

/// to[d][r] = x[first + r][d0 + d], zero outside of x (n,D)
template <class T>
__device__ inline void load_lines(const T* x, std::int64_t n, std::int64_t D, std::int64_t first,
                                  std::int64_t d0, T (*to)[kLine]) {
  for (int i = int(threadIdx.x); i < kTileRows * kDepth; i += kSide * kSide) {
    const int r = i / kDepth, d = i % kDepth;
    to[d][r] = first + r < n && d0 + d < D ? x[(first + r) * D + d0 + d] : T(0);
  }
}

template <class T>
__global__ void __launch_bounds__(kSide* kSide)
    nearest_codes(std::int64_t M, std::int64_t K, std::int64_t D, const T* z, const T* codes, const T* half,
                  std::int64_t* index, unsigned* counts) {
  GESSO_SHARED(T, rows, [kDepth][kLine]);
  GESSO_SHARED(T, columns, [kDepth][kLine]);
  const int across = int(threadIdx.x) % kSide, down = int(threadIdx.x) / kSide;
  const std::int64_t m0 = std::int64_t(blockIdx.x) * kTileRows;
  T best[kEach];
  int code[kEach];
  for (int i = 0; i < kEach; ++i) best[i] = -T(INFINITY), code[i] = 0;

  for (std::int64_t n0 = 0; n0 < K; n0 += kTileRows) {
    T score[kEach][kEach] = {};
    for (std::int64_t d0 = 0; d0 < D; d0 += kDepth) {
      __syncthreads();  // all have read what lies there
      load_lines(z, M, D, m0, d0, rows);
      load_lines(codes, K, D, n0, d0, columns);
      __syncthreads();
      for (int d = 0; d < kDepth; ++d)
        for (int i = 0; i < kEach; ++i)
          for (int j = 0; j < kEach; ++j)
            score[i][j] += rows[d][down + i * kSide] * columns[d][across + j * kSide];
    }
    for (int j = 0; j < kEach; ++j) {
      const std::int64_t n = n0 + across + j * kSide;
      if (n >= K) continue;
      for (int i = 0; i < kEach; ++i) {
        const T s = score[i][j] - half[n];
        if (s > best[i]) best[i] = s, code[i] = int(n);
      }
    }
  }
  for (int i = 0; i < kEach; ++i) {
    for (int distance = kSide / 2; distance > 0; distance /= 2) {  // within half a warp: one row's threads
      const T s = __shfl_xor_sync(0xffffffff, best[i], distance);
      const int n = __shfl_xor_sync(0xffffffff, code[i], distance);
      if (s > best[i] || (s == best[i] && n < code[i])) best[i] = s, code[i] = n;
    }
    const std::int64_t m = m0 + down + i * kSide;
    if (across > 0 || m >= M) continue;
    index[m] = code[i];
    atomicAdd(counts + code[i], 1);  // whole numbers add up to the same in any order
  }
}

__global__ void widen_counts(std::int64_t K, const unsigned* counts, std::int64_t* wide) {
  const std::int64_t j = thread_number();
  if (j < K) wide[j] = counts[j];
}

template <class T>
void quantize(std::int64_t M, std::int64_t K, std::int64_t D, const T* z, const T* codes, std::int64_t* index,
              std::int64_t* counts) {
  const Scratch half(std::size_t(K) * sizeof(T)), counted(std::size_t(K) * sizeof(unsigned));
  launch_threads(half_squares<T>, K, kThreads, K, D, codes, half.as<T>(), counted.as<unsigned>());
  launch_threads(nearest_codes<T>, ceil_div(M, kTileRows) * kSide * kSide, kSide * kSide, M, K, D, z, codes,
                 half.as<T>(), index, counted.as<unsigned>());
  launch_threads(widen_counts, K, kThreads, K, counted.as<unsigned>(), counts);
}

}  // namespace

template <class T>
void install_quantize(Kernels<T>& k) {
  k.quantize = quantize<T>;
}
template void install_quantize(Kernels<float>&);
template void install_quantize(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
