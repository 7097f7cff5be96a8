// VQ-VAE: an autoencoder whose code is a small picture of whole numbers. van den Oord, Vinyals & Kavukcuoglu 2017,
// arXiv:1711.00937; the codebook and its equations are nn/vector_quantizer.h's.
//
//   z_e = encoder(x - 1/2)  (N,H/4,W/4,D);   k (N,H/4,W/4) = the nearest codes;   y = decoder(z_q) + 1/2
//   loss = mean (y - x)^2 / variance of the data  +  codebook  +  commitment        eq. 3
//
// The first term is -log p(x|z_q) of a Gaussian up to factor and constant, as in the authors' code: 1 is what the mean colour of
// the data would score. The prior over k is uniform while this model learns, so the paper's KL is a constant, log K for each
// place, and is left out. Pictures need a prior learned afterwards (pixelcnn.h); sample() draws each place by itself from the
// frequencies of the codes, which shows what the codes stand for and not what images look like.
//
// A network may have several levels of codes, as that of vq_vae_2.h: the terms of the loss are then sums over them.
#pragma once

#include "models/vq_network.h"
#include "nn/optim.h"

namespace gesso::models {

class VqVae : public Model {
 public:
  using Definition = std::unique_ptr<VqNetwork> (*)(const Recipe& recipe, Generator& weights,
                                                    Generator& noise);
  explicit VqVae(const Recipe& recipe, Definition define = one_level);

  /// The terms of the loss of images x (N,H,W,C) in [0,1], and what became of them.
  struct Terms {
    Var reconstruction, codebook, commitment;  // (); codebook undefined where codes are averages
    std::vector<Tensor> counts;                // (K) i64 of each level: how many places have each code
    Var loss() const;
    StepLosses losses() const;
  };
  static Terms terms(VqNetwork& net, const Tensor& x);

  nn::Module& network() override { return *net_; }
  /// Besides the losses "perplexity", that of the codes in this batch, by level: nn::perplexity().
  StepLosses launch_step(const Tensor& x) override;
  std::string steps_differ() const override { return "the host checks the codes"; }
  Losses evaluate(const Tensor& x, Generator& noise) override;
  Losses totals() override;
  Tensor sample(std::int64_t count, Generator& noise) override;
  Tensor reconstruct(const Tensor& x) override;
  Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) override;
  std::vector<CodeGrid> code_grids() const override;
  std::vector<Tensor> encode(const Tensor& x) override;
  Tensor decode(const std::vector<Tensor>& codes) override;
  std::string describe() const override;
  std::vector<std::string> alarms(const Tensor& x) override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  static std::unique_ptr<VqNetwork> one_level(const Recipe& recipe, Generator& weights, Generator& noise);
  std::vector<Tensor> vectors(const Tensor& x);  // (N,D) -> z_e (N,h,w,D) of each level
  tensor::Quantized nearest(std::size_t level, const Tensor& z) const;
  static Losses perplexities(const std::vector<Tensor>& counts);

  Generator weights_, noise_;
  const std::unique_ptr<VqNetwork> net_;
  nn::Optimizer adam_;
  std::vector<Tensor>
      seen_;  // (K) f64 of each level: counts of the images evaluated since totals() was last asked
};

}  // namespace gesso::models
