#include "models/vq_network.h"

namespace gesso::models {

using namespace nn;

namespace {

constexpr ConvOptions kHalve{.stride = 2, .padding = 1}, kSame{.padding = 1};

/// y = x + Conv1x1(relu(Conv3x3(relu(x)))), between them fewer channels.
class Residual : public Layer {
 public:
  Residual(std::int64_t channels, std::int64_t between, Generator& g)
      : inner_{ReLU(), Conv2d(channels, between, 3, g, kSame), ReLU(), Conv2d(between, channels, 1, g)} {}
  void parts(Parts& p) override { p("inner", inner_); }
  std::string title() const override { return "Residual"; }
  Var operator()(const Var& x) override { return x + inner_(x); }

 private:
  Sequential inner_;
};

VectorQuantizerOptions quantizer_options(const Options& options) {
  VectorQuantizerOptions o{.commitment = options.between("commitment", 0, 1e6),
                           .decay = options.between("decay", 0, 0.999999),
                           .restart = options.between("restart", 0, 1e6)};
  o.codebook = options.choice("codebook", {"ema", "gradient"}) == "ema" ? Codebook::ema : Codebook::gradient;
  o.from_data = options.choice("start", {"data", "zero"}) == "data";
  return o;
}

}  // namespace

std::vector<Option> vq_vae_options() {
  return {width_option(),
          {"codes", "512", "how many codes there are, K"},
          {"dim", "64", "length of a code, D"},
          {"codebook", "ema", "how the codes learn: ema, averages of their vectors, or gradient"},
          {"commitment", "0.25", "weight of the term that keeps vectors near their codes"},
          {"decay", "0.99", "of the averages, a step"},
          {"restart", "0.5", "codes that fewer vectors of a batch become, on average, start again; 0: none"},
          {"start", "data",
           "of the codes: data, by k-means on the first batch, or zero, which collapses where restart=0"},
          {"variance", "auto",
           "of the pixels, which the reconstruction is measured by; auto: of the first batch"}};
}

VqNetwork::VqNetwork(const Recipe& recipe, const char* model)
    : image(recipe.image),
      variance(tensor::full(
          {}, recipe.options.text("variance") == "auto" ? 0 : recipe.options.positive("variance"))) {
  if (image[0] % 4 != 0 || image[1] % 4 != 0)
    throw UsageError("{} is for images whose sides are divisible by 4; these are {}x{}", model, image[0],
                     image[1]);
}

void VqNetwork::add_level(const Recipe& recipe, HW size, Generator& weights, Generator& noise) {
  codes.push_back({size.h, size.w, recipe.options.count("dim")});
  quantizers.emplace_back(recipe.options.count("codes"), codes.back()[2], weights, noise,
                          quantizer_options(recipe.options));
}

std::int64_t vq_width(const Recipe& recipe) { return scaled(128, recipe.options); }

void add_residual_blocks(Sequential& to, const Recipe& recipe, Generator& g) {
  const std::int64_t width = vq_width(recipe), between = scaled(32, recipe.options);
  to.add(Residual(width, between, g)).add(Residual(width, between, g)).add(ReLU());
}

Sequential vq_encoder(const Recipe& recipe, std::int64_t in, Generator& g) {
  const std::int64_t half = scaled(64, recipe.options), full = vq_width(recipe);
  Sequential layers{Conv2d(in, half, 4, g, kHalve), ReLU(), Conv2d(half, full, 4, g, kHalve), ReLU(),
                    Conv2d(full, full, 3, g, kSame)};
  add_residual_blocks(layers, recipe, g);
  return layers;
}

Sequential vq_decoder(const Recipe& recipe, std::int64_t in, std::int64_t out, Generator& g) {
  const std::int64_t half = scaled(64, recipe.options), full = vq_width(recipe);
  Sequential layers{Conv2d(in, full, 3, g, kSame)};
  add_residual_blocks(layers, recipe, g);
  layers.add(ConvTranspose2d(full, half, 4, g, kHalve))
      .add(ReLU())
      .add(ConvTranspose2d(half, out, 4, g, kHalve));
  return layers;
}

VqVaeNetwork::VqVaeNetwork(const Recipe& recipe, Generator& g, Generator& noise)
    : VqNetwork(recipe, "vq-vae") {
  add_level(recipe, {image[0] / 4, image[1] / 4}, g, noise);
  encoder = vq_encoder(recipe, image[2], g);
  encoder.add(Conv2d(vq_width(recipe), codes[0][2], 1, g));
  decoder = vq_decoder(recipe, codes[0][2], image[2], g);
}

void VqVaeNetwork::parts(Parts& p) {
  p("encoder", encoder), p("quantizer", quantizers[0]), p("decoder", decoder), p("variance", variance);
}

std::vector<Var> VqVaeNetwork::encode(const Var& x, const Quantize& quantize) {
  return {quantize(0, encoder(x))};
}

Var VqVaeNetwork::decode(const std::vector<Var>& z_q) { return decoder(z_q[0]); }

}  // namespace gesso::models
