// The pointwise part of an LSTM's step, as a fused kernel, and a whole step of a ConvLSTM.
#pragma once

#include "tensor/tensor.h"

#include <vector>

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

/// What a step of a ConvLSTM is made from: x (N,H,W,C), h and c (N,H,W,K), filters w (4K,R,S,C+K), whose first C channels are for
/// x and whose sides are odd, bias b (4K), peepholes (H,W,3K). x, for which C is 0 then, or h may be undefined; so may b and the
/// peepholes.
struct ConvLstm {
  Tensor x, h, c, w, b, peepholes;
};
/// h' and c' (N,H,W,K), and what the gradient needs: what came to the gates (n,H,W,4K), some images at a time.
struct ConvLstmStep {
  Tensor h, c;
  std::vector<Tensor> gates;
};
/// lstm_cell of [x h] * w + b.
ConvLstmStep conv_lstm(const ConvLstm& p);
/// Its gradient from dh', dc' (N,H,W,K), of which one may be undefined, written to the tensors of `to`, which have their operands'
/// shapes; those that are undefined are not computed.
void conv_lstm_grad(const ConvLstm& p, const std::vector<Tensor>& gates, const Tensor& dh, const Tensor& dc,
                    ConvLstm to);

}  // namespace gesso::tensor
