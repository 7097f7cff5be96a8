#include "nn/layers.h"
#include "tests/nn/golden.h"

namespace gesso::nn {
namespace {

/// Two levels, a buffer, and an undefined parameter.
struct Encoder : Module {
  Linear first, second;
  Tensor count = tensor::zeros({}, DType::i64), average = tensor::full({3}, 0.5);
  Var absent;
  explicit Encoder(Generator& g) : first(4, 3, g), second(3, 2, g, {.bias = false}) {}
  void parts(Parts& p) override {
    p("first", first), p("absent", absent), p("count", count), p("second", second), p("average", average);
  }
  std::string title() const override { return "Encoder"; }
};
struct Model : Module {
  Encoder encoder;
  Sequential decoder;
  Var scale = parameter(tensor::ones({2}));
  explicit Model(Generator& g) : encoder(g), decoder{Linear(2, 4, g), ReLU()} {}
  void parts(Parts& p) override { p("scale", scale), p("encoder", encoder), p("decoder", decoder); }
  std::string title() const override { return "Model"; }
};

template <class Pairs>
std::vector<std::string> names(const Pairs& pairs) {
  std::vector<std::string> found;
  for (const auto& [name, part] : pairs) found.push_back(name);
  return found;
}

TEST_CASE("module: names, counts and text") {
  Generator g(1);
  Model m(g);
  CHECK(names(named_parameters(m)) == std::vector<std::string>{"scale", "encoder.first.weight",
                                                               "encoder.first.bias", "encoder.second.weight",
                                                               "decoder.0.weight", "decoder.0.bias"});
  CHECK(names(named_buffers(m)) == std::vector<std::string>{"encoder.count", "encoder.average"});
  CHECK(parameters(m).size() == 6);
  CHECK(parameter_count(m) == 2 + 12 + 3 + 6 + 8 + 4);
  CHECK(text(m) ==
        "Model(\n"
        "  (encoder): Encoder(\n"
        "    (first): Linear(in_features=4, out_features=3, bias=True)\n"
        "    (second): Linear(in_features=3, out_features=2, bias=False)\n"
        "  )\n"
        "  (decoder): Sequential(\n"
        "    (0): Linear(in_features=2, out_features=4, bias=True)\n"
        "    (1): ReLU()\n"
        "  )\n"
        ")");
}

TEST_CASE("module: state shares storage, and loads into another module of the same kind") {
  Generator g(1);
  Model a(g), b(g);
  const State s = state(a);
  CHECK(s.size() == 8);
  CHECK(s.at("encoder.first.weight").raw() == a.encoder.first.weight.value().raw());
  tensor::fill_(a.encoder.average, 7);
  CHECK(s.at("encoder.average").to_vector<double>() == std::vector<double>{7, 7, 7});

  const std::byte* before = b.encoder.first.weight.value().raw();
  const Node* node = b.encoder.first.weight.node().get();
  const std::uint32_t version = b.encoder.first.weight.value().version();
  load_state(b, s);
  for (const auto& [name, t] : state(b)) {
    CAPTURE(name);
    CHECK(same_bits(t, s.at(name)));
    CHECK(t.raw() != s.at(name).raw());
  }
  CHECK(b.encoder.first.weight.value().raw() == before);  // in place: an optimizer's handles stay good
  CHECK(b.encoder.first.weight.node().get() == node);
  CHECK(b.encoder.first.weight.value().version() > version);
  load_state(a, s);  // from itself
  CHECK(same_bits(state(a).at("scale"), s.at("scale")));
}

TEST_CASE("module: load_state names all that does not fit, and changes nothing") {
  Generator g(1);
  Model a(g), b(g);
  const Tensor before = a.scale.value().clone(), weight = a.encoder.first.weight.value().clone();
  State s = state(b);
  tensor::fill_(b.scale.mutable_value(), 3);
  s.erase("encoder.count");
  s["encoder.first.weight"] = tensor::zeros({3, 5});
  s["encoder.average"] = tensor::zeros({3}, DType::f64);
  s["decoder.7.bias"] = tensor::zeros({1});
  const std::string message = error_of([&] { load_state(a, s); });
  CHECK(message.find("missing \"encoder.count\"") != std::string::npos);
  CHECK(message.find("\"encoder.first.weight\" is f32 (3,5), wanted f32 (3,4)") != std::string::npos);
  CHECK(message.find("\"encoder.average\" is f64 (3), wanted f32 (3)") != std::string::npos);
  CHECK(message.find("unexpected \"decoder.7.bias\"") != std::string::npos);
  CHECK(same_bits(a.scale.value(), before));
  CHECK(same_bits(a.encoder.first.weight.value(), weight));
}

TEST_CASE("module: train, eval and zero_grad reach every child") {
  Generator g(1);
  Model m(g);
  set_training(m, false);
  CHECK_FALSE(m.training);
  CHECK_FALSE(m.encoder.second.training);
  CHECK_FALSE(m.decoder[1].training);
  set_training(m, true);
  CHECK(m.decoder[1].training);

  sum(m.decoder(Var(tensor::ones({1, 2}))) * m.decoder(Var(tensor::ones({1, 2})))).backward();
  auto& weight = dynamic_cast<Linear&>(m.decoder[0]).weight;
  CHECK(weight.grad());
  zero_grad(m);
  CHECK_FALSE(weight.grad());
}

/// The same weight in two places.
struct Tied : Module {
  Linear a, b;
  Var frozen = Var(tensor::ones({2}));
  explicit Tied(Generator& g) : a(3, 3, g, {.bias = false}), b(3, 3, g, {.bias = false}) {
    b.weight = a.weight;
  }
  void parts(Parts& p) override { p("a", a), p("b", b), p("frozen", frozen); }
  std::string title() const override { return "Tied"; }
};

TEST_CASE("module: tied weights count once, and stand in the state under both names") {
  Generator g(1);
  Tied m(g);
  CHECK(names(named_parameters(m)) == std::vector<std::string>{"a.weight", "frozen"});
  CHECK(parameter_count(m) == 9 + 2);
  CHECK(names(state(m)) == std::vector<std::string>{"a.weight", "b.weight", "frozen"});
}

TEST_CASE("module: conversion makes new leaves, keeps ties, integers and constants") {
  Generator g(1);
  Tied m(g);
  const Var old = m.a.weight;
  to(m, DType::f64);
  CHECK(m.a.weight.dtype() == DType::f64);
  CHECK(m.a.weight.node() == m.b.weight.node());
  CHECK(m.a.weight.value().raw() == m.b.weight.value().raw());
  CHECK(m.a.weight.node()->dtype == DType::f64);
  CHECK(m.a.weight.is_leaf());
  CHECK(m.a.weight.requires_grad());
  CHECK_FALSE(m.frozen.requires_grad());
  CHECK(m.frozen.dtype() == DType::f64);
  CHECK(old.dtype() == DType::f32);  // a copy from before goes on as what it was
  CHECK(old.node() != m.a.weight.node());
  sum(m.b(m.a(Var(tensor::ones({1, 3}, DType::f64))))).backward();
  CHECK(m.a.weight.grad().dtype() == DType::f64);
  CHECK_FALSE(old.grad());

  Model model(g);
  to(model, DType::f64);
  CHECK(model.encoder.average.dtype() == DType::f64);
  CHECK(model.encoder.count.dtype() == DType::i64);
  CHECK(error_of([&] { to(model, DType::u8); }) == "to: modules compute in f32 or f64, not u8");
}

TEST_CASE("module: two parts of one name are an error") {
  struct Twice : Module {
    Var a = parameter(tensor::ones({1})), b = parameter(tensor::ones({1}));
    void parts(Parts& p) override { p("a", a), p("a", b); }
    std::string title() const override { return "Twice()"; }
  } m;
  CHECK(error_of([&] { state(m); }) == "state: two parts of the module are called \"a\"");
}

}  // namespace
}  // namespace gesso::nn
