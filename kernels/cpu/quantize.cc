// The code nearest to each vector. Since |z - e|^2 = |z|^2 - 2 (z.e - |e|^2 / 2), it is the one with the highest score
// z.e - |e|^2 / 2: a matrix product of which only the best of each row is wanted. The micro-kernel makes tiles of scores, which
// never leave L1.
#include "kernels/cpu/gemm_blocked.h"
#include "kernels/cpu/parallel.h"
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// Integers as wide as T, a vector of them.
template <class T>
using Places = decltype(Vector<T>{} < Vector<T>{});

/// Rows that pass all codes together: with a sliver of codes 64 long, and what is best so far, they fit into L1.
constexpr std::int64_t kRows = 8 * MR;

/// The codes in slivers, as the micro-kernel reads them, and what a score starts from: -|e|^2 / 2, and -inf in the columns that
/// fill up the last vector.
template <class T>
struct Codes {
  std::int64_t K, D;
  Slivers<T> slivers{K};
  std::int64_t columns = slivers.vectors.begin(slivers.count) * kLanes<T>;
  T* packed = static_cast<T*>(scratch.at_least(std::size_t(columns * (D + 1)) * sizeof(T)));
  T* start = packed + columns * D;

  Codes(std::int64_t K_, std::int64_t D_, const T* codes) : K(K_), D(D_) {
    for (std::int64_t j = 0; j < slivers.count; ++j) {
      const std::int64_t n0 = slivers.begin(j), n = slivers.size(j), width = this->width(j);
      T *const sliver = packed + n0 * D, *const s = start + n0;
      pack_b(Transposed<Dense<T>>{{codes, D, 0}}, 0, D, n0, n, width, sliver);
      for (std::int64_t c = 0; c < width; ++c) s[c] = c < n ? T(0) : -T(INFINITY);
      for (std::int64_t k = 0; k < D; ++k) {
#pragma omp simd
        for (std::int64_t c = 0; c < width; ++c) s[c] -= sliver[k * width + c] * sliver[k * width + c] / 2;
      }
    }
  }
  std::int64_t width(std::int64_t j) const { return slivers.vectors.size(j) * kLanes<T>; }
};

/// The best scores of a row's columns so far, lane by lane, and where they are.
template <class T>
struct Best {
  Vector<T> score = Vector<T>{} - T(INFINITY);
  Places<T> code = {};
};

/// Looks through `vectors` vectors of scores, of the columns from `first` on.
template <class T>
[[gnu::always_inline]] inline void keep_best(const T* scores, std::int64_t vectors, Places<T> first,
                                             Best<T>& best) {
  Best<T> b = best;
  for (std::int64_t v = 0; v < vectors; ++v, first += kLanes<T>) {
    const Vector<T> s = load(scores + v * kLanes<T>);
    const auto better = s > b.score;
    b.score = better ? s : b.score;
    b.code = better ? first : b.code;
  }
  best = b;
}

/// The best of all lanes, the first of equals.
template <class T>
std::int64_t best_code(const Best<T>& best) {
  T score[kLanes<T>];
  store(score, best.score);
  int winner = 0;
  for (int l = 1; l < kLanes<T>; ++l)
    if (score[l] > score[winner] || (score[l] == score[winner] && best.code[l] < best.code[winner]))
      winner = l;
  return best.code[winner];
}

/// At most kRows rows.
template <class T>
void nearest(const Codes<T>& codes, std::int64_t rows, const T* z, std::int64_t* index) {
  constexpr int L = kLanes<T>;
  Best<T> best[kRows];
  Places<T> lane;
  for (int l = 0; l < L; ++l) lane[l] = l;
  auto first = lane[0];
  alignas(64) T scores[MR * NR<T>];
  const Piece all{0, 0, codes.D};
  for (std::int64_t j = 0; j < codes.slivers.count; ++j) {
    const std::int64_t n0 = codes.slivers.begin(j), width = codes.width(j), vectors = width / L;
    Factors<T> f{{}, nullptr, 1, codes.packed + n0 * codes.D, width, nullptr, &all, 1};
    first = decltype(first)(n0);
    T* row[MR];
    for (int r = 0; r < MR; ++r) row[r] = scores + r * NR<T>;
    for (std::int64_t i = 0; i < rows; i += MR) {
      const std::int64_t n = rows - i < MR ? rows - i : MR;
      for (std::int64_t r = 0; r < n; ++r) f.a[r] = z + (i + r) * codes.D;
      kMicroKernels<T>.at[int(Also::nothing)][vectors - 1][n - 1](f, {row, codes.start + n0});
      for (std::int64_t r = 0; r < n; ++r) keep_best(row[r], vectors, lane + first, best[i + r]);
    }
  }
  for (std::int64_t i = 0; i < rows; ++i) index[i] = best_code(best[i]);
}

template <class T>
void quantize(std::int64_t M, std::int64_t K, std::int64_t D, const T* z, const T* codes, std::int64_t* index,
              std::int64_t* counts) {
  const Codes<T> packed(K, D, codes);
  constexpr std::int64_t kWork = 1 << 20;  // multiply-adds that are worth a thread's waking
  const std::int64_t groups = kWork / (kRows * K * (D + 1)) + 1;
  parallel_blocks(M, groups * kRows, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; i += kRows)
      nearest(packed, end - i < kRows ? end - i : kRows, z + i * D, index + i);
  });
  for (std::int64_t j = 0; j < K; ++j) counts[j] = 0;
  for (std::int64_t i = 0; i < M; ++i) ++counts[index[i]];
}

}  // namespace

template <class T>
void install_quantize(Kernels<T>& k) {
  k.quantize = quantize<T>;
}
template void install_quantize(Kernels<float>&);
template void install_quantize(Kernels<double>&);

}  // namespace gesso::kernels::GESSO_LEVEL
