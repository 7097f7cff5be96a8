#include "models/vae.h"

#include "models/latent_units.h"
#include "models/pictures.h"
#include "nn/losses.h"
#include "tensor/replay.h"

namespace gesso::models {
namespace {

constexpr std::int64_t kRows = 16;  // of a picture of traversals: what a screen shows

VaeNetwork made(const Recipe& recipe, Vae::Definition define, Generator& weights) {
  VaeNetwork net = define(recipe, weights);
  net.likelihood = Likelihood(recipe.options);
  return nn::on(recipe.device, std::move(net));
}

bool binarized(const Options& options) {
  const bool on = options.flag("binarize");
  if (on && options.text("likelihood") != "bernoulli")
    throw UsageError("--set likelihood={}: pixels of 0 or 1 (binarize=true) want likelihood=bernoulli",
                     options.text("likelihood"));
  return on;
}

}  // namespace

VaeNetwork::VaeNetwork(std::string name_, const Shape& image_, nn::Sequential encoder_, nn::Linear mu_,
                       nn::Linear logvar_, nn::Sequential decoder_)
    : name(std::move(name_)),
      image(image_),
      encoder(std::move(encoder_)),
      mu(std::move(mu_)),
      logvar(std::move(logvar_)),
      decoder(std::move(decoder_)) {}

void VaeNetwork::parts(nn::Parts& p) {
  p("encoder", encoder), p("mu", mu), p("logvar", logvar), p("decoder", decoder), p("likelihood", likelihood);
}

std::vector<Option> vae_options(std::vector<Option> all, const char* beta) {
  const auto add = [&all](const std::vector<Option>& more) {
    all.insert(all.end(), more.begin(), more.end());
  };
  add(likelihood_options());
  add({{"binarize", "false",
        "true: pixels are drawn as 0 or 1, anew in each step, with their brightness as probability"}});
  add(objective_options(beta));
  return all;
}

Vae::Vae(const Recipe& recipe, Definition define)
    : Model(recipe.device),
      weights_(random_stream(recipe.seed, Stream::weights)),
      noise_(random_stream(recipe.seed, Stream::training)),
      objective_(recipe.options),
      binarize_(binarized(recipe.options)),
      net_(made(recipe, define, weights_)),
      adam_(nn::named_parameters(net_), nn::Adam{.lr = recipe.lr}) {}

Vae::Bound Vae::bound(VaeNetwork& net, const Tensor& x, const Tensor& eps) {
  const Var h = net.encoder(x);
  const Var mu = net.mu(h), logvar = net.logvar(h);
  const Var z = mu + exp(0.5 * logvar) * eps;  // eq. 4
  return {.reconstruction = net.likelihood.nll(net.decoder(z), x, nn::Reduction::batch_mean),
          .kl = nn::gaussian_kl(mu, logvar, nn::Reduction::batch_mean),
          .mu = mu,
          .logvar = logvar};
}

Vae::Bound Vae::bound(const Tensor& x, Generator& noise) {
  return bound(net_, with_shape(x, net_.image), draw(noise, x.dim(0)));
}

StepLosses Vae::launch_step(const Tensor& images) {
  const Tensor x = observed(images, noise_);
  const auto [reconstruction, kl, mu, logvar] = bound(x, noise_);
  const Var loss = reconstruction + kl;
  const Var objective = objective_.is_bound() ? loss : reconstruction + objective_(kl, mu, logvar, steps_);
  objective.backward();
  adam_.step();
  adam_.zero_grad();
  tensor::each_time([this] { ++steps_; });
  StepLosses losses{.values = {loss.value(), reconstruction.value(), kl.value()}, .named = {}};
  std::vector<const char*> names = {"loss", "reconstruction", "kl"};
  if (!objective_.is_bound()) losses.values.push_back(objective.value()), names.push_back("objective");
  const bool learns_sigma = net_.likelihood.learns_sigma();
  if (learns_sigma)
    losses.values.push_back(net_.likelihood.log_sigma.value().clone());  // the next step's is another
  losses.named = [names, learns_sigma](const std::vector<Tensor>& of) {
    Losses all;
    for (std::size_t i = 0; i < names.size(); ++i) all.push_back({names[i], of[i].item()});
    if (learns_sigma) all.push_back({"sigma", std::exp(of.back().item())});
    return all;
  };
  return losses;
}

Losses Vae::evaluate(const Tensor& x, Generator& noise) {
  const Evaluation on(net_);
  const Bound b = bound(x, noise);
  const double reconstruction = b.reconstruction.item(), kl = b.kl.item();
  Losses losses = {{"loss", reconstruction + kl}, {"reconstruction", reconstruction}, {"kl", kl}};
  const Likelihood& p = net_.likelihood;
  if (p.learns_sigma()) losses.push_back({"sigma", std::exp(p.log_sigma.item())});
  return losses;
}

Tensor Vae::draw(Generator& noise, std::int64_t count) const {
  return tensor::normal(noise, {count, net_.latent()}, 0, 1, DType::f32, device);
}

Tensor Vae::observed(const Tensor& x, Generator& pixels) { return binarize_ ? binarised(x, pixels) : x; }

Posterior Vae::posterior(const Tensor& x) {
  const Evaluation on(net_);
  const Var h = net_.encoder(with_shape(x, net_.image));
  return {.mean = net_.mu(h).value(), .logvar = net_.logvar(h).value()};
}

Var Vae::image(const Var& z) {
  const EvaluationMode on(net_);
  return reshape(net_.likelihood.mean(net_.decoder(z)), {z.dim(0), -1});
}

Var Vae::log_likelihood(const Var& z, const Tensor& x) {
  const EvaluationMode on(net_);
  const Var nll = net_.likelihood.nll(net_.decoder(z), with_shape(x, net_.image), nn::Reduction::none);
  return -reshape(nll, {z.dim(0), -1});
}

// log p(x|z) + log N(z; 0, 1) - log N(z; mu, exp(logvar)): the constants of the last two are the same, and z - mu is eps by
// standard deviations.
Tensor Vae::log_weight(const Tensor& x, const Posterior& q, Generator& noise) {
  const Evaluation on(net_);
  const Var eps = draw(noise, x.dim(0)), logvar = q.logvar, z = Var(q.mean) + exp(0.5 * logvar) * eps;
  return (0.5 * sum(square(eps) + logvar - square(z), {1}) + sum(log_likelihood(z, x), {1})).value();
}

Tensor Vae::decode(const Tensor& z) {
  const Evaluation on(net_);
  return image(z).value();
}

Tensor Vae::sample(std::int64_t count, Generator& noise) { return decode(draw(noise, count)); }
Tensor Vae::reconstruct(const Tensor& x) { return decode(posterior(x).mean); }
Tensor Vae::walk(const Tensor& x, Generator&, std::int64_t side) {
  return decode(sheet(posterior(x).mean, side).to(device));
}

Tensor Vae::traverse(const Tensor& x, std::int64_t columns) {
  const Posterior q = posterior(x);
  return decode(traversals(q.mean[0], most_informative(latent_units(q), kRows), columns).to(device));
}

std::string Vae::describe() const {
  const Likelihood& p = net_.likelihood;
  return fmt::format("{}{}; {}{}", p.text(), binarize_ ? " of binarised pixels" : "", objective_.text(),
                     objective_.has_capacity()
                         ? ""
                         : fmt::format(", effective beta {}", p.effective_beta(objective_.beta())));
}

std::vector<std::string> Vae::alarms(const Tensor& x) {
  // Before anything is learned z says nothing; mlp-vae's and conv-vae's first units speak within 100 steps.
  constexpr std::int64_t kEarliest = 500;
  if (steps_ < objective_.warmup() + kEarliest) return {};
  return collapse(latent_units(posterior(x)));
}

nn::State Vae::training_state() { return joined({{"adam", adam_.state()}, {"noise", state_of(noise_)}}); }

void Vae::load_training_state(const nn::State& state) {
  adam_.load_state(part_of(state, "adam"));
  load_state(noise_, part_of(state, "noise"));
  steps_ =
      static_cast<std::int64_t>(state.at("adam.mu.weight.step").item());  // every step moves every weight
}

}  // namespace gesso::models
