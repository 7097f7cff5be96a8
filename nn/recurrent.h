// Recurrent layers. LSTM and GRU have PyTorch's gate orders, names, printing and initialisation, U(-k, k) with k = 1 / sqrt(hidden).
#pragma once

#include "autograd/recurrent.h"
#include "nn/conv.h"

#include <vector>

namespace gesso::nn {

/// What one direction of one layer learns: gates (k H) from the input, (k H,C), and from the state, (k H,H), k = 4 for an LSTM, 3 for a
/// GRU. Biases may be undefined.
struct RecurrentWeights {
  Var weight_ih, weight_hh, bias_ih, bias_hh;
};

/// h', c' (N,H) from x (N,C) and the state (N,H), which is 0 where it is undefined: autograd's lstm_cell of
/// a = x w_ih^T + b_ih + h w_hh^T + b_hh.
class LSTMCell : public Module {
 public:
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, Generator& g, LinearOptions options = {});
  void parts(Parts& p) override;
  std::string title() const override;
  LstmState operator()(const Var& x, const LstmState& state = {}) const;

  RecurrentWeights weights;
};

/// h' (N,H) from x (N,C) and h (N,H), which is 0 where it is undefined. Gates are in the order r, z, n:
///   r = sigmoid(W_ir x + b_ir + W_hr h + b_hr),  z = sigmoid(W_iz x + b_iz + W_hz h + b_hz)
///   n = tanh(W_in x + b_in + r (W_hn h + b_hn)), h' = (1 - z) n + z h
/// Cho et al. 2014, with r after the product, as in PyTorch.
class GRUCell : public Module {
 public:
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, Generator& g, LinearOptions options = {});
  void parts(Parts& p) override;
  std::string title() const override;
  Var operator()(const Var& x, const Var& h = {}) const;

  RecurrentWeights weights;
};

struct RecurrentOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;    // sequences are (N,T,C) instead of (T,N,C)
  bool bidirectional = false;  // each layer runs forward and back in time, and its results lie side by side
  DType dtype = DType::f32;
};

/// Layers of one kind, each of which sees all steps of the one below, named "weight_ih_l0", "weight_hh_l0", "bias_ih_l0",
/// "bias_hh_l0", then the same with "_reverse" where there are two directions, then layer 1, ..
class RecurrentLayers : public Module {
 public:
  void parts(Parts& p) override;
  std::string title() const override;

 protected:
  RecurrentLayers(const char* name, std::int64_t gates, std::int64_t input_size, std::int64_t hidden_size,
                  Generator& g, const RecurrentOptions& options);
  std::int64_t directions() const { return options_.bidirectional ? 2 : 1; }
  /// x as (T,N,C), and y (T,N,..) as the caller wants it.
  Var time_first(const Var& x) const;
  Var as_asked(const Var& y) const;
  void check_state(const Var& state, const Var& x) const;

  const char* name_;
  std::int64_t input_, hidden_;
  RecurrentOptions options_;
  std::vector<RecurrentWeights> weights_;  // layer by layer, in each the directions
};

class LSTM : public RecurrentLayers {
 public:
  LSTM(std::int64_t input_size, std::int64_t hidden_size, Generator& g, RecurrentOptions options = {});
  struct Output {
    Var y;           // (T,N,directions H)
    LstmState last;  // (layers directions,N,H) each
  };
  /// x (T,N,C), T at least 1; the first state is 0 where it is undefined.
  Output operator()(const Var& x, const LstmState& first = {}) const;
};

class GRU : public RecurrentLayers {
 public:
  GRU(std::int64_t input_size, std::int64_t hidden_size, Generator& g, RecurrentOptions options = {});
  struct Output {
    Var y;     // (T,N,directions H)
    Var last;  // (layers directions,N,H)
  };
  Output operator()(const Var& x, const Var& first = {}) const;
};

struct ConvLSTMOptions {
  bool peepholes = true;
  bool bias = true;
  DType dtype = DType::f32;
};
/// An LSTM of images whose products are convolutions, Shi et al. 2015, equation 3: h', c' (N,H,W,K) from x (N,H,W,C) by
/// lstm_cell of a (N,H,W,4K) = [x h] * weight (4K,R,S,C+K) + bias (4K), peepholes (H,W,3K) for each place. Where the state is
/// undefined it is 0, and where x is, there is no input: C is 0 then. Filters and bias start as U(-k, k), k = 1 / sqrt(R S (C + K)),
/// and 1 is added to the biases of the forget gates (Jozefowicz et al. 2015), without which c is halved at every step; peepholes
/// start as 0.
class ConvLSTM : public Module {
 public:
  /// places: H and W. The kernel is odd on both sides, so that images keep their size.
  ConvLSTM(std::int64_t in_channels, std::int64_t hidden_channels, HW kernel_size, HW places, Generator& g,
           ConvLSTMOptions options = {});
  void parts(Parts& p) override { p("weight", weight), p("bias", bias), p("peepholes", peepholes); }
  std::string title() const override;
  LstmState operator()(const Var& x, const LstmState& state = {}) const;

  Var weight, bias, peepholes;  // the last two may be undefined

 private:
  std::int64_t in_, hidden_;
  HW places_;
};

}  // namespace gesso::nn
