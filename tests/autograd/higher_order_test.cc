// Derivatives of derivatives, and that no work is done for gradients nobody asked for.
#include "autograd/gradcheck.h"
#include "autograd/ops.h"

#include <doctest/doctest.h>

#include <cmath>

namespace gesso {
namespace {

Var normal(Generator& g, const Shape& shape) { return parameter(tensor::normal(g, shape, 0, 1, DType::f64)); }

/// The n-th derivative of f at x, undefined when it is zero by structure.
Var derivative(Var (*f)(const Var&), const Var& x, int n) {
  Var y = f(x);
  for (int i = 0; i < n && y.defined(); ++i) {
    if (!y.requires_grad()) return {};
    y = grad({y}, {x}, {.create_graph = true, .allow_unused = true})[0];
  }
  return y;
}

/// y = x; counts how often its edge runs.
Var counted(const Var& x, int& count) {
  return make("counted", x.value(), edge(x, [&count](const Var& dy) {
                ++count;
                return dy;
              }));
}

int nodes_named(const Var& y, const std::string& name) {
  std::vector<const Node*> nodes{y.node().get()};
  int found = 0;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    found += nodes[i]->name == name;
    for (const Edge& e : nodes[i]->edges) nodes.push_back(e.to.get());
  }
  return found;
}

}  // namespace

TEST_CASE("derivatives up to the sixth") {
  const Var x = parameter(Tensor::from({0.7}));
  const double y = std::tanh(0.7), v = 0.7;
  CHECK(derivative(tanh, x, 1).item() == doctest::Approx(1 - y * y).epsilon(1e-14));
  CHECK(derivative(tanh, x, 2).item() == doctest::Approx(-2 * y * (1 - y * y)).epsilon(1e-14));
  CHECK(derivative(tanh, x, 3).item() == doctest::Approx(-2 * (1 - y * y) * (1 - 3 * y * y)).epsilon(1e-13));
  const auto fifth = [](const Var& t) { return pow(t, 5); };
  for (int n = 1, factor = 1; n <= 5; ++n) {
    factor *= 6 - n;
    CHECK(derivative(fifth, x, n).item() == doctest::Approx(factor * std::pow(v, 5 - n)).epsilon(1e-14));
  }
  CHECK_FALSE(derivative(fifth, x, 6).defined());
  CHECK(derivative(sin, x, 6).item() == doctest::Approx(-std::sin(v)).epsilon(1e-14));
  CHECK(derivative(exp, x, 6).item() == doctest::Approx(std::exp(v)).epsilon(1e-14));
}

// For C(x) = w.x every gradient is w: the penalty is 10 (|w| - 1)^2, its gradient 20 (|w| - 1) w / |w|.
TEST_CASE("the gradient penalty of WGAN-GP is exact for a linear critic") {
  Generator g(1);
  const Var w = normal(g, {1, 5}), x = normal(g, {7, 5});
  const Var dx = grad({sum(linear(x, w))}, {x}, {.create_graph = true})[0];
  const Var penalty = 10 * mean(square(norm(dx, {1}) - 1));
  const std::vector<double> v = w.value().to_vector<double>();
  double length = 0;
  for (double e : v) length += e * e;
  length = std::sqrt(length);
  CHECK(penalty.item() == doctest::Approx(10 * (length - 1) * (length - 1)).epsilon(1e-13));
  penalty.backward();
  const std::vector<double> dw = w.grad().value().to_vector<double>();
  for (std::size_t i = 0; i < v.size(); ++i)
    CHECK(dw[i] == doctest::Approx(20 * (length - 1) * v[i] / length).epsilon(1e-13));
  CHECK_FALSE(x.grad().defined());  // zero by structure
}

TEST_CASE("the gradient penalty of a leaky ReLU and of a tanh critic agrees with differences") {
  for (Activation act : {Activation::leaky_relu, Activation::tanh}) {
    Generator g(3);
    const Function penalty = [act](const std::vector<Var>& v) {
      const Var x = parameter(v[0].value());
      const Var score = linear(linear(x, v[1], v[2], act, 0.2), v[3], v[4]);
      const Var dx = grad({sum(score)}, {x}, {.create_graph = true})[0];
      return std::vector<Var>{10 * mean(square(norm(dx, {1}) - 1)) + mean(score)};
    };
    const Var x = normal(g, {4, 3}).detach();
    CHECK(gradcheck(penalty, {x, normal(g, {6, 3}), normal(g, {6}), normal(g, {1, 6}), normal(g, {1})}) ==
          "");
  }
}

