// A variational autoencoder of two multilayer perceptrons. Kingma & Welling 2014, arXiv:1312.6114; equations by its numbers.
//
//   encoder   q(z|x) = N(mu(x), diag exp(logvar(x)))                             eq. 9
//   sample    z = mu + exp(logvar/2) eps,  eps ~ N(0,I)                          eq. 4, section 2.4
//   decoder   p(x|z) = prod_i Bernoulli(x_i; sigmoid(d_i)),  d = decoder(z)      eq. 11
//   loss      KL(q(z|x) || N(0,I)) - log p(x|z), nats per image: minus eq. 10
//
// Grey pixels in [0,1] stand for probabilities, as is usual for MNIST.
#pragma once

#include "models/model.h"
#include "nn/layers.h"
#include "nn/optim.h"

namespace gesso::models {

/// 784-400-20, 20-400-784 where nothing else is set.
class MlpVae : public Model {
 public:
  static std::vector<Option> options();
  explicit MlpVae(const Recipe& recipe);

  struct Network : nn::Module {
    /// hidden = {400}: the widths of the encoder's layers; the decoder has them in reverse.
    Network(std::int64_t pixels, const std::vector<std::int64_t>& hidden, std::int64_t latent, Generator& g);
    void parts(nn::Parts& p) override;
    std::string title() const override { return "MlpVae"; }

    nn::Sequential encoder;  // (N,D) -> (N,hidden)
    nn::Linear mu, logvar;   // (N,hidden) -> (N,latent)
    nn::Sequential decoder;  // (N,latent) -> (N,D) logits
  };
  /// The two parts of the loss, and what they are made from. eps (N,latent).
  struct Bound {
    Var reconstruction, kl;  // (): sums over dimensions, means over the N images
  };
  static Bound bound(Network& net, const Tensor& x, const Tensor& eps);

  nn::Module& network() override { return net_; }
  Losses step(const Tensor& x) override;
  Losses evaluate(const Tensor& x, Generator& noise) override;
  Tensor sample(std::int64_t count, Generator& noise) override;
  Tensor reconstruct(const Tensor& x) override;
  Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  Tensor draw(Generator& noise, std::int64_t count) const;  // (count,latent): N(0,I)
  Tensor encode(const Tensor& x);                           // (N,latent): mu
  Tensor decode(const Tensor& z);                           // (N,D) in [0,1]

  std::int64_t latent_;
  Generator weights_, noise_;
  Network net_;
  nn::Optimizer adam_;
};

}  // namespace gesso::models
