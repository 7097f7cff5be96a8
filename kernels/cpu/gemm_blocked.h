// C (M,N) = finish(bias + A (M,K) * B (K,N)) for any views A, B and any sink C: blocked, packed and shared
// among threads.
//
// C is cut into tiles: panels of up to MR rows by slivers of NR columns. Threads share the tiles, never K,
// and neither tiles nor blocks of K depend on the number of threads; so each element is the same sum in the
// same order always.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif
#include "kernels/cpu/gemm_pack.h"

#include <cstdlib>
#include <sys/mman.h>

namespace gesso::kernels::GESSO_LEVEL {

/// Memory for packed operands, one per thread, kept from call to call.
struct Scratch {
  void* p = nullptr;
  std::size_t size = 0;

  ~Scratch() { ::free(p); }
  void* at_least(std::size_t wanted) {
    if (wanted <= size) return p;
    constexpr std::size_t page = std::size_t{1} << 21;
    ::free(p);
    size = (wanted + page - 1) / page * page;
    p = ::aligned_alloc(page, size);
    if (!p) __builtin_trap();
    ::madvise(p, size, MADV_HUGEPAGE);
    return p;
  }
};
inline thread_local Scratch scratch;

/// An operand counts as small, and stays in L2 while the other passes by, up to this many bytes: half of 1 MiB.
inline constexpr std::int64_t kSmall = std::int64_t{1} << 19;
/// What is kept of A is read where it lies if it stretches over no more than this, the size of an L2. Rows further
/// apart, often by a power of two, would fall into few of its sets.
inline constexpr std::int64_t kNear = std::int64_t{1} << 20;
/// When neither operand is small, panels of A are taken in blocks of kSmall bytes, and this many slivers of B are kept
/// packed for all of them: some MB, in L3.
inline constexpr std::int64_t kKeptSlivers = 64;

template <class T>
inline constexpr T kZeros[NR<T>] = {};

/// The part of a product that one thread computes: panels [p0, p1) of slivers [j0, j1), but of the first sliver only
/// those from low_first on, and of the last only those before high_last.
struct Region {
  std::int64_t p0, p1, j0, j1, low_first, high_last;

  std::int64_t low(std::int64_t j) const { return j == j0 ? low_first : p0; }
  std::int64_t high(std::int64_t j) const { return j + 1 == j1 ? high_last : p1; }
};

template <class Sink>
inline constexpr bool kIsFlipped = false;
template <class T>
inline constexpr bool kIsFlipped<Flipped<T>> = true;

template <class T, class A, class B, class Sink>
struct Product {
  std::int64_t M, N, K;
  A a;
  B b;
  Sink c;
  bool c_far;  // C, in all products of a batch, is more than L2 keeps
  decltype(panels_of<T>(a, M)) panels = panels_of<T>(a, M);
  decltype(slivers_of<T>(b, N)) slivers = slivers_of<T>(b, N);
  Parts blocks{K > 0 ? K : 1, kPacked<A> ? KC<T> : kInPlaceKC<T>};

  /// One block of K of a region, and where its factors are packed.
  struct Step {
    Region region;
    std::int64_t k0, K;
    bool first, last, a_near;  // first: of C nothing is there yet
    T *packed_a, *packed_b;
  };

  /// How many tiles of P panels, in all products of a batch, the first `members` of `all` threads compute: an even share of the
  /// vectors, as slivers are not all equally wide.
  std::int64_t tiles_before(std::int64_t P, std::int64_t batch, std::int64_t members,
                            std::int64_t all) const {
    const std::int64_t one = P * slivers.vectors_before(slivers.count), share = batch * one * members / all;
    const std::int64_t rest = share % one;
    std::int64_t j = 0;
    while (P * slivers.vectors_before(j + 1) <= rest) ++j;
    const std::int64_t before = P * slivers.vectors_before(j),
                       each = slivers.vectors_before(j + 1) - slivers.vectors_before(j);
    return share / one * P * slivers.count + P * j + (rest - before) / each;
  }