TEST_CASE("the norm's gradient is 0 at 0, to second order and in a batch with others") {
  const Var x = parameter(Tensor::from({0.0, 0.0, 3.0, 4.0}, {2, 2}));
  const Var dx = grad({sum(norm(x, {1}))}, {x}, {.create_graph = true})[0];
  const std::vector<double> first = dx.value().to_vector<double>();
  CHECK((first[0] == 0 && first[1] == 0));
  CHECK(first[2] == doctest::Approx(0.6).epsilon(1e-15));
  CHECK(first[3] == doctest::Approx(0.8).epsilon(1e-15));
  const std::vector<double> second = grad({sum(square(dx) * 0.5)}, {x})[0].value().to_vector<double>();
  for (double e : second) CHECK(std::abs(e) <= 1e-16);  // |dx| is 1 where x is not 0, and 0 where it is
}

TEST_CASE("work nobody asked for is not done") {
  Generator g(5);
  const Var a = normal(g, {3, 4}), b = normal(g, {4, 2}), constant = normal(g, {3, 4}).detach();
  int to_a = 0, to_b = 0;
  const auto product = [&] { return sum(matmul(counted(a, to_a), counted(b, to_b))); };

  grad({product()}, {a});
  CHECK((to_a == 1 && to_b == 0));
  product().backward({.inputs = {b}});
  CHECK((to_a == 1 && to_b == 1));
  product().backward();
  CHECK((to_a == 2 && to_b == 2));

  int never = 0;
  CHECK_FALSE(counted(constant, never).requires_grad());
  const Var y = matmul(constant, b);
  CHECK(y.node()->edges.size() == 1);  // none to the constant
  const Var loss = sum(matmul(counted(constant, never), b));
  loss.backward();
  CHECK(never == 0);
  // An output nothing was asked about: its branch does not run.
  int unused = 0;
  const Var p = counted(a, unused), q = sum(p * p), r = sum(p);
  grad({r}, {a});
  CHECK(unused == 1);
  CHECK(q.requires_grad());
}

TEST_CASE(
    "reductions and repetitions to the shape that is there already are left out, and those to a number "
    "fused") {
  Generator g(8);
  const Var x = normal(g, {3, 4}), scale = normal(g, {1});
  CHECK(sum_to(x, {3, 4}).node() == x.node());
  CHECK(broadcast_to(x, {3, 4}).node() == x.node());
  CHECK(cast(x, DType::f64).node() == x.node());
  const std::vector<Var> d = grad({sum(x * scale)}, {x, scale}, {.create_graph = true});
  CHECK(nodes_named(d[0], "sum_to") == 0);
  CHECK(nodes_named(d[1], "dot") == 1);
  CHECK(nodes_named(d[1], "mul") == 0);
}

TEST_CASE("a leaky ReLU's second derivative is absent, not a tensor of zeros") {
  Generator g(6);
  const Var x = normal(g, {3, 4}), w = normal(g, {3, 4});
  int runs = 0;
  const Var h = counted(x, runs);
  const Var dx = grad({sum(leaky_relu(h, 0.2) * w)}, {x}, {.create_graph = true})[0];
  CHECK(runs == 1);
  const auto second = grad({sum(square(dx))}, {x, w}, {.allow_unused = true});
  CHECK_FALSE(second[0].defined());
  CHECK(second[1].defined());
  CHECK(runs == 1);
}

TEST_CASE("linear with an activation: the gradient of the pre-activation is computed once") {
  Generator g(7);
  const Var x = normal(g, {3, 4}), w = normal(g, {5, 4}), b = normal(g, {5});
  const Var y = linear(x, w, b, Activation::tanh);
  REQUIRE(y.node()->edges.size() == 1);
  CHECK(std::string(y.node()->name) == "tanh");
  const Node& p = *y.node()->edges[0].to;
  CHECK(std::string(p.name) == "linear");
  CHECK(p.edges.size() == 3);
  CHECK_FALSE(p.output.defined());
  CHECK(linear(x.detach(), w, b, Activation::tanh).node()->edges[0].to->edges.size() == 2);

  // To the first order one kernel for the activation, and one product for each of dx and dw.
  const std::vector<Var> d = grad({sum(y)}, {x, w, b}, {.create_graph = true});
  CHECK(nodes_named(d[2], "tanh_grad") == 1);
  CHECK(std::string(d[0].node()->name) == "matmul");
  CHECK(std::string(d[1].node()->name) == "matmul");
  CHECK(d[0].node()->edges[0].to == d[1].node()->edges[0].to);  // the same dp
}

}  // namespace gesso
