// gradcheck must find what is wrong, or passing it means nothing.
#include "autograd/gradcheck.h"

#include "autograd/graph.h"
#include "autograd/ops.h"

#include <doctest/doctest.h>

namespace gesso {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Var input(const Shape& shape, DType dtype = DType::f64) {
  Generator g(4);
  return parameter(tensor::uniform(g, shape, 0.5, 2, dtype));
}

/// y = x^2 with a gradient that is `wrong` of dy.
Function square_with(std::function<Var(const Var& dy, const Var& x)> wrong) {
  return [wrong](const std::vector<Var>& v) {
    const Var x = v[0];
    return std::vector<Var>{make("square", tensor::mul(x.value(), x.value()),
                                 edge(x, [=](const Var& dy) { return wrong(dy, x); }))};
  };
}

}  // namespace

TEST_CASE("gradcheck passes what is right and says where something is wrong") {
  const auto right = square_with([](const Var& dy, const Var& x) { return dy * x * 2; });
  CHECK(gradcheck(right, {input({3, 2})}) == "");
  CHECK(gradgradcheck(right, {input({3, 2})}) == "");

  const auto factor = square_with([](const Var& dy, const Var& x) { return dy * x; });
  const std::string said = gradcheck(factor, {input({3, 2})});
  CHECK(contains(said, "output 0 (3,2), input 0 (3,2), element 0: the edges give "));
  CHECK(contains(said, ", differences "));
  CHECK(contains(gradcheck(factor, {input({30, 20})}), "random direction 0"));

  const auto missing = square_with([](const Var&, const Var&) { return Var(); });
  CHECK(contains(gradcheck(missing, {input({1})}), "the edges give 0"));
  const auto infinite = square_with([](const Var& dy, const Var& x) { return dy * x * 2 / (x - x); });
  CHECK(contains(gradcheck(infinite, {input({1})}), "the edges give "));
  const auto one_wrong = square_with([](const Var& dy, const Var& x) {
    Tensor scale = tensor::full(x.shape(), 2, DType::f64);
    scale.mutable_data<double>()[4] = 2.1;
    return dy * x * Var(scale);
  });
  CHECK(contains(gradcheck(one_wrong, {input({3, 2})}), "element 4"));
  CHECK(gradcheck(one_wrong, {input({300, 2})}) != "");
}

TEST_CASE("gradgradcheck finds a second derivative that is wrong or missing") {
  const auto frozen = square_with([](const Var& dy, const Var& x) { return dy * x.detach() * 2; });
  CHECK(gradcheck(frozen, {input({3})}) == "");
  CHECK(gradgradcheck(frozen, {input({3})}) != "");
  const auto half = square_with([](const Var& dy, const Var& x) { return dy * x + dy * x.detach(); });
  CHECK(gradcheck(half, {input({3})}) == "");
  CHECK(gradgradcheck(half, {input({3})}) != "");
}

TEST_CASE("gradcheck notices runs that differ, and inputs it cannot check") {
  int calls = 0;
  const Function drifting = [&calls](const std::vector<Var>& v) {
    return std::vector<Var>{v[0] * (1 + 1e-12 * ++calls)};
  };
  CHECK(contains(gradcheck(drifting, {input({2})}), "two runs give different values"));
  int edges = 0;
  const auto gradient =
      square_with([&edges](const Var& dy, const Var& x) { return dy * x * (2 + 1e-12 * ++edges); });
  CHECK(contains(gradcheck(gradient, {input({2})}), "two runs give different gradients"));

  const Function twice = [](const std::vector<Var>& v) { return std::vector<Var>{v[0] * 2}; };
  CHECK(contains(gradcheck(twice, {input({2}, DType::f32)}), "nothing to check"));
  CHECK(contains(gradcheck(twice, {input({2}).detach()}), "nothing to check"));
  const Function narrow = [](const std::vector<Var>& v) { return std::vector<Var>{cast(v[0], DType::f32)}; };
  CHECK(contains(gradcheck(narrow, {input({2})}), "output 0 is f32"));
}

TEST_CASE("gradcheck goes over several outputs and inputs, and leaves the inputs as they were") {
  const Function f = [](const std::vector<Var>& v) {
    return std::vector<Var>{v[0] * v[1], sum(exp(v[1])), sign(v[0])};
  };
  const Var a = input({2, 3}), b = input({3});
  const std::vector<double> before = a.value().to_vector<double>();
  CHECK(gradcheck(f, {a, b}) == "");
  CHECK(gradgradcheck(f, {a, b}) == "");
  CHECK(a.value().to_vector<double>() == before);
  CHECK_FALSE(a.grad().defined());
  const Function second_wrong = [&](const std::vector<Var>& v) {
    return std::vector<Var>{v[0] * 2, square_with([](const Var& dy, const Var&) { return dy; })({v[1]})[0]};
  };
  CHECK(contains(gradcheck(second_wrong, {a, b}), "output 1 (3), input 1 (3)"));
}

TEST_CASE("the graph as text and as DOT") {
  const Var x = input({3, 4}), w = input({5, 4}), h = tanh(x);
  CHECK(graph_text(sum(h * h + x)) ==
        "sum () #5\n"
        "  add (3,4) #4\n"
        "    mul (3,4) #3\n"
        "      tanh (3,4) #2\n"
        "        parameter (3,4) #1\n"
        "      tanh (3,4) #2, as above\n"
        "    parameter (3,4) #1\n");
  CHECK(graph_text(linear(x, w, {}, Activation::sigmoid)) ==
        "sigmoid (3,5) #4\n"
        "  linear (3,5) #3\n"
        "    parameter (3,4) #1\n"
        "    parameter (5,4) #2\n");
  CHECK(graph_text(x.detach()) == "constant (3,4)\n");
  CHECK(graph_dot(matmul(x, w, false, true)) ==
        "digraph {\n"
        "  rankdir = BT;\n"
        "  node [shape = box, fontname = \"sans-serif\"];\n"
        "  n1 [label = \"parameter\\n(3,4)\", style = filled, fillcolor = lightblue];\n"
        "  n2 [label = \"parameter\\n(5,4)\", style = filled, fillcolor = lightblue];\n"
        "  n3 [label = \"matmul\\n(3,5)\"];\n"
        "  n1 -> n3;\n"
        "  n2 -> n3;\n"
        "}\n");
}

}  // namespace gesso
