// What the networks of vq-vae and vq-vae-2 are made of: levels of codes, and the layers to them and back.
#pragma once

#include "models/model.h"
#include "nn/conv.h"
#include "nn/vector_quantizer.h"

#include <functional>
#include <vector>

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

}  // namespace gesso::models
