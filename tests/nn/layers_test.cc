#include "nn/layers.h"

#include "nn/init.h"
#include "tests/nn/golden.h"

#include <type_traits>

namespace gesso::nn {
namespace {

/// The stack of tests/golden/make_nn.py.
Sequential golden_stack(Generator& g) {
  return Sequential{Linear(5, 7, g),
                    LeakyReLU(0.2),
                    Linear(7, 6, g),
                    ReLU(),
                    Linear(6, 6, g),
                    Tanh(),
                    Linear(6, 6, g),
                    Sigmoid(),
                    Linear(6, 6, g, {.bias = false}),
                    ELU(),
                    Linear(6, 6, g),
                    GELU(),
                    Linear(6, 6, g),
                    SiLU(),
                    Linear(6, 4, g),
                    Softplus(),
                    Sequential{Tanh(), Flatten()},
                    Dropout(0.25, g),
                    LeakyReLU(),
                    ELU(0.5),
                    Softplus(2, 10)};
}

TEST_CASE("layers: text, names, values and gradients are PyTorch's") {
  const nlohmann::json& want = golden_nn().at("layers");
  Generator g(0);
  Sequential net = golden_stack(g);
  CHECK(text(net) == want.at("text").get<std::string>());
  std::vector<std::string> names;
  for (const auto& [name, w] : named_parameters(net)) names.push_back(name);
  CHECK(names == want.at("names").get<std::vector<std::string>>());
  CHECK(parameter_count(net) == want.at("count").get<std::int64_t>());
  Sequential empty;
  CHECK(text(empty) == want.at("empty").get<std::string>());
  Embedding embedding(10, 3, g);
  CHECK(text(embedding) == want.at("embedding").get<std::string>());

  to(net, DType::f64);
  set_training(net, false);
  State s;
  for (const auto& [name, t] : want.at("state").items()) s[name] = golden_tensor(t);
  load_state(net, s);
  const Var x = parameter(golden_tensor(want.at("x")));
  const Var y = net(x);
  // Nine products of depth <= 7 and twelve smooth functions, each a few roundings: the relative error stays
  // below about 200 eps.
  constexpr double tol = 200 * 2.2e-16;
  CHECK(distance(y.value(), want.at("y")) <= tol);
  y.backward({.gradient = golden_tensor(want.at("dy"))});
  CHECK(distance(x.grad().value(), want.at("dx")) <= tol);
  for (const auto& [name, w] : named_parameters(net)) {
    CAPTURE(name);
    CHECK(distance(w->grad().value(), want.at("gradients").at(name)) <= tol);
  }
}

TEST_CASE("layers: Sequential runs Linear and its activation as one kernel, with the same result") {
  Generator g(3);
  const Var x(tensor::normal(g, {9, 5}));
  const auto compare = [&](auto activation) {
    CAPTURE(activation.title());
    Linear fc(5, 8, g);
    const Tensor apart = activation(linear(x, fc.weight, fc.bias)).value();
    Sequential net{std::move(fc), std::move(activation)};
    CHECK(distance(net(x).value(), apart) <=
          4 * 1.2e-7);  // tanh and sigmoid are within 4 ULP wherever they run
    return same_bits(net(x).value(), apart);
  };
  CHECK(compare(ReLU()));
  CHECK(compare(LeakyReLU(0.2)));
  CHECK(compare(LeakyReLU(-0.2)));
  CHECK(compare(ELU()));
  CHECK(compare(GELU()));
  compare(Tanh());
  compare(Sigmoid());
}

/// Counts how often it runs by itself.
template <class Activation>
struct Counting : Activation {
  int* runs;
  explicit Counting(int* count) : runs(count) {}
  Var operator()(const Var& x) override {
    ++*runs;
    return Activation::operator()(x);
  }
};

TEST_CASE("layers: an activation behind a Linear never runs by itself") {
  Generator g(3);
  const Var x(tensor::ones({2, 5}));
  const auto runs = [&]<class Activation>(std::type_identity<Activation>) {
    int behind_linear = 0, elsewhere = 0;
    Sequential{Linear(5, 8, g), Counting<Activation>(&behind_linear), Linear(8, 2, g), Tanh(),
               Counting<Activation>(&elsewhere)}(x);
    CHECK(elsewhere == 1);
    return behind_linear;
  };
  CHECK(runs(std::type_identity<ReLU>()) == 0);
  CHECK(runs(std::type_identity<LeakyReLU>()) == 0);
  CHECK(runs(std::type_identity<Tanh>()) == 0);
  CHECK(runs(std::type_identity<Sigmoid>()) == 0);
  CHECK(runs(std::type_identity<SiLU>()) == 1);
}

TEST_CASE("layers: Linear starts uniform within 1/sqrt(in), from the generator alone") {
  Generator g(5), again(5), other(6);
  const Linear a(100, 50, g), b(100, 50, again), c(100, 50, other);
  CHECK(same_bits(a.weight.value(), b.weight.value()));
  CHECK(same_bits(a.bias.value(), b.bias.value()));
  CHECK_FALSE(same_bits(a.weight.value(), c.weight.value()));
  for (const Var* v : {&a.weight, &a.bias}) {
    CHECK(tensor::max(v->value()).item() < 0.1);
    CHECK(tensor::min(v->value()).item() >= -0.1);
  }
  // The variance of U(-k,k) is k^2/3; of 5000 samples it has a relative standard deviation of sqrt(4/5/5000)
  // = 1.3%.
  CHECK(std::abs(tensor::var(a.weight.value()).item() * 300 - 1) <= 0.06);
  CHECK(std::abs(tensor::mean(a.weight.value()).item()) <= 5 * 0.1 / std::sqrt(3 * 5000.0));
  CHECK(Linear(3, 2, g, {.dtype = DType::f64}).weight.dtype() == DType::f64);
}

TEST_CASE("layers: Embedding takes rows, and adds gradients to them") {
  Generator g(5);
  Embedding e(4, 3, g);
  const Tensor index = Tensor::from<std::int64_t>({2, 0, 2});
  const Var y = e(index);
  CHECK(y.shape() == Shape{3, 3});
  CHECK(same_bits(y.value()[0], e.weight.value()[2]));
  sum(y).backward();
  CHECK(e.weight.grad().value().to_vector<double>() ==
        std::vector<double>{1, 1, 1, 0, 0, 0, 2, 2, 2, 0, 0, 0});
  CHECK(error_of([&] { e(Tensor::from<std::int64_t>({4})); }).find("4") != std::string::npos);
  Embedding large(300, 50, g);
  CHECK(std::abs(tensor::var(large.weight.value()).item() - 1) <= 5 * std::sqrt(2.0 / 15000));
}

TEST_CASE("layers: Dropout drops p of the elements, scales the others, and does nothing in evaluation") {
  Generator g(7);
  Dropout half(0.25, g);
  const Var x = parameter(tensor::full({100, 200}, 3));
  const Var y = half(x);
  std::int64_t kept = 0;
  for (const float v : y.value().to_vector<float>()) {
    if (v != 0) ++kept;
    CHECK_UNARY(v == 0 || std::abs(v - 4) <= 4e-7f);
  }
  CHECK(std::abs(static_cast<double>(kept) - 15000) <= 5 * std::sqrt(20000 * 0.25 * 0.75));
  sum(y).backward();
  CHECK(distance(x.grad().value(), tensor::mul(y.value(), 1 / 3.0)) <= 2e-7);
  CHECK_FALSE(same_bits(half(x).value(), y.value()));  // a new mask each time
  half.training = false;
  CHECK(same_bits(half(x).value(), x.value()));
  Dropout all(1, g), none(0, g);
  CHECK(tensor::max(all(x).value()).item() == 0);
  CHECK(same_bits(none(x).value(), x.value()));
}

TEST_CASE("layers: Flatten and Reshape") {
  const Var x(tensor::arange(0, 24).reshape({2, 3, 4}));
  CHECK(Flatten()(x).shape() == Shape{2, 12});
  CHECK(Flatten(0, 1)(x).shape() == Shape{6, 4});
  CHECK(Flatten(-1, 2)(x).shape() == Shape{2, 3, 4});
  CHECK(Reshape({2, 2, -1})(x).shape() == Shape{2, 2, 2, 3});
  CHECK(Reshape({28, 28, 1}).title() == "Reshape((28, 28, 1))");
  CHECK(Reshape({4}).title() == "Reshape((4,))");
}

TEST_CASE("layers: errors") {
  Generator g(1);
  CHECK(error_of([&] { Linear(0, 3, g); }) == "Linear: 0 inputs and 3 outputs; both must be positive");
  CHECK(error_of([&] { Embedding(3, -1, g); }) == "Embedding: 3 rows of -1; both must be positive");
  CHECK(error_of([&] { Dropout(1.5, g); }) == "Dropout: a probability of 1.5 is not between 0 and 1");
  CHECK(error_of([&] { Dropout(NAN, g); }) == "Dropout: a probability of nan is not between 0 and 1");
  CHECK(error_of([&] {
          Flatten(2, 1)(Var(tensor::ones({1, 2, 3})));
        }) == "Flatten: dimensions 2 to 1 of (1,2,3) are none");
  CHECK(error_of([&] { Flatten()(Var(tensor::ones({3}))); }).starts_with("Flatten: axis 1"));
  Linear fc(3, 2, g);
  const std::string message = error_of([&] { fc(Var(tensor::ones({1, 4}))); });
  CHECK(message.find("(1,4)") != std::string::npos);
  CHECK(message.find("(2,3)") != std::string::npos);
  CHECK(error_of([&] { fc(Var(tensor::ones({1, 3}, DType::f64))); }) != "");
}

TEST_CASE("init: fans, bounds and variances") {
  CHECK(init::fans({50, 3, 4, 7}).in == 84);
  CHECK(init::fans({50, 3, 4, 7}).out == 600);
  CHECK(error_of([] { init::fans({3}); }).find("two dimensions") != std::string::npos);

  Generator g(9);
  Tensor w({200, 100});
  // A sample variance of 20,000 has a relative deviation of sqrt(2/20000) = 1% (normal), less for uniform:
  // five of them.
  const auto check_variance = [&](double want, std::optional<double> bound) {
    CHECK(std::abs(tensor::var(w).item() / want - 1) <= 0.05);
    CHECK(std::abs(tensor::mean(w).item()) <= 5 * std::sqrt(want / 20000));
    const double largest = std::max(tensor::max(w).item(), -tensor::min(w).item());
    if (bound) CHECK(largest <= *bound);
    if (bound) CHECK(largest >= 0.99 * *bound);
  };
  const std::uint32_t version = w.version();
  init::xavier_uniform(w, g);
  CHECK(w.version() > version);
  check_variance(2.0 / 300, std::sqrt(6.0 / 300));
  init::xavier_normal(w, g, 2);
  check_variance(8.0 / 300, std::nullopt);
  init::kaiming_uniform(w, g, std::sqrt(5.0));
  check_variance(1.0 / 300, 0.1);
  init::kaiming_uniform(w, g);
  check_variance(2.0 / 100, std::sqrt(6.0 / 100));
  init::kaiming_normal(w, g, 0.2);
  check_variance(2.0 / 1.04 / 100, std::nullopt);
  init::constant(w, 0.25);
  CHECK(tensor::min(w).item() == 0.25);
  CHECK(tensor::max(w).item() == 0.25);
}

TEST_CASE("init: orthogonal matrices") {
  Generator g(9);
  for (const Shape& shape : {Shape{6, 3, 5}, Shape{20, 7}, Shape{8, 8}}) {
    CAPTURE(shape.text());
    Tensor w(shape, DType::f64);
    init::orthogonal(w, g, 3);
    const Tensor m = w.reshape({shape[0], -1});
    const bool tall = m.dim(0) > m.dim(1);
    const Tensor product = tensor::matmul(m, m, {.transpose_a = tall, .transpose_b = !tall});
    const std::int64_t n = product.dim(0);
    const Tensor want = tensor::mul(
        tensor::one_hot(tensor::arange(0, static_cast<double>(n), 1, DType::i64), n, DType::f64), 9);
    CHECK(distance(product, want) <= 20 * 2.2e-16);  // dot products of at most 20 terms
  }
}

}  // namespace
}  // namespace gesso::nn
