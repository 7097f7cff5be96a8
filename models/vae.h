// Variational autoencoders: the loss and one step of training. Kingma & Welling 2014, arXiv:1312.6114; equations by its numbers.
//
//   encoder   q(z|x) = N(mu(x), diag exp(logvar(x)))                             eq. 9
//   sample    z = mu + exp(logvar/2) eps,  eps ~ N(0,I)                          eq. 4, section 2.4
//   decoder   p(x|z), of d = decoder(z): Bernoulli, eq. 11, or as likelihood.h has it
//   loss      KL(q(z|x) || N(0,I)) - log p(x|z), nats per image: minus eq. 10
//
// What is trained may weigh the KL divergence otherwise (objective.h); "loss" stays minus the bound, comparable between runs, and
// what is trained then stands beside it as "objective". What encoder and decoder are made of, each model says on a page of its
// own: mlp_vae.cc, conv_vae.cc, beta_vae.cc.
#pragma once

#include "models/likelihood.h"
#include "models/model.h"
#include "models/objective.h"
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
  nn::Sequential decoder;  // (N,latent) -> d (N, image..)
  Likelihood likelihood;   // Bernoulli until a Vae takes the network
};

/// The options of all these models, behind those of their networks; beta where nothing is set.
std::vector<Option> vae_options(std::vector<Option> of_networks, const char* beta = "1");

class Vae : public Model {
 public:
  using Definition = VaeNetwork (*)(const Recipe& recipe, Generator& weights);
  Vae(const Recipe& recipe, Definition define);

  /// The two parts of the loss of images x (N, image..) in [0,1], and where the second comes from. eps (N,latent).
  struct Bound {
    Var reconstruction, kl;  // (): sums over dimensions, means over the N images
    Var mu, logvar;          // (N,latent)
  };
  static Bound bound(VaeNetwork& net, const Tensor& x, const Tensor& eps);

  nn::Module& network() override { return net_; }
  StepLosses launch_step(const Tensor& x) override;
  std::string steps_differ() const override {
    return objective_.warmup() ? "warmup changes the objective" : "";
  }
  Losses evaluate(const Tensor& x, Generator& noise) override;
  Tensor sample(std::int64_t count, Generator& noise) override;
  Tensor reconstruct(const Tensor& x) override;
  Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) override;
  Tensor traverse(const Tensor& x, std::int64_t columns) override;
  std::string describe() const override;
  std::vector<std::string> alarms(const Tensor& x) override;
  Tensor observed(const Tensor& x, Generator& pixels) override;
  Posterior posterior(const Tensor& x) override;
  Tensor log_weight(const Tensor& x, const Posterior& q, Generator& noise) override;
  Var image(const Var& z) override;
  Var log_likelihood(const Var& z, const Tensor& x) override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  Bound bound(const Tensor& x, Generator& noise);           // x (N,D)
  Tensor draw(Generator& noise, std::int64_t count) const;  // (count,latent): N(0,I)
  Tensor decode(const Tensor& z);                           // image() without derivatives

  Generator weights_, noise_;
  const Objective objective_;
  const bool binarize_;
  VaeNetwork net_;
  nn::Optimizer adam_;
  std::int64_t steps_ = 0;  // made so far
};

}  // namespace gesso::models
