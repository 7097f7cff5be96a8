// Generative adversarial networks: the game and one step of it. Goodfellow et al. 2014, arXiv:1406.2661.
//
//   generator      x = G(z), z ~ N(0,I), pixels in [-1,1] by tanh
//   discriminator  D(x) = sigmoid(d(x)): the probability that x is an image of the data set
//   eq. 1          min_G max_D  E[log D(x)] + E[log(1 - D(G(z)))]
//   loss_d         mean sp(-d(x)) + mean sp(d(G(z))), sp(t) = log(1 + exp(t)): minus eq. 1
//   loss_g         mean sp(-d(G(z))) = -E[log D(G(z))]: section 3's loss with the stronger gradient
//
// Both losses start near 2 log 2 = 1.39 and log 2 = 0.69, where D cannot tell; they measure a game, not quality. What G and D are
// made of, each model says on a page of its own: mlp_gan.cc, dcgan.cc, conv_gan.cc.
#pragma once

#include "models/model.h"
#include "nn/ema.h"
#include "nn/layers.h"
#include "nn/optim.h"

#include <optional>

namespace gesso::models {

struct GanNetwork : nn::Module {
  void parts(nn::Parts& p) override;
  std::string title() const override { return name; }

  std::string name;
  Shape noise, image;            // of one z and one x, as the layers take them
  nn::Sequential generator;      // z (N, noise..) -> x (N, image..)
  nn::Sequential discriminator;  // x (N, image..) -> logits d (N,1)
  nn::Sequential generator_ema;  // the generator with averaged weights, where asked for
  /// Real and generated images go through D as one batch: one matrix product a layer, and one sum for each gradient. Batch
  /// norm forbids it: each kind of image has statistics of its own (Radford et al. 2016's code).
  bool one_batch = false;
};

/// The options of all these models, with the values that one of them has where nothing is set.
struct GanOptions {
  const char *latent, *slow_d, *beta1;
};
/// Behind those of its networks.
std::vector<Option> gan_options(std::vector<Option> of_networks, const GanOptions& usual);

class Gan : public Model {
 public:
  /// Draws the weights from one stream; layers may draw from the other in training, as Dropout does.
  using Definition = GanNetwork (*)(const Recipe& recipe, Generator& weights, Generator& noise);
  Gan(const Recipe& recipe, Definition define);
  Gan(Gan&&) = delete;  // layers and averages know this object's parts by their place

  /// x (N, image..) in [-1,1], fake likewise and detached from the generator.
  static Var loss_d(GanNetwork& net, const Tensor& x, const Tensor& fake);
  static Var loss_g(GanNetwork& net, const Var& fake);

  nn::Module& network() override { return net_; }
  StepLosses launch_step(const Tensor& x) override;
  std::string steps_differ() const override { return ema_ ? "ema weighs each step otherwise" : ""; }
  Losses evaluate(const Tensor& x, Generator& noise) override;
  Tensor sample(std::int64_t count, Generator& noise) override;
  Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  Tensor latent(Generator& noise, std::int64_t count) const;  // z (count,L)
  Var generate(const Tensor& z);                              // z (N,L) -> x (N, image..)
  Tensor draw(const Tensor& z);                               // z (N,L) -> (N,D) in [0,1]
  Tensor real(const Tensor& x) const;                         // (N,D) in [0,1] -> (N, image..) in [-1,1]

  Generator noise_;
  GanNetwork net_;
  std::vector<Var> generator_;  // its parameters
  nn::Optimizer adam_g_, adam_d_;
  std::optional<nn::Ema> ema_;
};

}  // namespace gesso::models
