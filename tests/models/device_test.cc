// A model on the device under test makes the steps that it makes on the CPU.
#include "tests/device.h"

#include "models/model.h"
#include "nn/optim.h"
#include "tests/models/support.h"

#include <doctest/doctest.h>

#include <cmath>
#include <optional>

namespace gesso::models {
namespace {

/// The losses of `steps` training steps on random images, then those of evaluation, and the weights that are left.
struct Trace {
  std::vector<Losses> losses;
  nn::State weights;
};
Trace trace(const Entry& entry, Device device, int steps, const std::vector<std::string>& set = {}) {
  // Its layers have all pixels, and it draws them one by one; the second layer has all that is new in a layer.
  const bool by_pixel = entry.name == std::string("pixelcnn");
  const Shape image = by_pixel ? Shape{8, 8, 1} : small_image(entry);
  Options options(entry.options);
  options.set("width=0.25");
  if (by_pixel) options.set("layers=2");
  for (const Option& o : entry.options)  // of more than one, rounding decides which a vector becomes
    if (o.name == "codes") options.set("codes=1");
  for (const std::string& assignment : set) options.set(assignment);
  const auto model =
      entry.make({.image = image, .options = options, .lr = entry.lr, .seed = 5, .device = device});
  Generator g(1), noise(2);
  Trace t;
  for (int i = 0; i < steps; ++i)
    t.losses.push_back(model->step(tensor::uniform(g, {64, image.size()}).to(device)));
  t.losses.push_back(model->evaluate(tensor::uniform(g, {64, image.size()}).to(device), noise));
  if (const Tensor drawn = model->sample(3, noise); drawn.defined()) CHECK(drawn.device() == device);
  for (const auto& [name, w] : nn::state(model->network())) t.weights.emplace(name, w.to(Device::cpu));
  return t;
}

/// The trace, or nothing, said once, where the device lacks a kernel that the model needs.
std::optional<Trace> trace_if_possible(const Entry& entry, Device device, int steps,
                                       const std::vector<std::string>& set) {
  try {
    return trace(entry, device, steps, set);
  } catch (const Error& e) {
    if (e.message().find(fmt::format("not on {} yet", name(device))) == std::string::npos) throw;
    MESSAGE(std::string(entry.name), " left out: ", e.message());
    return std::nullopt;
  }
}

// Each step multiplies differences of rounding, about 1e-7 of a loss, a few times; a wrong kernel is wrong by far more.
void check_agreement(const Entry& entry, const std::vector<std::string>& set) {
  CAPTURE(entry.name);
  const Device device = tests::tested_device();
  const std::optional<Trace> possible = trace_if_possible(entry, device, 3, set);
  if (!possible) return;
  const Trace &there = *possible, here = trace(entry, Device::cpu, 3, set),
              again = trace(entry, device, 3, set);
  for (std::size_t i = 0; i < here.losses.size(); ++i)
    for (std::size_t k = 0; k < here.losses[i].size(); ++k) {
      const double a = here.losses[i][k].value, b = there.losses[i][k].value;
      CAPTURE(here.losses[i][k].name);
      CHECK(!!(std::abs(a - b) <= 2e-5 * std::abs(a)));
      CHECK(again.losses[i][k].value == b);
    }
  for (const auto& [name, w] : there.weights) {
    CAPTURE(name);
    CHECK(w.to_vector<float>() == again.weights.at(name).to_vector<float>());
  }
}

TEST_CASE("the first steps of every model agree with the CPU's, and repeat bit for bit") {
  for (const Entry& entry : catalogue()) check_agreement(entry, {});
}

TEST_CASE("the first steps of a VAE with other likelihoods and objectives agree with the CPU's") {
  for (const std::vector<std::string>& set : {std::vector<std::string>{"likelihood=gaussian", "beta=2"},
                                              {"likelihood=logistic", "free_bits=0.1"},
                                              {"binarize=true", "capacity=5", "warmup=2"}}) {
    CAPTURE(set[0]);
    check_agreement(find_model("mlp-vae"), set);
  }
}

TEST_CASE("importance samples of a VAE agree with the CPU's") {
  const auto log_weight = [](Device device) {
    const Entry& entry = find_model("mlp-vae");
    const auto model = entry.make({.image = {28, 28, 1},
                                   .options = Options(entry.options),
                                   .lr = entry.lr,
                                   .seed = 5,
                                   .device = device});
    Generator g(1), noise(2);
    const Tensor x = tensor::uniform(g, {16, 784}).to(device);
    return model->log_weight(x, model->posterior(x), noise).to_vector<double>();
  };
  const std::vector<double> here = log_weight(Device::cpu), there = log_weight(tests::tested_device());
  REQUIRE(here.size() == 16);
  for (std::size_t i = 0; i < 16; ++i) CHECK(!!(std::abs(here[i] - there[i]) <= 2e-6 * std::abs(here[i])));
}

TEST_CASE("what a VAE's code is moved by, when one is looked for, agrees with the CPU's") {
  const auto slope = [](const char* name, Device device) {
    const Entry& entry = find_model(name);
    Options options(entry.options);
    options.set("width=0.25");
    const auto model =
        entry.make({.image = {28, 28, 1}, .options = options, .lr = entry.lr, .seed = 5, .device = device});
    Generator g(1);
    const Tensor x = tensor::uniform(g, {8, 784}).to(device), seen = tensor::uniform(g, {784}).to(device);
    const Var z = parameter(model->posterior(x).mean);
    return grad({sum(model->log_likelihood(z, x) * seen)}, {z})[0].value().to_vector<double>();
  };
  for (const char* name : {"mlp-vae", "beta-vae"}) {
    CAPTURE(std::string(name));
    const std::vector<double> here = slope(name, Device::cpu), there = slope(name, tests::tested_device());
    double largest = 0;
    for (const double v : here) largest = std::max(largest, std::abs(v));
    REQUIRE(here.size() == there.size());
    for (std::size_t i = 0; i < here.size(); ++i) CHECK(!!(std::abs(here[i] - there[i]) <= 1e-5 * largest));
  }
}

}  // namespace
}  // namespace gesso::models
