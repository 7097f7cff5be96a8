// Matrices as a matrix product sees them. A *view* says where the elements of an operand lie, a *sink* where
// a finished tile goes and what is fused on the way. The product packs its operands through views, so a
// convolution is one too: its view turns (output pixel, tap and channel) into the address of a run of
// channels, or into "zeros here".
//
// A view has
//   row(i)                  what is common to row i, computed once;
//   row(i).run(j)           the longest run of elements (i, j), (i, j+1), .. that lie side by side, or are
//   all zero.
// Wrapped in `Transposed` the same memory is seen with rows and columns exchanged.
// A sink has
//   row(i)                  the address of C's row i; its elements lie side by side and hold partial sums
//   meanwhile; bias                    what column j of C starts from; zero when null; finish(y, n) what
//   happens to n finished elements of a row.
// Both have at(b): the same for product b of a batch.
#pragma once

#include "kernels/cpu/level.h"
#include "kernels/functors.h"
#include "kernels/kernels.h"

#include <cstdint>

namespace gesso::kernels::GESSO_LEVEL {

inline constexpr std::int64_t kEndless = INT64_MAX;

/// n elements from p on; n zeros when p is null.
template <class T>
struct Run {
  const T* p;
  std::int64_t n;
};

/// Element (i, j) is p[i * ld + j].
template <class T>
struct Dense {
  using Element = T;
  const T* p;
  std::int64_t ld, batch;

  struct Row {
    const T* p;
    Run<T> run(std::int64_t j) const { return {p + j, kEndless}; }
  };
  Row row(std::int64_t i) const { return {p + i * ld}; }
  Dense at(std::int64_t b) const { return {p + b * batch, ld, batch}; }
};

/// Element (i, j) is v's element (j, i).
template <class View>
struct Transposed {
  using Element = typename View::Element;
  View v;
  Transposed at(std::int64_t b) const { return {v.at(b)}; }
};

/// C row-major: y[i * ld + j] = act(sum), or the sum added to it.
template <class T>
struct Rows {
  T* y;
  std::int64_t ld, batch;
  const T* bias;
  Activation act;
  T slope;
  bool adds = false;  // to what C holds

  T* row(std::int64_t i) const { return y + i * ld; }
  void finish(T* row, std::int64_t n) const {
    switch (act) {
      case Activation::none:
        return;
      case Activation::leaky_relu:
        for (std::int64_t j = 0; j < n; ++j) row[j] = apply<Unary::leaky_relu>(row[j], slope, T(0));
        return;
      case Activation::tanh:
        for (std::int64_t j = 0; j < n; ++j) row[j] = tanh(row[j]);
        return;
      case Activation::sigmoid:
        for (std::int64_t j = 0; j < n; ++j) row[j] = sigmoid(row[j]);
        return;
    }
  }
  Rows at(std::int64_t b) const { return {y + b * batch, ld, batch, bias, act, slope, adds}; }
};

/// The sink of C's transpose: what it is given as row i is column i of C, and goes there through a buffer.
template <class T>
struct Flipped {
  Rows<T> c;

  Flipped at(std::int64_t b) const { return {c.at(b)}; }
};

}  // namespace gesso::kernels::GESSO_LEVEL
