#include "models/vq_vae_2.h"

namespace gesso::models {

using namespace nn;

constexpr ConvOptions kHalve{.stride = 2, .padding = 1}, kSame{.padding = 1};

VqVae2Network::VqVae2Network(const Recipe& recipe, Generator& g, Generator& noise)
    : VqNetwork(recipe, "vq-vae-2") {
  const HW fine{image[0] / 4, image[1] / 4};
  if (fine.h < 2 || fine.w < 2)
    throw UsageError("vq-vae-2 is for images of 8x8 or more; these are {}x{}", image[0], image[1]);
  add_level(recipe, {fine.h / 2, fine.w / 2}, g, noise);
  add_level(recipe, fine, g, noise);
  const ConvOptions twice{.stride = 2, .padding = 1, .output_padding = {fine.h % 2, fine.w % 2}};
  const std::int64_t width = vq_width(recipe), D = codes[0][2];
  bottom = vq_encoder(recipe, image[2], g);
  top = {Conv2d(width, width, 4, g, kHalve), ReLU(), Conv2d(width, width, 3, g, kSame)};
  add_residual_blocks(top, recipe, g);
  top.add(Conv2d(width, D, 1, g));
  up = {Conv2d(D, width, 3, g, kSame)};
  add_residual_blocks(up, recipe, g);
  up.add(ConvTranspose2d(width, D, 4, g, twice));
  to_bottom = {Conv2d(width + D, D, 1, g)};
  larger = {ConvTranspose2d(D, D, 4, g, twice)};
  decoder = vq_decoder(recipe, 2 * D, image[2], g);
}

void VqVae2Network::parts(Parts& p) {
  p("bottom", bottom), p("top", top), p("quantizer_top", quantizers[0]);
  p("up", up), p("to_bottom", to_bottom), p("quantizer_bottom", quantizers[1]);
  p("larger", larger), p("decoder", decoder), p("variance", variance);
}

std::vector<Var> VqVae2Network::encode(const Var& x, const Quantize& quantize) {
  const Var h = bottom(x), q_t = quantize(0, top(h));
  return {q_t, quantize(1, to_bottom(concat({h, up(q_t)}, 3)))};
}

Var VqVae2Network::decode(const std::vector<Var>& z_q) {
  return decoder(concat({larger(z_q[0]), z_q[1]}, 3));
}

std::unique_ptr<VqNetwork> vq_vae_2(const Recipe& recipe, Generator& weights, Generator& noise) {
  return std::make_unique<VqVae2Network>(recipe, weights, noise);
}

}  // namespace gesso::models
