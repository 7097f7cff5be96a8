// VQ-VAE-2: two levels of codes, the coarse one for what is where, the fine one for the details. Razavi, van den Oord & Vinyals
// 2019, arXiv:1906.00446, sections 3.1 and 3.2, figure 2a and algorithm 1.
//
//   h = bottom(x - 1/2)                 (N,H/4,W/4,128)
//   z_t = top(h)                        (N,H/8,W/8,D),  q_t = the nearest codes
//   z_b = 1x1(h, up(q_t))               (N,H/4,W/4,D),  q_b = the nearest codes of another codebook
//   y = decoder(larger(q_t), q_b) + 1/2
//
// The top level conditions the bottom level by up(q_t), so the bottom codes need to say only what the top codes leave open; the
// decoder sees both. The loss is vq_vae.h's, summed over levels. A prior for each: pixelcnn.h.
#pragma once

#include "models/vq_vae.h"

namespace gesso::models {

/// Images (H,W,C) of 8x8 or more, H and W divisible by 4; where not by 8, the top level has half the bottom level's rows or
/// columns, rounded down. The options are those of vq-vae; both codebooks have K codes of length D.
struct VqVae2Network : VqNetwork {
  VqVae2Network(const Recipe& recipe, Generator& weights, Generator& noise);
  void parts(nn::Parts& p) override;
  std::string title() const override { return "VqVae2"; }
  std::vector<Var> encode(const Var& x, const Quantize& quantize) override;
  Var decode(const std::vector<Var>& z_q) override;

  nn::Sequential bottom, top;  // the encoders
  nn::Sequential up, larger;   // of q_t, to the size of the bottom level
  nn::Sequential to_bottom;    // (h, up(q_t)) -> z_b
  nn::Sequential decoder;
};

std::unique_ptr<VqNetwork> vq_vae_2(const Recipe& recipe, Generator& weights, Generator& noise);

}  // namespace gesso::models
