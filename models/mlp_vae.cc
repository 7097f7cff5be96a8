#include "models/mlp_vae.h"

#include "models/mlp.h"
#include "models/pictures.h"
#include "nn/losses.h"

namespace gesso::models {

std::vector<Option> MlpVae::options() {
  std::vector<Option> all =
      hidden_options("400", "hidden layers of the encoder, as in 128,256,512; the decoder mirrors them");
  all.push_back({"latent", "20", "how many numbers an image becomes"});
  return all;
}

MlpVae::Network::Network(std::int64_t pixels, const std::vector<std::int64_t>& hidden, std::int64_t latent,
                         Generator& g)
    : encoder(mlp(pixels, hidden, {}, g)),
      mu(hidden.back(), latent, g),
      logvar(hidden.back(), latent, g),
      decoder(mlp(latent, reversed(hidden), {}, g)) {
  decoder.add(nn::Linear(hidden.front(), pixels, g));
}

void MlpVae::Network::parts(nn::Parts& p) {
  p("encoder", encoder), p("mu", mu), p("logvar", logvar), p("decoder", decoder);
}

MlpVae::MlpVae(const Recipe& recipe)
    : Model(recipe.device),
      latent_(recipe.options.count("latent")),
      weights_(random_stream(recipe.seed, Stream::weights)),
      noise_(random_stream(recipe.seed, Stream::training)),
      net_(nn::on(device, Network(recipe.pixels(), hidden_widths(recipe.options), latent_, weights_))),
      adam_(nn::named_parameters(net_), nn::Adam{.lr = recipe.lr}) {}

MlpVae::Bound MlpVae::bound(Network& net, const Tensor& x, const Tensor& eps) {
  const Var h = net.encoder(x);
  const Var mu = net.mu(h), logvar = net.logvar(h);
  const Var z = mu + exp(0.5 * logvar) * eps;  // eq. 4
  return {.reconstruction = nn::bce_with_logits(net.decoder(z), x, nn::Reduction::batch_mean),
          .kl = nn::gaussian_kl(mu, logvar, nn::Reduction::batch_mean)};
}

Losses MlpVae::step(const Tensor& x) {
  const auto [reconstruction, kl] = bound(net_, x, draw(noise_, x.dim(0)));
  const Var loss = reconstruction + kl;
  loss.backward();
  adam_.step();
  adam_.zero_grad();
  return {{"loss", loss.item()}, {"reconstruction", reconstruction.item()}, {"kl", kl.item()}};
}

Losses MlpVae::evaluate(const Tensor& x, Generator& noise) {
  const NoGrad off;
  const auto [reconstruction, kl] = bound(net_, x, draw(noise, x.dim(0)));
  return {{"loss", reconstruction.item() + kl.item()},
          {"reconstruction", reconstruction.item()},
          {"kl", kl.item()}};
}

Tensor MlpVae::draw(Generator& noise, std::int64_t count) const {
  return tensor::normal(noise, {count, latent_}, 0, 1, DType::f32, device);
}

// Pictures show the probabilities that the decoder gives, not draws from them.
Tensor MlpVae::decode(const Tensor& z) {
  const NoGrad off;
  return sigmoid(net_.decoder(z)).value();
}

Tensor MlpVae::encode(const Tensor& x) {
  const NoGrad off;
  return net_.mu(net_.encoder(x)).value();
}

Tensor MlpVae::sample(std::int64_t count, Generator& noise) { return decode(draw(noise, count)); }
Tensor MlpVae::reconstruct(const Tensor& x) { return decode(encode(x)); }
Tensor MlpVae::walk(const Tensor& x, Generator&, std::int64_t side) {
  return decode(sheet(encode(x), side).to(device));
}

nn::State MlpVae::training_state() { return joined({{"adam", adam_.state()}, {"noise", state_of(noise_)}}); }

void MlpVae::load_training_state(const nn::State& state) {
  adam_.load_state(part_of(state, "adam"));
  load_state(noise_, part_of(state, "noise"));
}

}  // namespace gesso::models