  /// Tiles [t0, t1) of panels [p0, p1), counted down the slivers one after another.
  void compute(std::int64_t p0, std::int64_t p1, std::int64_t t0, std::int64_t t1) const {
    const std::int64_t P = p1 - p0, j0 = t0 / P, j1 = (t1 + P - 1) / P;
    Region r{p0, p1, j0, j1, p0 + t0 - j0 * P, p0 + t1 - (j1 - 1) * P};
    if (j1 == j0 + 1) r.p0 = r.low_first, r.p1 = r.high_last;
    const std::int64_t k_bytes = blocks.size(0) * std::int64_t(sizeof(T)), panel_bytes = MR * k_bytes;
    const bool a_small = (r.p1 - r.p0) * panel_bytes <= kSmall,
               b_small = (j1 - j0) * NR<T> * k_bytes <= kSmall;
    // Where both are small, an A that has to be packed comes panel by panel: the next is fetched meanwhile.
    if (a_small && (near((r.p1 - r.p0) * MR, blocks.size(0)) || !b_small))
      return pass_slivers(r, r.p1 - r.p0, 1);
    if (b_small) return pass_panels(r);
    for (std::int64_t j = j0; j < j1; j += kKeptSlivers) {
      Region part = r;
      if (j > j0) part.j0 = j, part.low_first = r.p0;
      if (j + kKeptSlivers < j1) part.j1 = j + kKeptSlivers, part.high_last = r.p1;
      pass_slivers(part, kSmall / panel_bytes, kKeptSlivers);
    }
  }

  /// All slivers stay while panels come one by one; several at a time, some 64 KiB, if they are not packed, or if they lie side
  /// by side in memory and share its cache lines.
  void pass_panels(const Region& r) const {
    const std::int64_t panel_bytes = MR * std::int64_t(sizeof(T)) * (blocks.size(0) + 1);
    const std::int64_t several = kPacked<A> && !kInColumns<A> ? 1 : 1 + (64 << 10) / panel_bytes;
    for (std::int64_t block = 0; block < blocks.count; ++block) {
      const Step s = step(r, block, several, r.j1 - r.j0);
      for (std::int64_t p = r.p0; p < r.p1; p += several) {
        const std::int64_t end = p + several < r.p1 ? p + several : r.p1;
        if (!s.a_near) pack(s, p, end);
        for (std::int64_t j = r.j0; j < r.j1; ++j) tiles(s, j, p, end, s.packed_b + (j - r.j0) * NR<T> * s.K);
      }
    }
  }

  /// Panels stay, as many as are kept at a time, while slivers come one by one; these stay too if they are kept.
  void pass_slivers(const Region& r, std::int64_t kept_panels, std::int64_t kept_slivers) const {
    for (std::int64_t block = 0; block < blocks.count; ++block) {
      const Step s = step(r, block, kept_panels, kept_slivers);
      for (std::int64_t p0 = r.p0; p0 < r.p1; p0 += kept_panels) {
        const std::int64_t p1 = p0 + kept_panels < r.p1 ? p0 + kept_panels : r.p1;
        if (!s.a_near) pack(s, p0, p1);
        for (std::int64_t j = r.j0; j < r.j1; ++j)
          tiles(s, j, p0, p1, s.packed_b + (kept_slivers > 1 ? (j - r.j0) * NR<T> * s.K : 0));
      }
    }
  }

  Step step(const Region& r, std::int64_t block, std::int64_t kept_panels, std::int64_t kept_slivers) const {
    const std::int64_t k = K > 0 ? blocks.size(block) : 0;
    const std::int64_t a_size = packed_size<T>(a, kept_panels * MR, k), b_size = kept_slivers * NR<T> * k;
    T* packed = static_cast<T*>(scratch.at_least(std::size_t(a_size + b_size) * sizeof(T)));
    return {r,
            blocks.begin(block),
            k,
            block == 0 && !adds(),
            block + 1 == blocks.count,
            near(kept_panels * MR, k),
            packed,
            packed + a_size};
  }
  bool adds() const {
    if constexpr (kIsFlipped<Sink>)
      return c.c.adds;
    else
      return c.adds;
  }
  /// Whether rows of A, so many and so long, are read where they lie.
  bool near(std::int64_t rows, std::int64_t k) const {
    return stretch(a, rows, k) * std::int64_t(sizeof(T)) <= kNear;
  }

  void pack(const Step& s, std::int64_t p0, std::int64_t p1) const {
    if constexpr (kPacked<A>)
      pack_a(a, panels.begin(p0), panels.begin(p1) - panels.begin(p0), s.k0, s.K, s.packed_a);
  }

