// convlstm: the second half of a film from its first. Shi, Chen, Wang, Yeung, Wong & Woo 2015, arXiv:1506.04214; a layer and
// its equation 3 are nn/recurrent.h's.
//
//   encoder     reads the given frames x_1 .. x_J; its layers' last states are where the forecaster's begin
//   forecaster  runs on without input: frame J + t has logits d_t = Conv1x1([h of all layers])              section 3.2
//   loss = sum over frames and pixels of -x log sigmoid(d) - (1 - x) log(1 - sigmoid(d))                     section 4.1
//
// in nats a sequence, learned by back-propagation through all steps. A frame (side,side,C) is seen as (side/p,side/p,p p C): the
// pixels of a patch become channels. With cell=lstm a frame is one patch, so that every product is dense and the places are one:
// the fully connected LSTM, "ConvLSTM with all features standing on a single cell" (section 3.1).
#pragma once

#include "models/model.h"
#include "nn/optim.h"
#include "nn/recurrent.h"

namespace gesso::models {

std::vector<Option> convlstm_options();

/// Films: an even number of square frames below each other in an image (H,W,C), so H / W is even. UsageError for others, and for
/// patches that do not fit.
struct ConvLstmNetwork : nn::Module {
  ConvLstmNetwork(const Recipe& recipe, Generator& weights);
  void parts(nn::Parts& p) override;
  std::string title() const override { return "ConvLstm"; }

  /// Logits (forecasts,N,h,w,c) of the frames after those given (given,N,h,w,c).
  Var forecast(const Tensor& given);
  /// (frames,N,h,w,c) of films (N,D), and back.
  Tensor patches(const Tensor& films) const;
  Tensor films(const Tensor& patches) const;

  Shape frame;  // (side,side,C)
  std::int64_t frames, patch;
  std::vector<nn::ConvLSTM> encoder, forecaster;  // layers, from the bottom
  nn::Conv2d readout;
};

class ConvLstm : public Model {
 public:
  explicit ConvLstm(const Recipe& recipe);

  nn::Module& network() override { return net_; }
  std::int64_t frames() const override { return net_.frames; }
  StepLosses launch_step(const Tensor& x) override;
  std::string steps_differ() const override { return ""; }
  /// Besides the loss: "mse", the squared error of a frame, summed over its pixels, and "ssim" of a frame, both means over
  /// frames; "copy_..": what repeating the last given frame scores, its probabilities kept between 0.05 and 0.95.
  Losses evaluate(const Tensor& x, Generator& noise) override;
  Tensor sample(std::int64_t, Generator&) override { return {}; }
  /// x with forecasts in the place of its second half.
  Tensor reconstruct(const Tensor& x) override;
  Tensor walk(const Tensor&, Generator&, std::int64_t) override { return {}; }
  std::string describe() const override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  Losses evaluate_some(const Tensor& x);

  Generator weights_;
  ConvLstmNetwork net_;
  nn::Optimizer adam_;
};

}  // namespace gesso::models
