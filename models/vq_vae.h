// VQ-VAE: an autoencoder whose code is a small picture of whole numbers. van den Oord, Vinyals & Kavukcuoglu 2017,
// arXiv:1711.00937; the codebook and its equations are nn/vector_quantizer.h's.
//
//   z_e = encoder(x - 1/2)  (N,H/4,W/4,D);   k (N,H/4,W/4) = the nearest codes;   y = decoder(z_q) + 1/2
//   loss = mean (y - x)^2 / variance of the data  +  codebook  +  commitment        eq. 3
//
// The first term is -log p(x|z_q) of a Gaussian up to factor and constant, as in the authors' code: 1 is what the mean colour of
// the data would score. The prior over k is uniform while this model learns, so the paper's KL is a constant, log K for each
// place, and is left out. Pictures need a prior learned afterwards; sample() draws each place by itself from the frequencies of
// the codes, which shows what the codes stand for and not what images look like.
#pragma once

#include "models/model.h"
#include "nn/layers.h"
#include "nn/optim.h"
#include "nn/vector_quantizer.h"

namespace gesso::models {

std::vector<Option> vq_vae_options();

/// Images (H,W,C), H and W divisible by 4; UsageError for others. Where nothing else is set, at 32x32x3:
///
///   encoder  (32,32,3) -> (16,16,64) -> (8,8,128) -> two residual blocks -> (8,8,64)
///   decoder  (8,8,64) -> (8,8,128) -> two residual blocks -> (16,16,64) -> (32,32,3)
struct VqVaeNetwork : nn::Module {
  VqVaeNetwork(const Recipe& recipe, Generator& weights, Generator& noise);
  void parts(nn::Parts& p) override;
  std::string title() const override { return "VqVae"; }

  Shape image, code;  // (H,W,C), (H/4,W/4,D)
  nn::Sequential encoder;
  nn::VectorQuantizer quantizer;
  nn::Sequential decoder;
  Tensor variance;  // () of the data's pixels; 0 while unknown
};

class VqVae : public Model {
 public:
  explicit VqVae(const Recipe& recipe);

  /// The terms of the loss of images x (N,H,W,C) in [0,1], and what became of them.
  struct Terms {
    Var reconstruction, codebook, commitment;  // (); codebook undefined where codes are averages
    Tensor counts;                             // (K) i64: how many places have each code
    Var loss() const;
    Losses losses() const;
  };
  static Terms terms(VqVaeNetwork& net, const Tensor& x);

  nn::Module& network() override { return net_; }
  /// Besides the losses "perplexity", that of the codes in this batch: nn::perplexity().
  Losses step(const Tensor& x) override;
  Losses evaluate(const Tensor& x, Generator& noise) override;
  Losses totals() override;
  Tensor sample(std::int64_t count, Generator& noise) override;
  Tensor reconstruct(const Tensor& x) override;
  Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) override;
  std::string describe() const override;
  std::vector<std::string> alarms(const Tensor& x) override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  Tensor images(const Tensor& x) const;  // (N,D) -> (N,H,W,C)
  Tensor encode(const Tensor& x);        // (N,D) -> z_e (N,h,w,D)
  Tensor decode(const Tensor& index);    // (N,h,w) -> (N,D) in [0,1]

  Generator weights_, noise_;
  VqVaeNetwork net_;
  nn::Optimizer adam_;
  Tensor seen_;  // (K) f64: counts of the images evaluated since totals() was last asked
};

}  // namespace gesso::models
