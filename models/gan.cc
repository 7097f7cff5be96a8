#include "models/gan.h"

#include "models/pictures.h"
#include "nn/losses.h"

namespace gesso::models {
namespace {

double ema_decay(const Recipe& recipe) { return recipe.options.between("ema", 0, 1); }

GanNetwork made(const Recipe& recipe, Gan::Definition define, Generator& noise) {
  const auto fresh = [&] {
    Generator weights = random_stream(recipe.seed, Stream::weights);
    return define(recipe, weights, noise);
  };
  GanNetwork net = fresh();
  if (ema_decay(recipe) > 0) net.generator_ema = std::move(fresh().generator);
  return nn::on(recipe.device, std::move(net));
}

/// Of the losses of D and G.
Losses named(const std::vector<Tensor>& of) {
  const double d = of[0].item(), g = of[1].item();
  return {{"loss", d + g}, {"loss_d", d}, {"loss_g", g}};
}

nn::Adam adam(const Recipe& recipe, double slower) {
  return {.lr = recipe.lr * slower, .beta1 = recipe.options.between("beta1", 0, 0.9999)};
}

}  // namespace

void GanNetwork::parts(nn::Parts& p) {
  p("generator", generator), p("discriminator", discriminator);
  if (generator_ema.size() > 0) p("generator_ema", generator_ema);
}

std::vector<Option> gan_options(std::vector<Option> of_networks, const GanOptions& usual) {
  of_networks.insert(
      of_networks.end(),
      {{"latent", usual.latent, "how many random numbers an image is made from"},
       {"slow_d", usual.slow_d, "the discriminator's learning rate, as a part of the generator's"},
       {"beta1", usual.beta1, "Adam's first decay rate"},
       {"ema", "0", "pictures by an average of the generator's weights with this decay, as in 0.999"}});
  return of_networks;
}

Gan::Gan(const Recipe& recipe, Definition define)
    : Model(recipe.device),
      noise_(random_stream(recipe.seed, Stream::training)),
      net_(made(recipe, define, noise_)),
      generator_(nn::parameters(net_.generator)),
      adam_g_(nn::named_parameters(net_.generator), adam(recipe, 1)),
      adam_d_(nn::named_parameters(net_.discriminator), adam(recipe, recipe.options.positive("slow_d"))) {
  if (net_.generator_ema.size() > 0)
    ema_.emplace(net_.generator_ema, net_.generator,
                 nn::EmaOptions{.decay = ema_decay(recipe), .warm_start = true});
}

Var Gan::loss_d(GanNetwork& net, const Tensor& x, const Tensor& fake) {
  if (!net.one_batch) return nn::gan::discriminator(net.discriminator(x), net.discriminator(fake));  // eq. 1
  const std::int64_t N = x.dim(0), M = fake.dim(0);
  const Var d = net.discriminator(tensor::concat({x, fake}));
  return nn::gan::discriminator(slice(d, 0, 0, N), slice(d, 0, N, N + M));
}

Var Gan::loss_g(GanNetwork& net, const Var& fake) {
  return nn::gan::generator_non_saturating(net.discriminator(fake));  // section 3
}

StepLosses Gan::launch_step(const Tensor& x) {
  const Var fake = generate(latent(noise_, x.dim(0)));  // for D's step and G's

  const Var d = loss_d(net_, real(x), fake.value());
  d.backward();
  adam_d_.step();
  adam_d_.zero_grad();

  const Var g = loss_g(net_, fake);
  g.backward({.inputs = generator_});  // the gradients of D's weights are not computed
  adam_g_.step();
  adam_g_.zero_grad();
  if (ema_) ema_->update();
  return {.values = {d.value(), g.value()}, .named = named};
}

Losses Gan::evaluate(const Tensor& x, Generator& noise) {
  const Evaluation on(net_);
  const Var fake = generate(latent(noise, x.dim(0)));
  return named({loss_d(net_, real(x), fake.value()).value(), loss_g(net_, fake).value()});
}

Tensor Gan::latent(Generator& noise, std::int64_t count) const {
  return tensor::normal(noise, {count, net_.noise.size()}, 0, 1, DType::f32, device);
}

Var Gan::generate(const Tensor& z) { return net_.generator(with_shape(z, net_.noise)); }

Tensor Gan::real(const Tensor& x) const {
  return with_shape(tensor::add(tensor::mul(x, 2), -1), net_.image);  // [0,1] -> [-1,1]
}

Tensor Gan::draw(const Tensor& z) {
  const Evaluation on(net_);
  nn::Sequential& generator = ema_ ? net_.generator_ema : net_.generator;
  const Tensor x = generator(with_shape(z, net_.noise)).value();
  return tensor::mul(tensor::add(x, 1), 0.5).reshape({z.dim(0), -1});  // [-1,1] -> [0,1]
}

Tensor Gan::sample(std::int64_t count, Generator& noise) { return draw(latent(noise, count)); }

Tensor Gan::walk(const Tensor&, Generator& noise, std::int64_t side) {
  return draw(sheet(latent(noise, 4), side).to(device));
}

nn::State Gan::training_state() {
  std::map<std::string, nn::State> parts = {
      {"adam_g", adam_g_.state()}, {"adam_d", adam_d_.state()}, {"noise", state_of(noise_)}};
  if (ema_) parts.emplace("ema", ema_->state());
  return joined(parts);
}

void Gan::load_training_state(const nn::State& state) {
  adam_g_.load_state(part_of(state, "adam_g"));
  adam_d_.load_state(part_of(state, "adam_d"));
  load_state(noise_, part_of(state, "noise"));
  if (ema_) ema_->load_state(part_of(state, "ema"));
}

}  // namespace gesso::models
