// The pointwise part of recurrent steps.
#pragma once

#include "autograd/ops.h"
#include "tensor/recurrent.h"

namespace gesso {

/// What an LSTM hands from one step to the next: (..,H) each.
struct LstmState {
  Var h, c;
};

/// h', c' (..,H) from a (..,4H), which came to the gates i, f, g, o (PyTorch's order), and the state c (..,H):
///   i = sigmoid(a_i + w_i c),  f = sigmoid(a_f + w_f c),  g = tanh(a_g)
///   c' = f c + i g,            o = sigmoid(a_o + w_o c'), h' = o tanh(c')
/// Hochreiter & Schmidhuber 1997, forget gates Gers et al. 2000. Peepholes w_i, w_f, w_o (Gers & Schmidhuber 2000) lie behind each
/// other in w (..,3H), whose other dimensions are the last of c's: (3H) for all rows alike, (H,W,3K) for each place of
/// images (N,H,W,K). w may be undefined: 0. One kernel forward and one back.
LstmState lstm_cell(const Var& a, const Var& c, const Var& w = {});

}  // namespace gesso
