// A training step that is recorded and replayed is the step that it would have been.
#include "kernels/profile.h"
#include "models/steps.h"
#include "nn/layers.h"
#include "tests/device.h"
#include "tests/models/support.h"

#include <doctest/doctest.h>

namespace gesso::models {
namespace {

struct Trained {
  std::vector<Losses> losses;
  nn::State weights, rest;
  std::vector<std::string> said;
  std::size_t waits = 0;  // of steps, not of reading
};

/// Seven steps; after the fifth come other images for an evaluation, and in place of the sixth fewer images.
Trained train(const std::string& name, const std::vector<std::string>& set, Steps::As as) {
  const Entry& entry = find_model(name);
  const Shape image = small_image(entry);
  Options options(entry.options);
  for (const std::string& assignment : set) options.set(assignment);
  const auto model = entry.make(
      {.image = image, .options = options, .lr = entry.lr, .seed = 5, .device = tests::tested_device()});
  const kernels::Memory& memory = *kernels::backend(model->device)->memory;
  Trained t;
  Steps steps(*model, as, [&t](const std::string& line) { t.said.push_back(line); });
  Generator g(1), noise(2);
  std::vector<StepLosses> unread;
  for (int i = 0; i < 7; ++i) {
    const Tensor x = tensor::uniform(g, {i == 5 ? 2 : 3, image.size()});
    const std::size_t before = memory.use().waits;
    unread.push_back(steps(x));
    t.waits += memory.use().waits - before;
    if (i == 4) t.losses.push_back(model->evaluate(x.to(model->device), noise));
  }
  for (const StepLosses& losses : unread) t.losses.push_back(losses.read());
  t.weights = kept(nn::state(model->network()));
  t.rest = kept(model->training_state());
  return t;
}

void check_same(const Trained& a, const Trained& b) {
  REQUIRE(a.losses.size() == b.losses.size());
  for (std::size_t i = 0; i < a.losses.size(); ++i)
    for (std::size_t k = 0; k < a.losses[i].size(); ++k) {
      CAPTURE(i);
      CAPTURE(a.losses[i][k].name);
      CHECK(a.losses[i][k].value == b.losses[i][k].value);
    }
  check_same_state(a.weights, b.weights);
  check_same_state(a.rest, b.rest);
}

bool has_graphs() { return kernels::backend(tests::tested_device())->graphs != nullptr; }

TEST_CASE("replayed steps leave what ordinary steps leave, bit for bit, and none waits for its losses") {
  const std::vector<std::pair<std::string, std::vector<std::string>>> models = {
      {"mlp-vae", {"width=0.05", "binarize=true"}},
      {"mlp-vae", {"width=0.05", "likelihood=gaussian", "binarize=false", "free_bits=0.1"}},
      {"mlp-gan", {"width=0.05"}},
      {"dcgan", {"width=0.02", "latent=7"}},
      {"convlstm", {"width=0.02"}}};
  for (const auto& [name, set] : models) {
    CAPTURE(name);
    const Trained ordinary = train(name, set, Steps::As::kernels),
                  replayed = train(name, set, Steps::As::graph);
    CHECK(ordinary.waits == 0);
    CHECK(replayed.waits == 0);
    CHECK(replayed.said.empty());
    check_same(ordinary, replayed);
  }
}

TEST_CASE("a model whose steps cannot be replayed says why, and trains") {
  if (!has_graphs()) return;
  const auto why = [](const std::string& name, const std::vector<std::string>& set) {
    const Trained ordinary = train(name, set, Steps::As::kernels), asked = train(name, set, Steps::As::graph);
    CHECK(ordinary.said.empty());
    check_same(ordinary, asked);
    return asked.said;
  };
  const std::string all = "training steps are not replayed as a graph: ";
  using Lines = std::vector<std::string>;
  CHECK(why("mlp-gan", {"width=0.1", "ema=0.9"}) == Lines{all + "ema weighs each step otherwise"});
  CHECK(why("mlp-vae", {"width=0.02", "warmup=9"}) == Lines{all + "warmup changes the objective"});
  const kernels::Profile profile;
  CHECK(train("mlp-vae", {"width=0.02"}, Steps::As::graph).said ==
        Lines{all + "a profile times each kernel"});
}

/// A model whose step does on the host what it should not.
struct Hasty : Model {
  enum class Does { read, copy } does;
  Tensor w;
  nn::Sequential none;
  Hasty(Device d, Does what) : Model(d), does(what), w(tensor::ones({1}, DType::f32, d)) {}
  nn::Module& network() override { return none; }
  StepLosses launch_step(const Tensor& x) override {
    Tensor loss = tensor::sum(x);
    if (does == Does::read) loss.item();
    if (does == Does::copy) loss = tensor::add(loss, Tensor::from({1.f}).reshape({}).to(device));
    return {.values = {loss}, .named = [](const std::vector<Tensor>& of) {
              return Losses{{"loss", of[0].item()}};
            }};
  }
  std::string steps_differ() const override { return ""; }
  Losses evaluate(const Tensor&, Generator&) override { return {}; }
  Tensor sample(std::int64_t, Generator&) override { return {}; }
  Tensor walk(const Tensor&, Generator&, std::int64_t) override { return {}; }
  nn::State training_state() override { return {}; }
  void load_training_state(const nn::State&) override {}
};

TEST_CASE("a step that turns out to need the host is not recorded") {
  if (!has_graphs()) return;
  for (const auto& [does, why] : {std::pair{Hasty::Does::read, "a step waits for the device"},
                                  std::pair{Hasty::Does::copy, "a step copies to the device"}}) {
    Hasty model(tests::tested_device(), does);
    std::vector<std::string> said;
    Steps steps(model, Steps::As::graph, [&said](const std::string& line) { said.push_back(line); });
    for (int i = 0; i < 5; ++i)
      CHECK(steps(tensor::full({1, 2}, i)).read()[0].value == 2 * i + (does == Hasty::Does::copy));
    CHECK(said ==
          std::vector<std::string>{std::string("training steps are not replayed as a graph: ") + why});
  }
}

}  // namespace
}  // namespace gesso::models
