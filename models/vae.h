// Variational autoencoders: the loss and one step of training. Kingma & Welling 2014, arXiv:1312.6114; equations by its numbers.
//
//   encoder   q(z|x) = N(mu(x), diag exp(logvar(x)))                             eq. 9
//   sample    z = mu + exp(logvar/2) eps,  eps ~ N(0,I)                          eq. 4, section 2.4
//   decoder   p(x|z) = prod_i Bernoulli(x_i; sigmoid(d_i)),  d = decoder(z)      eq. 11
//   loss      KL(q(z|x) || N(0,I)) - log p(x|z), nats per image: minus eq. 10
//
// Grey pixels in [0,1] stand for probabilities, as is usual for MNIST. What encoder and decoder are made of, each model says on a
// page of its own: mlp_vae.cc, conv_vae.cc.
#pragma once

#include "models/model.h"
#include "nn/layers.h"
#include "nn/optim.h"

namespace gesso::models {

struct VaeNetwork : nn::Module {
  VaeNetwork(std::string name, const Shape& image, nn::Sequential encoder, nn::Linear mu, nn::Linear logvar,
             nn::Sequential decoder);
  void parts(nn::Parts& p) override;
  std::string title() const override { return name; }
  std::int64_t latent() const { return mu.weight.dim(0); }

  std::string name;
  Shape image;             // of one x, as the layers take it
  nn::Sequential encoder;  // (N, image..) -> (N,hidden)
  nn::Linear mu, logvar;   // (N,hidden) -> (N,latent)
  nn::Sequential decoder;  // (N,latent) -> (N, image..) logits
};

class Vae : public Model {
 public:
  using Definition = VaeNetwork (*)(const Recipe& recipe, Generator& weights);
  Vae(const Recipe& recipe, Definition define);

  /// The two parts of the loss of images x (N, image..) in [0,1]. eps (N,latent).
  struct Bound {
    Var reconstruction, kl;  // (): sums over dimensions, means over the N images
  };
  static Bound bound(VaeNetwork& net, const Tensor& x, const Tensor& eps);

  nn::Module& network() override { return net_; }
  Losses step(const Tensor& x) override;
  Losses evaluate(const Tensor& x, Generator& noise) override;
  Tensor sample(std::int64_t count, Generator& noise) override;
  Tensor reconstruct(const Tensor& x) override;
  Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  Bound bound(const Tensor& x, Generator& noise);           // x (N,D)
  Tensor draw(Generator& noise, std::int64_t count) const;  // (count,latent): N(0,I)
  Tensor encode(const Tensor& x);                           // (N,D) -> (N,latent): mu
  Tensor decode(const Tensor& z);                           // (N,latent) -> (N,D) in [0,1]

  Generator weights_, noise_;
  VaeNetwork net_;
  nn::Optimizer adam_;
};

}  // namespace gesso::models
