#include "models/vae.h"

#include "models/pictures.h"
#include "nn/losses.h"

namespace gesso::models {

VaeNetwork::VaeNetwork(std::string name_, const Shape& image_, nn::Sequential encoder_, nn::Linear mu_,
                       nn::Linear logvar_, nn::Sequential decoder_)
    : name(std::move(name_)),
      image(image_),
      encoder(std::move(encoder_)),
      mu(std::move(mu_)),
      logvar(std::move(logvar_)),
      decoder(std::move(decoder_)) {}

void VaeNetwork::parts(nn::Parts& p) {
  p("encoder", encoder), p("mu", mu), p("logvar", logvar), p("decoder", decoder);
}

Vae::Vae(const Recipe& recipe, Definition define)
    : Model(recipe.device),
      weights_(random_stream(recipe.seed, Stream::weights)),
      noise_(random_stream(recipe.seed, Stream::training)),
      net_(nn::on(device, define(recipe, weights_))),
      adam_(nn::named_parameters(net_), nn::Adam{.lr = recipe.lr}) {}

Vae::Bound Vae::bound(VaeNetwork& net, const Tensor& x, const Tensor& eps) {
  const Var h = net.encoder(x);
  const Var mu = net.mu(h), logvar = net.logvar(h);
  const Var z = mu + exp(0.5 * logvar) * eps;  // eq. 4
  return {.reconstruction = nn::bce_with_logits(net.decoder(z), x, nn::Reduction::batch_mean),
          .kl = nn::gaussian_kl(mu, logvar, nn::Reduction::batch_mean)};
}

Vae::Bound Vae::bound(const Tensor& x, Generator& noise) {
  return bound(net_, with_shape(x, net_.image), draw(noise, x.dim(0)));
}

Losses Vae::step(const Tensor& x) {
  const auto [reconstruction, kl] = bound(x, noise_);
  const Var loss = reconstruction + kl;
  loss.backward();
  adam_.step();
  adam_.zero_grad();
  return {{"loss", loss.item()}, {"reconstruction", reconstruction.item()}, {"kl", kl.item()}};
}

Losses Vae::evaluate(const Tensor& x, Generator& noise) {
  const Evaluation on(net_);
  const auto [reconstruction, kl] = bound(x, noise);
  return {{"loss", reconstruction.item() + kl.item()},
          {"reconstruction", reconstruction.item()},
          {"kl", kl.item()}};
}

Tensor Vae::draw(Generator& noise, std::int64_t count) const {
  return tensor::normal(noise, {count, net_.latent()}, 0, 1, DType::f32, device);
}

// Pictures show the probabilities that the decoder gives, not draws from them.
Tensor Vae::decode(const Tensor& z) {
  const Evaluation on(net_);
  return sigmoid(net_.decoder(z)).value().reshape({z.dim(0), -1});
}

Tensor Vae::encode(const Tensor& x) {
  const Evaluation on(net_);
  return net_.mu(net_.encoder(with_shape(x, net_.image))).value();
}

Tensor Vae::sample(std::int64_t count, Generator& noise) { return decode(draw(noise, count)); }
Tensor Vae::reconstruct(const Tensor& x) { return decode(encode(x)); }
Tensor Vae::walk(const Tensor& x, Generator&, std::int64_t side) {
  return decode(sheet(encode(x), side).to(device));
}

nn::State Vae::training_state() { return joined({{"adam", adam_.state()}, {"noise", state_of(noise_)}}); }

void Vae::load_training_state(const nn::State& state) {
  adam_.load_state(part_of(state, "adam"));
  load_state(noise_, part_of(state, "noise"));
}

}  // namespace gesso::models
