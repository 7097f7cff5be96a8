#include "models/vq_vae.h"

#include "models/pictures.h"
#include "nn/conv.h"
#include "nn/losses.h"

#include <algorithm>
#include <cmath>

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

Shape code_shape(const Recipe& recipe) {
  const std::int64_t H = recipe.image[0], W = recipe.image[1];
  if (H % 4 != 0 || W % 4 != 0)
    throw UsageError("vq-vae is for images whose sides are divisible by 4; these are {}x{}", H, W);
  return {H / 4, W / 4, recipe.options.count("dim")};
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

VqVaeNetwork::VqVaeNetwork(const Recipe& recipe, Generator& g, Generator& noise)
    : image(recipe.image),
      code(code_shape(recipe)),
      quantizer(recipe.options.count("codes"), code[2], g, noise, quantizer_options(recipe.options)),
      variance(tensor::full(
          {}, recipe.options.text("variance") == "auto" ? 0 : recipe.options.positive("variance"))) {
  const std::int64_t C = image[2], D = code[2];
  const std::int64_t half = scaled(64, recipe.options), full = scaled(128, recipe.options);
  const std::int64_t between = scaled(32, recipe.options);
  encoder = {Conv2d(C, half, 4, g, kHalve),
             ReLU(),
             Conv2d(half, full, 4, g, kHalve),
             ReLU(),
             Conv2d(full, full, 3, g, kSame),
             Residual(full, between, g),
             Residual(full, between, g),
             ReLU(),
             Conv2d(full, D, 1, g)};
  decoder = {Conv2d(D, full, 3, g, kSame),
             Residual(full, between, g),
             Residual(full, between, g),
             ReLU(),
             ConvTranspose2d(full, half, 4, g, kHalve),
             ReLU(),
             ConvTranspose2d(half, C, 4, g, kHalve)};
}

void VqVaeNetwork::parts(Parts& p) {
  p("encoder", encoder), p("quantizer", quantizer), p("decoder", decoder), p("variance", variance);
}

VqVae::VqVae(const Recipe& recipe)
    : Model(recipe.device),
      weights_(random_stream(recipe.seed, Stream::weights)),
      noise_(random_stream(recipe.seed, Stream::training)),
      net_(on(device, VqVaeNetwork(recipe, weights_, noise_))),
      adam_(named_parameters(net_), Adam{.lr = recipe.lr}) {}

VqVae::Terms VqVae::terms(VqVaeNetwork& net, const Tensor& x) {
  const Tensor centred = tensor::add(x, -0.5);
  const VectorQuantizer::Output q = net.quantizer(net.encoder(centred));
  return {.reconstruction = mse(net.decoder(q.z_q), centred, Reduction::mean) / net.variance.item(),
          .codebook = q.codebook,
          .commitment = q.commitment,
          .counts = q.at.counts};
}

Var VqVae::Terms::loss() const {
  const Var two = reconstruction + commitment;
  return codebook ? two + codebook : two;
}

Losses VqVae::Terms::losses() const {
  Losses all = {{"loss", 0}, {"reconstruction", reconstruction.item()}, {"commitment", commitment.item()}};
  if (codebook) all.push_back({"codebook", codebook.item()});
  for (std::size_t i = 1; i < all.size(); ++i) all[0].value += all[i].value;
  return all;
}

Losses VqVae::step(const Tensor& x) {
  if (net_.variance.item() == 0) {
    const double variance = tensor::var(x, {}, 0).item();
    check(variance > 0,
          "vq-vae: all pixels of the first batch are alike; their variance, which the loss is divided by, "
          "is 0. Give that of the data by --set variance=");
    tensor::fill_(net_.variance, variance);
  }
  const Terms t = terms(net_, images(x));
  t.loss().backward();
  adam_.step();
  adam_.zero_grad();
  Losses all = t.losses();
  all.push_back({"perplexity", perplexity(t.counts)});
  return all;
}

Losses VqVae::evaluate(const Tensor& x, Generator&) {
  const Evaluation on(net_);
  check(net_.variance.item() > 0, "vq-vae: the variance of the data is unknown before the first step");
  const Terms t = terms(net_, images(x));
  const Tensor counts = t.counts.to(Device::cpu);
  seen_ = seen_.defined() ? tensor::add(seen_, counts.to(DType::f64)) : counts.to(DType::f64);
  return t.losses();
}

Losses VqVae::totals() {
  if (!seen_.defined()) return {};
  const Losses all = {{"perplexity", perplexity(seen_)}};
  seen_ = {};
  return all;
}

Tensor VqVae::images(const Tensor& x) const { return with_shape(x, net_.image); }

Tensor VqVae::encode(const Tensor& x) {
  const Evaluation on(net_);
  return net_.encoder(tensor::add(images(x), -0.5)).value();
}

Tensor VqVae::decode(const Tensor& index) {
  const Evaluation on(net_);
  const Tensor y = net_.decoder(net_.quantizer.decode(index)).value();
  return tensor::unary(kernels::Unary::clamp, tensor::add(y, 0.5), {0, 1}).reshape({index.dim(0), -1});
}

Tensor VqVae::reconstruct(const Tensor& x) {
  return decode(tensor::quantize(encode(x), net_.quantizer.codes()).index);
}

Tensor VqVae::sample(std::int64_t count, Generator& noise) {
  std::vector<double> upto = net_.quantizer.usage().to(Device::cpu).to_vector<double>();
  for (std::size_t j = 1; j < upto.size(); ++j) upto[j] += upto[j - 1];
  const Shape places{count, net_.code[0], net_.code[1]};
  const Tensor drawn = tensor::uniform(noise, places, 0, 1, DType::f64);
  Tensor index(places, DType::i64);
  std::int64_t* to = index.mutable_data<std::int64_t>();
  for (std::int64_t i = 0; i < index.size(); ++i) {
    const auto at = std::ranges::upper_bound(upto, drawn.data<double>()[i] * upto.back());
    to[i] = std::min<std::int64_t>(at - upto.begin(), std::ssize(upto) - 1);
  }
  return decode(index.to(device));
}

// Through the space of z_e: what lies between two vectors becomes the code nearest to it.
Tensor VqVae::walk(const Tensor& x, Generator&, std::int64_t side) {
  const Tensor z = sheet(encode(x).reshape({4, -1}), side).to(device);
  return decode(tensor::quantize(with_shape(z, net_.code), net_.quantizer.codes()).index);
}

std::string VqVae::describe() const {
  const std::int64_t places = net_.code[0] * net_.code[1], K = net_.quantizer.codes().dim(0);
  return fmt::format("{} codes of length {} for {} places, {:.0f} bits an image at most", K, net_.code[2],
                     places, static_cast<double>(places) * std::log2(static_cast<double>(K)));
}

std::vector<std::string> VqVae::alarms(const Tensor& x) {
  // Before anything is learned all vectors are alike. After 600 steps, sprites of 32x32 use 230 of 512 codes; 11 where codes
  // that are left behind do not start again.
  constexpr std::int64_t kEarliest = 200;
  constexpr double kMost = 32, kShare = 1. / 16;
  if (adam_.state().at("encoder.0.weight.step").item() < kEarliest) return {};
  const tensor::Quantized q = tensor::quantize(encode(x), net_.quantizer.codes());
  const auto could = static_cast<double>(std::min(q.counts.size(), q.index.size()));
  const double used = perplexity(q.counts);
  if (!(used < std::min(kMost, kShare * could))) return {};
  return {fmt::format(
      "the codebook has collapsed: test images use {:.1f} of {} codes (perplexity); --set start=data and "
      "--set restart=0.5 keep that from happening",
      used, q.counts.size())};
}

State VqVae::training_state() { return joined({{"adam", adam_.state()}, {"noise", state_of(noise_)}}); }

void VqVae::load_training_state(const State& state) {
  adam_.load_state(part_of(state, "adam"));
  load_state(noise_, part_of(state, "noise"));
}

}  // namespace gesso::models
