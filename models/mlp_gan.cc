#include "models/mlp_gan.h"

#include "models/mlp.h"
#include "models/pictures.h"
#include "nn/losses.h"

namespace gesso::models {
namespace {

// Of LeakyReLU, as is usual for GANs: D passes gradients on where a ReLU is flat.
constexpr double kSlope = 0.2;

Tensor to_tanh_range(const Tensor& x) { return tensor::add(tensor::mul(x, 2), -1); }   // [0,1] -> [-1,1]
Tensor to_unit_range(const Tensor& x) { return tensor::mul(tensor::add(x, 1), 0.5); }  // [-1,1] -> [0,1]

}  // namespace

std::vector<Option> MlpGan::options() {
  std::vector<Option> all =
      hidden_options("128,256,512", "hidden layers of the generator; the discriminator mirrors them");
  all.push_back({"latent", "100", "how many random numbers an image is made from"});
  all.push_back(
      {"dropout", "0.4", "how much of each hidden layer the discriminator does without; 0 for none"});
  all.push_back({"slow_d", "0.5", "the discriminator's learning rate, as a part of the generator's"});
  all.push_back({"beta1", "0.9", "Adam's first decay rate"});
  return all;
}

MlpGan::Network::Network(std::int64_t pixels, const std::vector<std::int64_t>& hidden, std::int64_t latent,
                         Generator& g, const Handicap& handicap)
    : generator(mlp(latent, hidden, {.slope = kSlope}, g)),
      discriminator(mlp(pixels, reversed(hidden),
                        {.slope = kSlope, .dropout = handicap.dropout, .noise = handicap.noise}, g)) {
  generator.add(nn::Linear(hidden.back(), pixels, g)).add(nn::Tanh());
  discriminator.add(nn::Linear(hidden.front(), 1, g));
}

MlpGan::MlpGan(const Recipe& recipe)
    : Model(recipe.device),
      latent_(recipe.options.count("latent")),
      weights_(random_stream(recipe.seed, Stream::weights)),
      noise_(random_stream(recipe.seed, Stream::training)),
      net_(
          nn::on(device, Network(recipe.pixels(), hidden_widths(recipe.options), latent_, weights_,
                                 {.dropout = recipe.options.between("dropout", 0, 0.99), .noise = &noise_}))),
      generator_(nn::parameters(net_.generator)),
      adam_g_(nn::named_parameters(net_.generator),
              nn::Adam{.lr = recipe.lr, .beta1 = recipe.options.between("beta1", 0, 0.9999)}),
      adam_d_(nn::named_parameters(net_.discriminator),
              nn::Adam{.lr = recipe.lr * recipe.options.positive("slow_d"),
                       .beta1 = recipe.options.between("beta1", 0, 0.9999)}) {}

// Real and generated images go through D as one batch: one matrix product a layer, and one sum for each gradient.
Var MlpGan::loss_d(Network& net, const Tensor& x, const Tensor& fake) {
  const std::int64_t N = x.dim(0), M = fake.dim(0);
  const Var d = net.discriminator(tensor::concat({x, fake}));
  return nn::gan::discriminator(slice(d, 0, 0, N), slice(d, 0, N, N + M));  // eq. 1
}

Var MlpGan::loss_g(Network& net, const Var& fake) {
  return nn::gan::generator_non_saturating(net.discriminator(fake));  // section 3
}

Losses MlpGan::step(const Tensor& x) {
  const Var fake = net_.generator(latent(noise_, x.dim(0)));  // for D's step and G's

  const Var d = loss_d(net_, to_tanh_range(x), fake.value());
  d.backward();
  adam_d_.step();
  adam_d_.zero_grad();

  const Var g = loss_g(net_, fake);
  g.backward({.inputs = generator_});  // the gradients of D's weights are not computed
  adam_g_.step();
  adam_g_.zero_grad();
  return {{"loss", d.item() + g.item()}, {"loss_d", d.item()}, {"loss_g", g.item()}};
}

Losses MlpGan::evaluate(const Tensor& x, Generator& noise) {
  const NoGrad off;
  nn::set_training(net_, false);
  const Var fake = net_.generator(latent(noise, x.dim(0)));
  const double d = loss_d(net_, to_tanh_range(x), fake.value()).item(), g = loss_g(net_, fake).item();
  nn::set_training(net_, true);
  return {{"loss", d + g}, {"loss_d", d}, {"loss_g", g}};
}

Tensor MlpGan::latent(Generator& noise, std::int64_t count) const {
  return tensor::normal(noise, {count, latent_}, 0, 1, DType::f32, device);
}

Tensor MlpGan::draw(const Tensor& z) {
  const NoGrad off;
  return to_unit_range(net_.generator(z).value());
}

Tensor MlpGan::sample(std::int64_t count, Generator& noise) { return draw(latent(noise, count)); }

Tensor MlpGan::walk(const Tensor&, Generator& noise, std::int64_t side) {
  return draw(sheet(latent(noise, 4), side).to(device));
}

nn::State MlpGan::training_state() {
  return joined({{"adam_g", adam_g_.state()}, {"adam_d", adam_d_.state()}, {"noise", state_of(noise_)}});
}

void MlpGan::load_training_state(const nn::State& state) {
  adam_g_.load_state(part_of(state, "adam_g"));
  adam_d_.load_state(part_of(state, "adam_d"));
  load_state(noise_, part_of(state, "noise"));
}

}  // namespace gesso::models
