#include "models/vq_vae.h"

#include "models/pictures.h"
#include "nn/losses.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace gesso::models {

using namespace nn;

namespace {

std::unique_ptr<VqNetwork> on(Device device, std::unique_ptr<VqNetwork> net) {
  nn::to(*net, device);
  return net;
}

}  // namespace

std::unique_ptr<VqNetwork> VqVae::one_level(const Recipe& recipe, Generator& g, Generator& noise) {
  return std::make_unique<VqVaeNetwork>(recipe, g, noise);
}

VqVae::VqVae(const Recipe& recipe, Definition define)
    : Model(recipe.device),
      weights_(random_stream(recipe.seed, Stream::weights)),
      noise_(random_stream(recipe.seed, Stream::training)),
      net_(on(device, define(recipe, weights_, noise_))),
      adam_(named_parameters(*net_), Adam{.lr = recipe.lr}) {}

VqVae::Terms VqVae::terms(VqNetwork& net, const Tensor& x) {
  const Tensor centred = tensor::add(x, -0.5);
  Terms t;
  const auto add = [](Var& sum, const Var& term) { sum = sum ? sum + term : term; };
  const std::vector<Var> z_q = net.encode(centred, [&](std::size_t level, const Var& z) {
    const VectorQuantizer::Output q = net.quantizers[level](z);
    add(t.commitment, q.commitment);
    if (q.codebook) add(t.codebook, q.codebook);
    t.counts.push_back(q.at.counts);
    return q.z_q;
  });
  t.reconstruction = mse(net.decode(z_q), centred, Reduction::mean) / net.variance.item();
  return t;
}

Var VqVae::Terms::loss() const {
  const Var two = reconstruction + commitment;
  return codebook ? two + codebook : two;
}

StepLosses VqVae::Terms::losses() const {
  StepLosses losses{.values = {reconstruction.value(), commitment.value()}, .named = {}};
  if (codebook) losses.values.push_back(codebook.value());
  losses.named = [](const std::vector<Tensor>& of) {
    constexpr const char* kNames[] = {"reconstruction", "commitment", "codebook"};
    Losses all = {{"loss", 0}};
    for (std::size_t i = 0; i < of.size(); ++i) {
      all.push_back({kNames[i], of[i].item()});
      all[0].value += all.back().value;
    }
    return all;
  };
  return losses;
}

Losses VqVae::perplexities(const std::vector<Tensor>& counts) {
  if (counts.size() == 1) return {{"perplexity", perplexity(counts[0])}};
  return {{"perplexity_top", perplexity(counts[0])}, {"perplexity_bottom", perplexity(counts[1])}};
}

StepLosses VqVae::launch_step(const Tensor& x) {
  if (net_->variance.item() == 0) {
    const double variance = tensor::var(x, {}, 0).item();
    check(variance > 0,
          "vq-vae: all pixels of the first batch are alike; their variance, which the loss is divided by, "
          "is 0. Give that of the data by --set variance=");
    tensor::fill_(net_->variance, variance);
  }
  const Terms t = terms(*net_, with_shape(x, net_->image));
  t.loss().backward();
  adam_.step();
  adam_.zero_grad();
  StepLosses losses = t.losses();
  losses.values.insert(losses.values.end(), t.counts.begin(), t.counts.end());
  losses.named = [terms = losses.named, levels = t.counts.size()](const std::vector<Tensor>& of) {
    const auto counts = of.end() - static_cast<std::ptrdiff_t>(levels);
    Losses all = terms({of.begin(), counts});
    for (const Loss& used : perplexities({counts, of.end()})) all.push_back(used);
    return all;
  };
  return losses;
}

Losses VqVae::evaluate(const Tensor& x, Generator&) {
  const Evaluation on(*net_);
  check(net_->variance.item() > 0, "vq-vae: the variance of the data is unknown before the first step");
  const Terms t = terms(*net_, with_shape(x, net_->image));
  seen_.resize(t.counts.size());
  for (std::size_t i = 0; i < seen_.size(); ++i) {
    const Tensor counts = t.counts[i].to(Device::cpu).to(DType::f64);
    seen_[i] = seen_[i].defined() ? tensor::add(seen_[i], counts) : counts;
  }
  return t.losses().read();
}

Losses VqVae::totals() {
  if (seen_.empty()) return {};
  const Losses all = perplexities(seen_);
  seen_.clear();
  return all;
}

tensor::Quantized VqVae::nearest(std::size_t level, const Tensor& z) const {
  return tensor::quantize(z, net_->quantizers[level].codes());
}

std::vector<Tensor> VqVae::vectors(const Tensor& x) {
  const Evaluation on(*net_);
  std::vector<Tensor> all;
  net_->encode(tensor::add(with_shape(x, net_->image), -0.5), [&](std::size_t level, const Var& z) -> Var {
    all.push_back(z.value());
    return net_->quantizers[level].decode(nearest(level, z.value()).index);
  });
  return all;
}

