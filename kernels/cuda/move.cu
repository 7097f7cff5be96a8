// Copies, casts and gathers: elements move, nothing is computed.
#include "kernels/convert.h"
#include "kernels/cuda/walk.cuh"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// y = x; operands 0 and 1
template <class T>
struct Copy {
  static constexpr int operands = 2, pack = kPack<T>;
  const T* x;
  T* y;

  bool packable(const Walk& w) const {
    return w.strides[1][w.dims - 1] == 1 && reads_packs<pack>(w, 0, x) && reads_packs<pack>(w, 1, y);
  }
  template <int V>
  __device__ void run(std::int64_t, const Offsets& o, unsigned splat) const {
    store(y + o.at[1], load<V>(x + o.at[0], splat & 1));
  }
};

/// A stack of matrices to be transposed: x[j * sx + i] to y[i * sy + j] for i < ni, j < nj.
struct Transposition {
  std::int64_t ni, nj, sx, sy;
  FastDivision tiles_i, tiles_j;
};
inline constexpr int kTile = 32;

/// A block moves a square of a matrix by way of shared memory, so that both sides are read and written along their rows.
template <class T>
__global__ void copy_tiles(DeviceWalk stack, Transposition t, const T* x, T* y) {
  GESSO_SHARED(T, tile, [kTile][kTile + 1]);  // 33 to a row: a column lies in 32 different banks
  const std::uint32_t strip = t.tiles_i(blockIdx.x), matrix = t.tiles_j(strip);
  const std::int64_t i0 = std::int64_t(blockIdx.x - strip * t.tiles_i.divisor) * kTile;
  const std::int64_t j0 = std::int64_t(strip - matrix * t.tiles_j.divisor) * kTile;
  const Offsets o = offsets<2>(stack, matrix);
  const int column = int(threadIdx.x) % kTile;
  for (int row = int(threadIdx.x) / kTile; row < kTile; row += kThreads / kTile)
    if (i0 + column < t.ni && j0 + row < t.nj)
      tile[row][column] = x[o.at[0] + (j0 + row) * t.sx + i0 + column];
  __syncthreads();
  for (int row = int(threadIdx.x) / kTile; row < kTile; row += kThreads / kTile)
    if (j0 + column < t.nj && i0 + row < t.ni)
      y[o.at[1] + (i0 + row) * t.sy + j0 + column] = tile[column][row];
}

/// A copy whose x is contiguous along dimension dx, and whose y is along the last.
template <class T>
void copy_transposed(const Walk& w, int dx, const T* x, T* y) {
  const int dy = w.dims - 1;
  Walk stack;
  for (int d = 0; d < w.dims; ++d) {
    if (d == dx || d == dy) continue;
    stack.shape[stack.dims] = w.shape[d];
    for (int j = 0; j < 2; ++j) stack.strides[j][stack.dims] = w.strides[j][d];
    ++stack.dims;
  }
  stack = simplified(stack, 2);
  const std::int64_t tiles_i = ceil_div(w.shape[dx], kTile), tiles_j = ceil_div(w.shape[dy], kTile);
  const Transposition t{w.shape[dx],
                        w.shape[dy],
                        w.strides[0][dy],
                        w.strides[1][dx],
                        FastDivision(std::uint32_t(tiles_i)),
                        FastDivision(std::uint32_t(tiles_j))};
  launch_threads(copy_tiles<T>, count(stack) * tiles_i * tiles_j * kThreads, kThreads,
                 device_walk(stack, 1, 2, 0, {}), t, x, y);
}

/// The same copy with the dimensions in the order of y's memory: elements may be moved in any order.
Walk in_order_of_y(const Walk& w) {
  const auto size = [](std::int64_t stride) { return stride < 0 ? -stride : stride; };
  Walk sorted = w;
  for (int d = 1; d < w.dims; ++d)
    for (int e = d; e > 0 && size(sorted.strides[1][e - 1]) < size(sorted.strides[1][e]); --e) {
      const auto swap = [](std::int64_t& a, std::int64_t& b) {
        const std::int64_t t = a;
        a = b, b = t;
      };
      swap(sorted.shape[e - 1], sorted.shape[e]);
      for (int j = 0; j < 2; ++j) swap(sorted.strides[j][e - 1], sorted.strides[j][e]);
    }
  return sorted;
}

