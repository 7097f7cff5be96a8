#include "nn/optim.h"

#include "nn/layers.h"
#include "tests/nn/golden.h"

#include <vector>

namespace gesso::nn {
namespace {

/// Named parameters that are not in a module.
struct Weights {
  std::vector<std::pair<std::string, Var>> owned;
  Optimizer::Parameters named() {
    Optimizer::Parameters p;
    for (auto& [name, w] : owned) p.emplace_back(name, &w);
    return p;
  }
  std::vector<Var> vars() const {
    std::vector<Var> v;
    for (const auto& [name, w] : owned) v.push_back(w);
    return v;
  }
};

Weights golden_weights(DType dtype = DType::f64) {
  Weights weights;
  for (const auto& [name, w] : golden_nn().at("optimizers").at("start").items())
    weights.owned.emplace_back(name, parameter(golden_tensor(w).to(dtype)));
  return weights;
}

Optimizer::Rule golden_rule(const std::string& name, const nlohmann::json& o) {
  if (name == "Sgd") {
    const Sgd d;
    return Sgd{.lr = o.value("lr", d.lr),
               .momentum = o.value("momentum", d.momentum),
               .dampening = o.value("dampening", d.dampening),
               .weight_decay = o.value("weight_decay", d.weight_decay),
               .nesterov = o.value("nesterov", d.nesterov)};
  }
  if (name == "Rmsprop") {
    const Rmsprop d;
    return Rmsprop{.lr = o.value("lr", d.lr),
                   .alpha = o.value("alpha", d.alpha),
                   .eps = o.value("eps", d.eps),
                   .weight_decay = o.value("weight_decay", d.weight_decay)};
  }
  const auto adam = [&]<class Rule>(Rule d) {
    d.lr = o.value("lr", d.lr);
    if (o.contains("betas")) d.beta1 = o["betas"][0], d.beta2 = o["betas"][1];
    d.eps = o.value("eps", d.eps);
    d.weight_decay = o.value("weight_decay", d.weight_decay);
    return Optimizer::Rule(d);
  };
  return name == "Adam" ? adam(Adam{}) : adam(AdamW{});
}

/// Sets the gradients of golden step `step`; some are absent.
void set_gradients(Weights& weights, std::size_t step) {
  const nlohmann::json& g = golden_nn().at("optimizers").at("gradients").at(step);
  for (auto& [name, w] : weights.owned)
    if (w.requires_grad())
      w.set_grad(g.at(name).is_null() ? Var() : Var(golden_tensor(g.at(name)).to(w.dtype())));
}

TEST_CASE("optim: trajectories are PyTorch's") {
  for (const nlohmann::json& c : golden_nn().at("optimizers").at("cases")) {
    const auto rule = c.at("rule").get<std::string>();
    CAPTURE(rule);
    CAPTURE(c.at("options").dump());
    for (const DType dtype : {DType::f64, DType::f32}) {
      Weights weights = golden_weights(dtype);
      Optimizer optimizer(weights.named(), golden_rule(rule, c.at("options")));
      for (std::size_t step = 0; step < 5; ++step) {
        CAPTURE(step);
        if (step == 3) optimizer.lr /= 2;
        set_gradients(weights, step);
        optimizer.step();
        // Each step adds to w, of order 1, about 15 roundings relative to what it moves, at most lr / sqrt(1
        // - alpha) = 0.1 for weights of order 1, and one relative to w.
        const double tol = static_cast<double>(step + 1) * 4 * (dtype == DType::f64 ? 2.2e-16 : 1.2e-7);
        for (const auto& [name, w] : weights.owned) {
          CAPTURE(name);
          CHECK(distance(w.value(), c.at("trajectory").at(step).at(name)) <= tol);
        }
      }
    }
  }
}

TEST_CASE("optim: a parameter without a gradient stays, with its state and step count") {
  Weights weights = golden_weights();
  weights.owned.emplace_back("frozen", Var(tensor::ones({2}, DType::f64)));
  Optimizer adam(weights.named(), Adam{});
  set_gradients(weights, 0), adam.step();
  const State s = adam.state();
  const Tensor w = weights.owned[1].second.value().clone(), m = s.at("b.m").clone();
  set_gradients(weights, 1), adam.step();  // "b" has none
  CHECK(same_bits(weights.owned[1].second.value(), w));
  CHECK(same_bits(s.at("b.m"), m));
  CHECK(s.at("a.step").item() == 2);
  CHECK(s.at("b.step").item() == 1);
  CHECK(s.at("frozen.step").item() == 0);
  CHECK(weights.owned[2].second.value().to_vector<double>() == std::vector<double>{1, 1});
  adam.zero_grad();
  CHECK_FALSE(weights.owned[0].second.grad());
}

TEST_CASE("optim: a step is an in-place change that autograd notices") {
  Var w = parameter(tensor::ones({3}));
  Optimizer sgd({{"w", &w}}, Sgd{.lr = 0.5});
  const Var loss = sum(w * w);
  const std::uint32_t version = w.value().version();
  w.set_grad(tensor::ones({3}));
  sgd.step();
  CHECK(w.value().version() > version);
  CHECK(w.value().to_vector<double>() == std::vector<double>{0.5, 0.5, 0.5});
  CHECK(error_of([&] { loss.backward(); }).find("changed in place") != std::string::npos);
}

TEST_CASE("optim: resumed from its state, an optimizer goes on bit for bit") {
  const std::vector<Optimizer::Rule> rules{Sgd{.lr = 0.1, .momentum = 0.9, .dampening = 0.1}, Adam{}, AdamW{},
                                           Rmsprop{}};
  for (const Optimizer::Rule& rule : rules) {
    CAPTURE(rule.index());
    Weights through = golden_weights(DType::f32);
    Optimizer whole(through.named(), rule);
    for (std::size_t step = 0; step < 5; ++step) set_gradients(through, step), whole.step();

    Weights weights = golden_weights(DType::f32);
    State saved;
    {
      Optimizer first(weights.named(), rule);
      for (std::size_t step = 0; step < 2; ++step) set_gradients(weights, step), first.step();
      for (const auto& [name, t] : first.state()) saved[name] = t.clone();
    }
    Optimizer second(weights.named(), rule);
    second.load_state(saved);
    for (std::size_t step = 2; step < 5; ++step) set_gradients(weights, step), second.step();
    for (std::size_t i = 0; i < 2; ++i)
      CHECK(same_bits(weights.owned[i].second.value(), through.owned[i].second.value()));
    for (const auto& [name, t] : whole.state()) CHECK(same_bits(t, second.state().at(name)));
  }
}

TEST_CASE("optim: the state has what the rule keeps, by name, and loads whole or not at all") {
  const auto names = [](const Optimizer& o) {
    std::string all;
    for (const auto& [name, t] : o.state()) all += name + " ";
    return all;
  };
  Weights w = golden_weights();
  CHECK(names(Optimizer(w.named(), Sgd{})) == "a.step b.step ");
  CHECK(names(Optimizer(w.named(), Sgd{.momentum = 0.5})) == "a.m a.step b.m b.step ");
  CHECK(names(Optimizer(w.named(), Rmsprop{})) == "a.step a.v b.step b.v ");
  Optimizer adam(w.named(), Adam{});
  CHECK(names(adam) == "a.m a.step a.v b.m b.step b.v ");
  State s;
  for (const auto& [name, t] : adam.state()) s[name] = tensor::add(t.to(DType::f64), 1).to(t.dtype());
  s.erase("b.v");
  s["a.m"] = tensor::zeros({2, 3}, DType::f64);
  CHECK(error_of([&] { adam.load_state(s); }) ==
        "load_state: the state does not fit the optimizer: \"a.m\" is f64 (2,3), wanted f64 (3,2); missing "
        "\"b.v\"");
  CHECK(adam.state().at("a.step").item() == 0);
}

TEST_CASE("optim: what no rule can mean is an error") {
  Weights w = golden_weights();
  const auto message = [&](const Optimizer::Rule& rule) {
    return error_of([&] { Optimizer(w.named(), rule); });
  };
  CHECK(message(Adam{.lr = NAN}) == "Optimizer: lr is nan, not in [0, inf)");
  CHECK(message(Sgd{.lr = -1}) == "Optimizer: lr is -1, not in [0, inf)");
  CHECK(message(Rmsprop{.lr = HUGE_VAL}) == "Optimizer: lr is inf, not in [0, inf)");
  CHECK(message(Adam{.beta1 = 1}) == "Adam: beta1 is 1, not in [0, 1)");
  CHECK(message(AdamW{.beta2 = -0.1}) == "AdamW: beta2 is -0.1, not in [0, 1)");
  CHECK(message(Adam{.eps = NAN}) == "Adam: eps is nan, not in [0, inf)");
  CHECK(message(AdamW{.weight_decay = -1}) == "AdamW: weight_decay is -1, not in [0, inf)");
  CHECK(message(Rmsprop{.alpha = 1.5}) == "Rmsprop: alpha is 1.5, not in [0, 1)");
  CHECK(message(Rmsprop{.eps = -1}).starts_with("Rmsprop: eps"));
  CHECK(message(Rmsprop{.weight_decay = NAN}).starts_with("Rmsprop: weight_decay"));
  CHECK(message(Sgd{.momentum = -0.5}).starts_with("Sgd: momentum"));
  CHECK(message(Sgd{.dampening = NAN}).starts_with("Sgd: dampening"));
  CHECK(message(Sgd{.weight_decay = -1}).starts_with("Sgd: weight_decay"));
  CHECK(message(Sgd{.nesterov = true}) == "Sgd: nesterov needs a momentum, and no dampening");
  CHECK(message(Sgd{.momentum = 0.9, .dampening = 0.1, .nesterov = true}) != "");
  CHECK(message(Sgd{.lr = 0}) == "");

  Optimizer sgd(w.named(), Sgd{});
  set_gradients(w, 0);
  const Tensor before = w.owned[0].second.value().clone();
  sgd.lr = NAN;
  CHECK(error_of([&] { sgd.step(); }) == "step: lr is nan, not in [0, inf)");
  sgd.lr = 1;
  w.owned[1].second.set_grad(tensor::ones({5}, DType::f64));
  CHECK(error_of([&] { sgd.step(); }) == "step: \"b\" is f64 (4), its gradient f64 (5)");
  w.owned[1].second.set_grad(tensor::ones({4}));
  CHECK(error_of([&] { sgd.step(); }) == "step: \"b\" is f64 (4), its gradient f32 (4)");
  CHECK(same_bits(w.owned[0].second.value(), before));

  CHECK(error_of([] { Optimizer({}, Sgd{}); }) == "Optimizer: no parameters to optimize");
  Var a = parameter(tensor::ones({1})), b = parameter(tensor::ones({1})), tied = a;
  CHECK(error_of([&] {
          Optimizer({{"w", &a}, {"w", &b}}, Sgd{});
        }) == "Optimizer: two parameters are called \"w\"");
  CHECK(error_of([&] {
          Optimizer({{"w", &a}, {"v", &tied}}, Sgd{});
        }) == "Optimizer: \"v\" is also given under another name");
}

TEST_CASE("clip: norms and gradients are PyTorch's, and shared gradients stay whole") {
  const nlohmann::json& want = golden_nn().at("clipping");
  const auto fresh = [&] {
    std::vector<Var> w{parameter(tensor::zeros({3, 2}, DType::f64)),
                       parameter(tensor::zeros({4}, DType::f64)), parameter(tensor::zeros({5}, DType::f64)),
                       Var(tensor::zeros({1}))};
    for (std::size_t i = 0; i < 3; ++i)
      if (!want.at("gradients")[i].is_null()) w[i].set_grad(golden_tensor(want.at("gradients")[i]));
    return w;
  };
  const auto compare = [](const std::vector<Var>& w, const nlohmann::json& gradients) {
    for (std::size_t i = 0; i < 3; ++i) {
      CAPTURE(i);
      CHECK(w[i].grad().defined() == !gradients[i].is_null());
      if (w[i].grad()) CHECK(distance(w[i].grad().value(), gradients[i]) <= 8 * 2.2e-16);
    }
  };
  for (const nlohmann::json& c : want.at("by_norm")) {
    CAPTURE(c.at("max").dump());
    std::vector<Var> w = fresh();
    const Tensor shared = w[0].grad().value(), copy = shared.clone();
    const double norm = clip_grad_norm(w, c.at("max"));
    CHECK(std::abs(norm / c.at("norm").get<double>() - 1) <= 8 * 2.2e-16);
    compare(w, c.at("gradients"));
    CHECK(same_bits(shared, copy));
  }
  for (const nlohmann::json& c : want.at("by_value")) {
    std::vector<Var> w = fresh();
    const Tensor shared = w[0].grad().value(), copy = shared.clone();
    clip_grad_value(w, c.at("max"));
    compare(w, c.at("gradients"));
    CHECK(same_bits(shared, copy));
  }
  CHECK(grad_norm({}) == 0);
  std::vector<Var> broken = fresh();
  broken[2].set_grad(tensor::full({5}, NAN, DType::f64));
  CHECK(std::isnan(clip_grad_norm(broken, 1)));
  CHECK(std::isnan(tensor::sum(broken[0].grad().value()).item()));  // as in PyTorch: it does not pass unseen
  CHECK(error_of([&] { clip_grad_norm(broken, NAN); }) != "");
  CHECK(error_of([&] { clip_grad_value(broken, -1); }) == "clip_grad_value: a limit of -1");
}

TEST_CASE("clip: an optimizer's grad_scale does what scaled gradients do") {
  const std::vector<Optimizer::Rule> rules{Sgd{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1},
                                           Adam{.weight_decay = 0.1}, AdamW{}, Rmsprop{.weight_decay = 0.1}};
  for (const Optimizer::Rule& rule : rules) {
    CAPTURE(rule.index());
    Weights a = golden_weights(), b = golden_weights();
    Optimizer by_scale(a.named(), rule), by_gradient(b.named(), rule);
    for (std::size_t step = 0; step < 3; ++step) {
      set_gradients(a, step), set_gradients(b, step);
      by_scale.step(clip_coefficient(grad_norm(a.vars()), 0.5));
      clip_grad_norm(b.vars(), 0.5);
      by_gradient.step();
      // Equal but for where the product is rounded: the step, of at most 0.1, differs by a few eps.
      for (std::size_t i = 0; i < 2; ++i)
        CHECK(distance(a.owned[i].second.value(), b.owned[i].second.value()) <= 4 * 2.2e-16);
    }
  }
}

}  // namespace
}  // namespace gesso::nn
