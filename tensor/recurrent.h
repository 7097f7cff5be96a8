// The pointwise part of an LSTM's step, as a fused kernel.
#pragma once

#include "tensor/tensor.h"

namespace gesso::tensor {

/// h', c' (M,H)
struct LstmCell {
  Tensor h, c;
};
/// a (M,4H), c (M,H), peepholes w (P,3H) or undefined: the formulas are those of kernels::LstmCell.
LstmCell lstm_cell(const Tensor& a, const Tensor& c, const Tensor& w = {});

/// Its gradient from dh', dc' (M,H), either of which may be undefined: (5M + 3P, H), in which da, dc and dw lie behind each other,
/// each in its own order. 5M rows where there are no peepholes.
Tensor lstm_cell_grad(const Tensor& a, const Tensor& c, const Tensor& w, const Tensor& dh, const Tensor& dc);

}  // namespace gesso::tensor
