// The prior of a vq-vae: what pictures of codes are likely, learned by a gated PixelCNN (pixelcnn_network.h) from the codes of
// images. With it a vq-vae draws images, and its codes can be packed into as many bits as they are unlikely (compress.h).
//
//   k = the codes of x, by a vq-vae that stays as it is          van den Oord, Vinyals & Kavukcuoglu 2017, section 3.3
//   loss = -sum_(i,j) log p(k_ij | codes before)                 nats an image
//
// Of a vq-vae-2 the first prior learns the top codes, and a second one, built upon the first, the bottom codes given those above
// (Razavi et al. 2019, section 3.2). Without a vq-vae the codes are the pixels of grey images in a few levels of brightness, and
// the loss is an image's exact -log p.
#pragma once

#include "models/model.h"
#include "models/pixelcnn_network.h"
#include "nn/optim.h"

namespace gesso::models {

std::vector<Option> pixelcnn_options();

class PixelCnn : public Model {
 public:
  explicit PixelCnn(const Recipe& recipe);

  /// Called with logits (N,K) for place `place` of grid `grid`; returns the codes there, (N) i64 on the CPU.
  using Next = std::function<Tensor(const Tensor& logits, std::size_t grid, std::int64_t place)>;
  /// All codes of N images, as encode() has them, chosen by `next` from the coarsest to the finest, place by place.
  std::vector<Tensor> generate(std::int64_t N, const Next& next);
  /// Whether all codes are known that images are decoded from; the first prior of a vq-vae-2 knows half of them.
  bool knows_all() const;
  /// This network and those that it is built upon: all that codes and probabilities depend on.
  std::vector<nn::Module*> networks();

  nn::Module& network() override { return net_; }
  StepLosses launch_step(const Tensor& x) override;
  std::string steps_differ() const override { return "the host checks the codes"; }
  Losses evaluate(const Tensor& x, Generator& noise) override;
  /// "independent_bits": the entropy of the frequencies of single codes, bits a code.
  Losses totals() override;
  Tensor sample(std::int64_t count, Generator& noise) override;
  Tensor reconstruct(const Tensor& x) override { return decode(encode(x)); }
  /// Rows of one of the images x each: on the right with all its codes, to the left with fewer and fewer of the first ones, and
  /// the others drawn.
  Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) override;
  std::vector<CodeGrid> code_grids() const override { return grids_; }
  std::vector<Tensor> encode(const Tensor& x) override;
  Tensor decode(const std::vector<Tensor>& codes) override;
  std::string describe() const override;
  Tensor observed(const Tensor& x, Generator& pixels) override;
  nn::State training_state() override;
  void load_training_state(const nn::State& state) override;

 private:
  /// (): -log p of the codes this prior learns, nats an image.
  Var nll(const std::vector<Tensor>& codes);
  StepLosses losses(const Var& nll) const;
  std::vector<Tensor> draw(const Tensor& uniform, std::int64_t known, const std::vector<Tensor>& codes);

  Generator weights_, noise_;
  const std::unique_ptr<PixelCnn> above_;  // the prior of the coarser codes
  const std::shared_ptr<Model> coder_;     // what has the codes; null: pixels are codes
  const Shape image_;
  const bool binarize_;
  const std::vector<CodeGrid> grids_;  // of above_, and at the end this prior's own
  PixelCnnNetwork net_;
  nn::Optimizer adam_;
  Tensor seen_;  // (K) f64: counts of the codes evaluated since totals() was last asked
};

/// The codes (N) i64 at which the sum of probabilities softmax(logits (N,K)) passes uniform (N) f64 in [0,1).
Tensor draw_codes(const Tensor& logits, const double* uniform);

}  // namespace gesso::models
