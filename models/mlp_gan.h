// Generative adversarial networks of two multilayer perceptrons. Goodfellow et al. 2014, arXiv:1406.2661.
//
//   generator      x = G(z), z ~ N(0,I), pixels in [-1,1] by tanh
//   discriminator  D(x) = sigmoid(d(x)): the probability that x is an image of the data set
//   eq. 1          min_G max_D  E[log D(x)] + E[log(1 - D(G(z)))]
//   loss_d         mean sp(-d(x)) + mean sp(d(G(z))), sp(t) = log(1 + exp(t)): minus eq. 1
//   loss_g         mean sp(-d(G(z))) = -E[log D(G(z))]: section 3's loss with the stronger gradient
//
// D is held back by dropout and by half of G's learning rate. Both losses start near 2 log 2 = 1.39 and
// log 2 = 0.69, where D cannot tell; they measure a game, not quality.
#pragma once

#include "models/model.h"
#include "nn/layers.h"
#include "nn/optim.h"

namespace gesso::models {

/// What keeps the discriminator from winning outright: without it, two plain perceptrons end within ten epochs at
/// loss_d = 0 and one picture (measured on MNIST; PyTorch's do too). noise: what Dropout draws from.
struct Handicap {
  double dropout = 0;
  Generator* noise = nullptr;
};

/// G: 100-128-256-512-784, D: 784-512-256-128-1 where nothing else is set.
class MlpGan : public Model {
 public:
  static std::vector<Option> options();
  explicit MlpGan(const Recipe& recipe);
  MlpGan(MlpGan&&) = delete;  // dropout draws from this object's noise, where it is

  struct Network : nn::Module {
    /// hidden: the widths of the generator's layers; the discriminator has them in reverse.
    Network(std::int64_t pixels, const std::vector<std::int64_t>& hidden, std::int64_t latent, Generator& g,
            const Handicap& handicap = {});
    void parts(nn::Parts& p) override { p("generator", generator), p("discriminator", discriminator); }
    std::string title() const override { return "MlpGan"; }

    nn::Sequential generator;      // (N,latent) -> (N,D)
    nn::Sequential discriminator;  // (N,D) -> (N,1) logits d
  };
  /// x (N,D) in [-1,1], fake (N,D) detached from the generator.
  static Var loss_d(Network& net, const Tensor& x, const Tensor& fake);
  static Var loss_g(Network& net, const Var& fake);

  nn::Module& network() override { return net_; }
  Losses step(const Tensor& x) override;
  Losses evaluate(const Tensor& x, Generator& noise) override;
  Tensor sample(std::int64_t count, Generator& noise) override;
  Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  Tensor latent(Generator& noise, std::int64_t count) const;  // z (count,latent)
  Tensor draw(const Tensor& z);                               // (N,D) in [0,1]

  std::int64_t latent_;
  Generator weights_, noise_;
  Network net_;
  std::vector<Var> generator_;  // its parameters
  nn::Optimizer adam_g_, adam_d_;
};

}  // namespace gesso::models