  /// Panels [p0, p1), as far as they are asked for, times sliver j. The first tile of a sliver packs it: as it goes,
  /// where B lies in rows; not at all, where it is in slivers.
  void tiles(const Step& s, std::int64_t j, std::int64_t p0, std::int64_t p1, T* packed_b) const {
    const std::int64_t low = s.region.low(j), high = s.region.high(j), from = low > p0 ? low : p0;
    const std::int64_t n0 = slivers.begin(j), n = slivers.size(j);
    const std::int64_t vectors = (n + kLanes<T> - 1) / kLanes<T>, width = vectors * kLanes<T>;
    Pieces<T> pieces(width), in_place(0);
    pieces_of<T>(b, s.k0, s.K, n0, n, pieces);
    if constexpr (kInSlivers<B>) packed_b = const_cast<T*>(b.sliver(s.k0, n0, width));
    auto spot = first_spot<T>(a, c, panels, from);
    Located<T> located[2];
    spot.locate(located[from % 2], n0);
    for (std::int64_t p = from; p < p1 && p < high; ++p) {
      spot.pieces_in(s.k0, s.K, pieces);
      const Located<T>& here = located[p % 2];
      Located<T>& next = located[(p + 1) % 2];
      const Place place{spot.m0(), spot.rows(), n0, n, here.out};
      spot.next();
      if (p + 1 < panels.count) spot.locate(next, n0);
      Factors<T> f{{}, next.a, 1, packed_b, width, packed_b, pieces.list, pieces.count};
      if constexpr (kPacked<A>) {
        const std::int64_t first = panels.begin(p0), packed_rows = panels.begin(p1) - first;
        const Panel<T> panel = s.a_near ? panel_in_place<T>(a, place.m0, s.k0)
                                        : packed_panel<T>(a, s.packed_a, place.m0 - first, packed_rows, s.K);
        for (int i = 0; i < MR; ++i) f.a[i] = panel.p + i * panel.row;
        f.a_col = panel.col;
      } else {
        for (int i = 0; i < MR; ++i) f.a[i] = here.a[i];
      }
      Also also = kPacked<A> ? Also::nothing : Also::fetch;
      if constexpr (!kInSlivers<B>) {
        if (p == low && n == width && sliver_in_place(b, s.k0, s.K, n0, n, &f.b, in_place)) {
          f.b_row = in_place.b_row, f.pieces = in_place.list, f.count = in_place.count;
          if (high - low > 1) also = Also::keep;
        } else if (p == low) {
          pack_b(b, s.k0, s.K, n0, n, width, packed_b);
        }
      }
      const MicroKernel<T> kernel = kMicroKernels<T>.at[int(also)][vectors - 1][place.rows - 1];
      if constexpr (kIsFlipped<Sink>)
        run_flipped(kernel, s, f, place);
      else
        n == width ? run_in_place(kernel, s, f, place) : run_in_buffer(kernel, s, f, place);
    }
  }

