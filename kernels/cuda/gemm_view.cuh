// What the GPU's matrix product knows of its operands and of its result.
//
// A *view* shows an operand as lines of elements, fetched in packs of 16 bytes by asynchronous copies. It has
//   line(i)            what is common to line i;
//   line(i).at(j)      the address of elements (i, j), (i, j + 1), .. of one pack, or null for zeros;
//   lines, length      how many lines there are, and elements in each: what lies beyond is zero;
//   wide               whether each pack lies side by side at a multiple of 16 bytes; otherwise elements are fetched singly;
//   batch(b)           the same for product b of a batch.
// A's lines may lie along K (its rows) or across K (its columns), and B's likewise: so a transpose costs nothing, and a
// convolution is a view whose packs are runs of channels.
//
// A *sink* takes a finished pack of C: put(i, j, sums, n) is given elements (i, j) .. (i, j + n - 1), each once; batch(b) as above.
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

  struct Line {
    const T* p;
    __device__ const T* at(int j) const { return p + j; }
  };
  __device__ Line line(int i) const { return {p + i * line_stride}; }
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

/// C row-major: y[i * row_stride + j] = act(sum + bias[j]).
template <class T>
struct RowsOut {
  T* y;
  std::int64_t row_stride, batch_stride;
  const T* bias;
  Activation act;
  T slope;
  bool wide;

  RowsOut(T* out, std::int64_t row, std::int64_t batch, const T* b, Activation activation, T leak)
      : y(out),
        row_stride(row),
        batch_stride(batch),
        bias(b),
        act(activation),
        slope(leak),
        wide(wide_enough(out, row, batch)) {}

  __device__ void put(int i, int j, Pack<T> sums, int n) const {
    T* to = y + i * row_stride + j;
    for (int e = 0; e < kPack<T>; ++e)
      sums.at[e] = activate(act, slope, bias && e < n ? sums.at[e] + bias[j + e] : sums.at[e]);
    if (wide && n == kPack<T>) return store(to, sums);
    for (int e = 0; e < n; ++e) to[e] = sums.at[e];
  }
  __device__ RowsOut batch(int b) const {
    RowsOut product = *this;
    product.y += b * batch_stride;
    return product;
  }
};

}  // namespace gesso::kernels::GESSO_LEVEL
