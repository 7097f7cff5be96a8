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

#include "models/model.h"
#include "nn/conv.h"
#include "nn/optim.h"
#include "nn/vector_quantizer.h"

#include <functional>

namespace gesso::models {

std::vector<Option> vq_vae_options();

/// What a VQ-VAE is made of: its levels of codes, the coarsest first, and the way to them and back. Images (N,H,W,C) are centred:
/// x - 1/2.
struct VqNetwork : nn::Module {
  using Quantize = std::function<Var(std::size_t level, const Var& z_e)>;  // returns z_q

  /// Of no level yet. UsageError, which names the model, unless the sides of the image are divisible by 4.
  VqNetwork(const Recipe& recipe, const char* model);
  /// Another level, of h by w codes.
  void add_level(const Recipe& recipe, HW size, Generator& weights, Generator& noise);

  /// z_q of every level. A level may depend on those before it, so each is quantized, once, when its z_e is known.
  virtual std::vector<Var> encode(const Var& x, const Quantize& quantize) = 0;
  virtual Var decode(const std::vector<Var>& z_q) = 0;

  Shape image;               // (H,W,C)
  std::vector<Shape> codes;  // (h,w,D) of each level
  std::vector<nn::VectorQuantizer> quantizers;
  Tensor variance;  // () of the data's pixels; 0 while unknown
};

/// The layers that networks share: (N,H,W,in) -> (N,H/4,W/4,128), and (N,h,w,in) -> (N,4h,4w,out).
nn::Sequential vq_encoder(const Recipe& recipe, std::int64_t in, Generator& g);
nn::Sequential vq_decoder(const Recipe& recipe, std::int64_t in, std::int64_t out, Generator& g);
/// Appends two residual blocks and ReLU.
void add_residual_blocks(nn::Sequential& to, const Recipe& recipe, Generator& g);
/// 128 by --set width.
std::int64_t vq_width(const Recipe& recipe);

/// One level. Images (H,W,C), H and W divisible by 4. Where nothing else is set, at 32x32x3:
///
///   encoder  (32,32,3) -> (16,16,64) -> (8,8,128) -> two residual blocks -> (8,8,64)
///   decoder  (8,8,64) -> (8,8,128) -> two residual blocks -> (16,16,64) -> (32,32,3)
struct VqVaeNetwork : VqNetwork {
  VqVaeNetwork(const Recipe& recipe, Generator& weights, Generator& noise);
  void parts(nn::Parts& p) override;
  std::string title() const override { return "VqVae"; }
  std::vector<Var> encode(const Var& x, const Quantize& quantize) override;
  Var decode(const std::vector<Var>& z_q) override;

  nn::Sequential encoder, decoder;
};

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
    Losses losses() const;
  };
  static Terms terms(VqNetwork& net, const Tensor& x);

  nn::Module& network() override { return *net_; }
  /// Besides the losses "perplexity", that of the codes in this batch, by level: nn::perplexity().
  Losses step(const Tensor& x) override;
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
  Losses perplexities(const std::vector<Tensor>& counts) const;

  Generator weights_, noise_;
  const std::unique_ptr<VqNetwork> net_;
  nn::Optimizer adam_;
  std::vector<Tensor>
      seen_;  // (K) f64 of each level: counts of the images evaluated since totals() was last asked
};

}  // namespace gesso::models