  /// A tile: rows [m0, m0 + rows) and columns [n0, n0 + n) of C, and where its rows lie.
  struct Place {
    std::int64_t m0, rows, n0, n;
    T* const* out;
  };
  /// Adds to what earlier blocks of K left in C, and finishes what the last one leaves.
  void run_in_place(MicroKernel<T> kernel, const Step& s, const Factors<T>& f, const Place& at) const {
    kernel(f, {at.out, s.first && c.bias ? c.bias + at.n0 : kZeros<T>, !s.first, c_far});
    if (s.last && c.act != Activation::none)
      for (std::int64_t i = 0; i < at.rows; ++i) c.finish(at.out[i], at.n);
  }
  /// The same where the columns are no whole vectors.
  void run_in_buffer(MicroKernel<T> kernel, const Step& s, const Factors<T>& f, const Place& at) const {
    alignas(64) T buffer[MR * NR<T>], start[NR<T>] = {};
    T* out[MR];
    for (std::int64_t i = 0; i < at.rows; ++i) {
      out[i] = buffer + i * NR<T>;
      if (!s.first) copy(at.out[i], at.n, out[i]);
    }
    if (s.first && c.bias) copy(c.bias + at.n0, at.n, start);
    kernel(f, {out, start, !s.first});
    for (std::int64_t i = 0; i < at.rows; ++i) {
      if (s.last && c.act != Activation::none) c.finish(out[i], at.n);
      copy(out[i], at.n, at.out[i]);
    }
  }
  /// The same where C is stored transposed: element (i, j) of the tile is element (n0 + j, m0 + i) of C.
  void run_flipped(MicroKernel<T> kernel, const Step& s, const Factors<T>& f, const Place& at) const {
    alignas(64) T buffer[MR * NR<T>] = {};
    const auto& to = c.c;
    T* out[MR];
    for (std::int64_t i = 0; i < at.rows; ++i) {
      T* row = out[i] = buffer + i * NR<T>;
      for (std::int64_t j = 0; j < at.n; ++j)
        row[j] = !s.first ? to.row(at.n0 + j)[at.m0 + i] : to.bias ? to.bias[at.m0 + i] : T(0);
    }
    kernel(f, {out, kZeros<T>, true});
    for (std::int64_t i = 0; i < at.rows && s.last && to.act != Activation::none; ++i)
      to.finish(out[i], at.n);
    for (std::int64_t j = 0; j < at.n; ++j) {
      T* row = to.row(at.n0 + j) + at.m0;
      for (std::int64_t i = 0; i < at.rows; ++i) row[i] = buffer[i * NR<T> + j];
    }
  }
};

/// Multiply-adds from which on a product is shared among threads: a fork and join costs half a microsecond, the time of 6e4.
inline constexpr double kWorthSharing = 2e5;

/// How many groups the threads form to share the panels, the threads of a group then sharing its tiles. What a thread
/// does in cycles: a vector of multiply-adds each, a quarter for each element of A and B it brings in, and a third more
/// where B has to be transposed.
template <class T, class Panels, class Slivers>
std::int64_t groups_of(std::int64_t threads, const Panels& panels, const Slivers& slivers, bool transposed) {
  std::int64_t best = 1;
  double least = 0;
  for (std::int64_t g = 1; g <= threads; ++g) {
    if (threads % g != 0) continue;
    const std::int64_t P = (panels.count + g - 1) / g, in_group = threads / g;
    const double columns = double(slivers.vectors_before(slivers.count)) / double(in_group);
    const double cost = double(P * MR) * (columns + 0.25) + (transposed ? 0.6 : 0.25) * columns * kLanes<T>;
    if (g == 1 || cost < least) best = g, least = cost;
  }
  return best;
}

/// C_b (M,N) = sink(A_b (M,K) * B_b (K,N)) for b < batch.
template <class T, class A, class B, class Sink>
void gemm(std::int64_t batch, std::int64_t M, std::int64_t N, std::int64_t K, const A& a, const B& b,
          const Sink& c) {
  if (batch <= 0 || M <= 0 || N <= 0) return;
  const bool c_far = batch * M * N * std::int64_t(sizeof(T)) > kSmall;
  const auto product = [&](std::int64_t i) {
    return Product<T, A, B, Sink>{M, N, K, a.at(i), b.at(i), c.at(i), c_far};
  };
  const auto first = product(0);
  const std::int64_t P = first.panels.count, S = first.slivers.count;
  const auto share = [&](std::int64_t thread, std::int64_t threads) {
    const std::int64_t groups =
        batch > 1 ? 1 : groups_of<T>(threads, first.panels, first.slivers, !kInRows<B>);
    const std::int64_t in_group = threads / groups, group = thread / in_group, member = thread % in_group;
    const std::int64_t p0 = P * group / groups, p1 = P * (group + 1) / groups, tiles = (p1 - p0) * S;
    if (p0 == p1) return;
    const std::int64_t t0 = first.tiles_before(p1 - p0, batch, member, in_group),
                       t1 = first.tiles_before(p1 - p0, batch, member + 1, in_group);
    for (std::int64_t t = t0; t < t1;) {
      const std::int64_t i = t / tiles, end = (i + 1) * tiles < t1 ? (i + 1) * tiles : t1;
      product(i).compute(p0, p1, t - i * tiles, end - i * tiles);
      t = end;
    }
  };
#ifdef _OPENMP
  if (double(batch) * double(M) * double(N) * double(K) > kWorthSharing && omp_get_max_threads() > 1) {
#pragma omp parallel
    share(omp_get_thread_num(), omp_get_num_threads());
    return;
  }
#endif
  for (std::int64_t i = 0; i < batch; ++i) product(i).compute(0, P, 0, P * S);
}

}  // namespace gesso::kernels::GESSO_LEVEL