template <class T>
void copy_elements(const Walk& walk, const T* x, T* y) {
  constexpr std::int64_t kLeast = 16;  // a shorter side of a matrix would leave half of each tile empty
  const Walk w = simplified(in_order_of_y(simplified(walk, 2)), 2);
  const int last = w.dims - 1;
  if (w.strides[1][last] == 1 && w.shape[last] >= kLeast && w.strides[0][last] != 1)
    for (int d = 0; d < last; ++d)
      if (w.strides[0][d] == 1 && w.shape[d] >= kLeast) return copy_transposed(w, d, x, y);
  launch_walk(w, Copy<T>{x, y});
}

void copy(const Walk& w, int element_size, const void* x, void* y) {
  if (count(w) == 0) return;
  with_size(element_size, [&](auto tag) {
    using T = decltype(tag);
    copy_elements(w, static_cast<const T*>(x), static_cast<T*>(y));
  });
}

/// y (dense) = mask ? a : b; operands 0, 1 and 2 of the walk.
template <class T>
struct Where {
  static constexpr int operands = 3, pack = kPack<T>;
  const std::uint8_t* mask;
  const T *a, *b;
  T* y;

  bool packable(const Walk& w) const {
    return reads_packs<pack>(w, 0, mask) && reads_packs<pack>(w, 1, a) && reads_packs<pack>(w, 2, b) &&
           aligned<pack>(y);
  }
  template <int V>
  __device__ void run(std::int64_t i, const Offsets& o, unsigned splat) const {
    const Packed<std::uint8_t, V> m = load<V>(mask + o.at[0], splat & 1);
    const Packed<T, V> p = load<V>(a + o.at[1], splat & 2), q = load<V>(b + o.at[2], splat & 4);
    Packed<T, V> r;
    for (int e = 0; e < V; ++e) r.at[e] = m.at[e] ? p.at[e] : q.at[e];
    store(y + i, r);
  }
};

void where(const Walk& w, int element_size, const std::uint8_t* mask, const void* a, const void* b, void* y) {
  with_size(element_size, [&](auto tag) {
    using T = decltype(tag);
    launch_walk(w, Where<T>{mask, static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(y)});
  });
}

template <class From, class To>
struct Cast {
  static constexpr int operands = 0, pack = kPack<From> < kPack<To> ? kPack<From> : kPack<To>;
  const From* x;
  To* y;

  bool packable(const Walk&) const { return aligned<pack>(x) && aligned<pack>(y); }
  template <int V>
  __device__ void run(std::int64_t i, const Offsets&, unsigned) const {
    const Packed<From, V> p = load<V>(x + i);
    Packed<To, V> q;
    for (int e = 0; e < V; ++e) q.at[e] = convert<To>(p.at[e]);
    store(y + i, q);
  }
};

void cast(std::int64_t n, DType from, const void* x, DType to, void* y) {
  with_type(from, [&](auto f) {
    with_type(to, [&](auto t) {
      using From = decltype(f);
      using To = decltype(t);
      launch_walk(line(n), Cast<From, To>{static_cast<const From*>(x), static_cast<To*>(y)});
    });
  });
}

/// y (n, units) = rows of x, in units of which a row has a whole number: the walk steps through the index with operand 0, and
/// through a row with operand 1.
template <class Unit>
struct TakeRows {
  static constexpr int operands = 2, pack = 1;
  std::int64_t units;
  const std::int64_t* index;
  const Unit* x;
  Unit* y;

  bool packable(const Walk&) const { return false; }
  template <int V>
  __device__ void run(std::int64_t i, const Offsets& o, unsigned) const {
    y[i] = x[index[o.at[0]] * units + o.at[1]];
  }
};

void take_rows(std::int64_t n, std::int64_t row_bytes, const std::int64_t* index, const void* x, void* y) {
  const auto take = [&](auto unit) {
    using Unit = decltype(unit);
    const Unit* const from = static_cast<const Unit*>(x);
    Unit* const to = static_cast<Unit*>(y);
    if (row_bytes % std::int64_t(sizeof(Unit)) || !aligned<1>(from) || !aligned<1>(to)) return false;
    Walk w;
    w.dims = 2;
    w.shape[0] = n, w.shape[1] = row_bytes / std::int64_t(sizeof(Unit));
    w.strides[0][0] = w.strides[1][1] = 1;
    launch_walk(w, TakeRows<Unit>{w.shape[1], index, from, to});
    return true;
  };
  take(Packed<std::uint64_t, 2>{}) || take(std::uint64_t{}) || take(std::uint32_t{}) || take(std::uint8_t{});
}

}  // namespace

void install_move(MoveKernels& k) {
  k.copy = copy;
  k.cast = cast;
  k.where = where;
  k.take_rows = take_rows;
}

}  // namespace gesso::kernels::GESSO_LEVEL
