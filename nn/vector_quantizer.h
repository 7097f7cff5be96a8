// Vector quantization: each vector becomes the nearest of K codes e_j. van den Oord, Vinyals & Kavukcuoglu
// 2017, arXiv:1711.00937; equations by its numbers, sg is stop_gradient.
//
//   k = argmin_j |z - e_j|^2                          eq. 1
//   z_q = e_k = z + sg(e_k - z)                       eq. 2: what comes back as the gradient of z_q goes on to z as it is
//   codebook    mean (sg(z) - e_k)^2                  eq. 3, second term: moves the codes to the vectors
//   commitment  beta mean (z - sg(e_k))^2             eq. 3, third term: keeps the vectors near their codes
//
// Instead of by the second term's gradient, codes can follow as averages of their vectors (appendix A.1): of n_j vectors in a
// batch, whose sum is s_j,
//
//   N_j <- g N_j + (1 - g) n_j,  m_j <- g m_j + (1 - g) s_j,  e_j = m_j / N_j
//
// with N smoothed, so that a code without vectors is not divided by zero: (N_j + eps) sum N / (sum N + K eps).
//
// Codes without vectors get no gradient and no average, and stay unused for ever: so they start as the centres of the first
// batch, with m = N e, and one that is hardly used any more starts again at a vector of the batch at hand.
#pragma once

#include "nn/module.h"
#include "tensor/quantize.h"

namespace gesso::nn {

enum class Codebook { ema, gradient };

struct VectorQuantizerOptions {
  Codebook codebook = Codebook::ema;
  double commitment = 0.25;  // beta
  double decay = 0.99;       // g
  double eps = 1e-5;
  /// A code with N below this (times M / K, where a batch has M < K vectors) starts again, with N at this bound: so at every
  /// step, until it gets vectors. Those of a young encoder move fast, and leave most codes behind within 100 steps. 0: never;
  /// N then starts from 1.
  double restart = 0.5;
  /// Whether the codes start from data. Otherwise they do as in much public code, which often ends with one or two in use: at
  /// random near 0, with N = m = 0.
  bool from_data = true;
};

class VectorQuantizer : public Module {
 public:
  /// Draws from g now and from `noise`, which must outlive this object, in training.
  VectorQuantizer(std::int64_t codes, std::int64_t dim, Generator& g, Generator& noise,
                  VectorQuantizerOptions options = {});
  void parts(Parts& p) override;
  std::string title() const override;

  struct Output {
    Var z_q;                   // (..,D)
    Var codebook, commitment;  // (); codebook is undefined where codes are averages
    tensor::Quantized at;
  };
  /// z (..,D). In training the codes are then changed, in place: all but what the gradient of `codebook` will do.
  Output operator()(const Var& z);

  /// z_q (..,D) = codes[index (..)]
  Tensor decode(const Tensor& index) const { return tensor::take_rows(codes(), index); }
  const Tensor& codes() const { return learned_.defined() ? learned_.value() : averaged_; }
  /// N (K): how many vectors of a batch have become each code, lately; zeros before any.
  const Tensor& usage() const { return usage_; }

 private:
  Tensor& codes_to_change() { return learned_.defined() ? learned_.mutable_value() : averaged_; }
  double enough(std::int64_t vectors) const;  // N of a code that need not start again
  void start_from(const Tensor& z);
  void follow(const Tensor& z, const tensor::Quantized& at);
  void restart_unused(const Tensor& z);

  VectorQuantizerOptions options_;
  Generator* noise_;
  Var learned_;      // (K,D) codes by gradient, or
  Tensor averaged_;  // as averages,
  Tensor sums_;      // whose m this is
  Tensor usage_;     // (K) N
  Tensor started_;   // () i64: whether codes from data have seen any
};

/// exp(-sum_j p_j log p_j), p = counts (K) / their sum: as many codes, used equally often, would be as hard to guess. In [1,K].
double perplexity(const Tensor& counts);

}  // namespace gesso::nn
