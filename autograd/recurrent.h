// The pointwise part of recurrent steps, and a whole step of a ConvLSTM.
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

/// h', c' (N,H,W,K) = lstm_cell of a = [x h] * w + b with its peepholes (H,W,3K): x (N,H,W,C), the state (N,H,W,K), filters
/// w (4K,R,S,C+K) with odd sides, b (4K); [x h] are channels side by side, images are padded to keep their size. x (C is 0 then) or
/// the state's h may be undefined, and so may b and peepholes. Shi et al. 2015, equation 3. As one op, because what comes to the
/// gates and its gradient, which are four times as large as a state, then never leave the caches between its kernels.
LstmState conv_lstm(const Var& x, const LstmState& state, const Var& w, const Var& b = {},
                    const Var& peepholes = {});

}  // namespace gesso
