// What the GPU's matrix product knows of its operands and of its result.
//
// A *view* shows an operand as lines of elements, fetched in packs of 16 bytes by asynchronous copies. It has
//   line(i)            what is common to line i, a Line;
//   at(line, j)        the address of elements (i, j), (i, j + 1), .. of one pack, or null for zeros;
//   tabulated          whether a Line is so dear that a block keeps those of its rows in shared memory;
//   lines, length      how many lines there are, and elements in each: what lies beyond is zero;
//   wide               whether each pack lies side by side at a multiple of 16 bytes; otherwise elements are fetched singly;
//   batch(b)           the view of product b of a batch, which may have fewer lines or shorter ones than others.
// A's lines may lie along K (its rows) or across K (its columns), and B's likewise: so a transpose costs nothing, and a
// convolution is a view whose packs are runs of channels.
//
// A *sink* takes a finished pack of C: put(i, j, sums, n) is given elements (i, j) .. (i, j + n - 1), each
// once; batch(b) as above.
#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/functors.h"

namespace gesso::kernels::GESSO_LEVEL {

/// The elements of 16 bytes, which one thread moves at once.
template <class T>
using Pack = Packed<T, kPack<T>>;

/// Whether packs can be fetched at once from a matrix at p whose lines, and products, lie these many elements apart.
template <class T>
bool wide_enough(const T* p, std::int64_t line_stride, std::int64_t batch_stride) {
  return aligned<kPack<T>>(p) && line_stride % kPack<T> == 0 && batch_stride % kPack<T> == 0;
}

/// Element (i, j) is p[i * line_stride + j].
template <class T>
struct Lines {
  const T* p;
  std::int64_t line_stride, batch_stride;
  int lines, length;
  bool wide;

  Lines(const T* start, std::int64_t line, std::int64_t batch, std::int64_t count, std::int64_t elements)
      : p(start),
        line_stride(line),
        batch_stride(batch),
        lines(int(count)),
        length(int(elements)),
        wide(wide_enough(start, line, batch)) {}

  static constexpr bool tabulated = false;
  struct Line {
    const T* p;
  };
  __device__ Line line(int i) const { return {p + i * line_stride}; }
  __device__ const T* at(const Line& line, int j) const { return line.p + j; }
  __device__ Lines batch(int b) const {
    Lines product = *this;
    product.p += b * batch_stride;
    return product;
  }
};

/// act(x), the function that kernels/gemm.h's Rows::finish applies on the CPU.
template <class T>
__device__ inline T activate(Activation act, T slope, T x) {
  switch (act) {
    case Activation::none:
      return x;
    case Activation::leaky_relu:
      return apply<Unary::leaky_relu>(x, slope, T(0));
    case Activation::tanh:
      return tanh(x);
    case Activation::sigmoid:
      return sigmoid(x);
  }
  return x;
}

/// act(sum + bias[j]) for the first n sums of a pack, which belong to columns j, j + 1, ..
template <class T>
__device__ inline Pack<T> finished(const Epilogue<T>& e, Pack<T> sums, int j, int n) {
  for (int i = 0; i < kPack<T>; ++i)
    sums.at[i] = activate(e.act, e.slope, e.bias && i < n ? sums.at[i] + e.bias[j + i] : sums.at[i]);
  return sums;
}
/// The first n elements of a pack to y, at once where they are all and y is aligned.
template <class T>
__device__ inline void store_some(T* y, const Pack<T>& p, int n, bool wide) {
  if (wide && n == kPack<T>) return store(y, p);
  for (int i = 0; i < n; ++i) y[i] = p.at[i];
}

/// C row-major: y[i * row_stride + j] = act(sum + bias[j]); the biases of products lie bias_stride apart.
template <class T>
struct RowsOut {
  T* y;
  std::int64_t row_stride, batch_stride;
  int bias_stride, first = 0;  // first: the product's bias of column 0
  Epilogue<T> e;
  bool wide;

  RowsOut(T* out, std::int64_t row, std::int64_t batch, const Epilogue<T>& epilogue, int bias = 0)
      : y(out),
        row_stride(row),
        batch_stride(batch),
        bias_stride(bias),
        e(epilogue),
        wide(wide_enough(out, row, batch)) {}

  __device__ void put(int i, int j, const Pack<T>& sums, int n) const {
    store_some(y + i * row_stride + j, finished(e, sums, first + j, n), n, wide);
  }
  __device__ RowsOut batch(int b) const {
    RowsOut product = *this;
    product.y += b * batch_stride;
    product.first = b * bias_stride;
    return product;
  }
};

}  // namespace gesso::kernels::GESSO_LEVEL