std::vector<CodeGrid> VqVae::code_grids() const {
  std::vector<CodeGrid> grids;
  for (std::size_t i = 0; i < net_->codes.size(); ++i)
    grids.push_back({net_->codes[i][0], net_->codes[i][1], net_->quantizers[i].codes().dim(0)});
  return grids;
}

std::vector<Tensor> VqVae::encode(const Tensor& x) {
  std::vector<Tensor> codes = vectors(x);
  for (std::size_t i = 0; i < codes.size(); ++i) codes[i] = nearest(i, codes[i]).index;
  return codes;
}

Tensor VqVae::decode(const std::vector<Tensor>& codes) {
  const Evaluation on(*net_);
  std::vector<Var> z_q;
  for (std::size_t i = 0; i < net_->codes.size(); ++i) {
    const VectorQuantizer& q = net_->quantizers[i];
    if (i < codes.size()) {
      z_q.emplace_back(q.decode(codes[i]));
      continue;
    }
    const Tensor mean =
        tensor::div(tensor::matmul(q.usage().reshape({1, -1}), q.codes()), tensor::sum(q.usage()));
    const Shape& s = net_->codes[i];
    z_q.emplace_back(
        tensor::broadcast_to(mean.reshape({1, 1, 1, s[2]}), {codes[0].dim(0), s[0], s[1], s[2]}));
  }
  const Tensor y = net_->decode(z_q).value();
  return tensor::unary(kernels::Unary::clamp, tensor::add(y, 0.5), {0, 1}).reshape({y.dim(0), -1});
}

Tensor VqVae::reconstruct(const Tensor& x) { return decode(encode(x)); }

Tensor VqVae::sample(std::int64_t count, Generator& noise) {
  std::vector<Tensor> codes;
  for (std::size_t level = 0; level < net_->codes.size(); ++level) {
    std::vector<double> upto = net_->quantizers[level].usage().to(Device::cpu).to_vector<double>();
    for (std::size_t j = 1; j < upto.size(); ++j) upto[j] += upto[j - 1];
    const Shape places{count, net_->codes[level][0], net_->codes[level][1]};
    const Tensor uniform = tensor::uniform(noise, places, 0, 1, DType::f64);
    Tensor index(places, DType::i64);
    std::int64_t* to = index.mutable_data<std::int64_t>();
    for (std::int64_t i = 0; i < index.size(); ++i) {
      const auto at = std::ranges::upper_bound(upto, uniform.data<double>()[i] * upto.back());
      to[i] = std::min<std::int64_t>(at - upto.begin(), std::ssize(upto) - 1);
    }
    codes.push_back(index.to(device));
  }
  return decode(codes);
}

// Through the space of z_e: what lies between two vectors becomes the code nearest to it.
Tensor VqVae::walk(const Tensor& x, Generator&, std::int64_t side) {
  std::vector<Tensor> codes = vectors(x);
  for (std::size_t i = 0; i < codes.size(); ++i)
    codes[i] =
        nearest(i, with_shape(sheet(codes[i].reshape({4, -1}), side).to(device), net_->codes[i])).index;
  return decode(codes);
}

std::string VqVae::describe() const {
  std::vector<std::int64_t> places;
  double bits = 0;
  for (const CodeGrid& grid : code_grids()) {
    places.push_back(grid.h * grid.w);
    bits += static_cast<double>(grid.h * grid.w) * std::log2(static_cast<double>(grid.K));
  }
  return fmt::format("{} codes of length {} for {} places, {:.0f} bits an image at most", code_grids()[0].K,
                     net_->codes[0][2], fmt::join(places, " and "), bits);
}

std::vector<std::string> VqVae::alarms(const Tensor& x) {
  // Before anything is learned all vectors are alike. After 600 steps, sprites of 32x32 use 230 of 512 codes; 11 where codes
  // that are left behind do not start again.
  constexpr std::int64_t kEarliest = 200;
  constexpr double kMost = 32, kShare = 1. / 16;
  const std::string first = named_parameters(*net_).front().first;
  if (adam_.state().at(first + ".step").item() < kEarliest) return {};
  std::vector<std::string> all;
  const std::vector<Tensor> z = vectors(x);
  for (std::size_t i = 0; i < z.size(); ++i) {
    const tensor::Quantized q = nearest(i, z[i]);
    const auto could = static_cast<double>(std::min(q.counts.size(), q.index.size()));
    const double used = perplexity(q.counts);
    if (!(used < std::min(kMost, kShare * could))) continue;
    all.push_back(fmt::format(
        "the codebook {}has collapsed: test images use {:.1f} of {} codes (perplexity); --set start=data and "
        "--set restart=0.5 keep that from happening",
        z.size() == 1 ? ""
        : i == 0      ? "of the top "
                      : "of the bottom ",
        used, q.counts.size()));
  }
  return all;
}

State VqVae::training_state() { return joined({{"adam", adam_.state()}, {"noise", state_of(noise_)}}); }

void VqVae::load_training_state(const State& state) {
  adam_.load_state(part_of(state, "adam"));
  load_state(noise_, part_of(state, "noise"));
}

}  // namespace gesso::models
