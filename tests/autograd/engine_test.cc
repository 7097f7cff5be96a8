// The engine: what backward() and grad() do with leaves, hooks, kept graphs and custom functions.
#include "autograd/ops.h"

#include <doctest/doctest.h>

#include <thread>

namespace gesso {
namespace {

using Numbers = std::vector<double>;

Var leaf(std::initializer_list<double> v) { return parameter(Tensor::from(v)); }
Numbers numbers(const Var& x) { return x.value().to_vector<double>(); }

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.message();
  }
  return {};
}
bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// y = round(x), through which the gradient passes unchanged: a custom function with a straight-through gradient.
Var round(const Var& x) {
  std::vector<double> v = numbers(x);
  for (double& e : v) e = std::round(e);
  return make("round", Tensor::from(v, x.shape()), edge(x, [](const Var& dy) { return dy; }));
}

}  // namespace

TEST_CASE("backward adds to grad of every leaf") {
  const Var a = leaf({1, 2}), b = leaf({3, 4});
  CHECK_FALSE(a.grad().defined());
  sum(a * b + a).backward();
  CHECK(numbers(a.grad()) == Numbers{4, 5});
  CHECK(numbers(b.grad()) == Numbers{1, 2});
  sum(a * 2).backward();
  CHECK(numbers(a.grad()) == Numbers{6, 7});
  CHECK(numbers(b.grad()) == Numbers{1, 2});
  Var c = a;
  c.set_grad({});
  CHECK_FALSE(a.grad().defined());
}

TEST_CASE("a Var used several times gets the sum of its gradients, once") {
  const Var x = leaf({3});
  int visits = 0;
  Var h = x * 2;
  h.register_hook([&](const Var&) {
    ++visits;
    return Var();
  });
  sum(h * h + h * 5 + h).backward();
  CHECK(numbers(x.grad()) == Numbers{2 * (2 * 6 + 6)});
  CHECK(visits == 1);
}

TEST_CASE("grad gives the gradients of several outputs and leaves grad() alone") {
  const Var a = leaf({1, 2}), b = leaf({3, 4});
  const Var weights = Tensor::from({10.0, 100.0});
  const auto d =
      grad({sum(a * a), a * b}, {a, b}, {.grad_outputs = {Var(tensor::full({}, 2, DType::f64)), weights}});
  CHECK(numbers(d[0]) == Numbers{4 + 30, 8 + 400});
  CHECK(numbers(d[1]) == Numbers{10, 200});
  CHECK_FALSE(a.grad().defined());
}

TEST_CASE("an input without influence is an error unless allowed") {
  const Var a = leaf({1}), b = leaf({2}), constant = Tensor::from({5.0});
  CHECK(contains(message([&] { grad({a * 2}, {a, b}); }), "input 1 (1) has no influence"));
  const auto d = grad({a * 2}, {a, b, constant}, {.allow_unused = true});
  CHECK(d[0].defined());
  CHECK_FALSE(d[1].defined());
  CHECK_FALSE(d[2].defined());
}

TEST_CASE("wrong beginnings are refused") {
  const Var a = leaf({1, 2}), constant = Tensor::from({5.0});
  CHECK(contains(message([&] { a.backward(); }), "(2) has 2 elements; give the gradient to start from"));
  CHECK(contains(message([&] { constant.backward(); }), "depends on nothing that requires a gradient"));
  CHECK(contains(message([&] { a.backward({.gradient = Tensor::from({1.0})}); }), "should be f64 (2)"));
  CHECK(contains(message([&] { a.backward({.gradient = tensor::ones({2})}); }), "should be f64 (2)"));
  CHECK(contains(message([&] { grad({sum(a)}, {a}, {.grad_outputs = {a, a}}); }), "1 outputs, 2 gradients"));
  CHECK(contains(message([&] { parameter(tensor::zeros({2}, DType::i64)); }),
                 "i64 (2) cannot have a gradient"));
  CHECK(contains(message([&] { (void)constant.grad(); }), "requires none"));
  CHECK(contains(message([&] { Var(constant).retain_grad(); }), "requires no gradient"));
  CHECK(contains(message([&] { Var(constant).register_hook([](const Var& g) { return g; }); }),
                 "requires no gradient"));
}

TEST_CASE("a freed graph says so; a retained one works again") {
  const Var x = leaf({2}), h = exp(x), y = h * h;
  y.backward({.retain_graph = true});
  y.backward({.retain_graph = true});
  y.backward();
  const double once = 2 * std::exp(4.0);
  CHECK(x.grad().item() == doctest::Approx(3 * once));
  CHECK(contains(message([&] { y.backward(); }), "freed by an earlier backward; pass retain_graph = true"));
  CHECK(contains(message([&] { (h * 2).backward(); }), "the graph of exp (1) was freed"));
}

TEST_CASE("an intermediate that is asked for keeps its own history") {
  const Var x = leaf({2}), h = x * 3;
  CHECK(numbers(grad({h * h}, {h})[0]) == Numbers{12});
  (h * 5).backward();
  CHECK(numbers(x.grad()) == Numbers{15});
}

TEST_CASE("gradients flow only to the inputs backward is given") {
  const Var a = leaf({1}), b = leaf({2}), h = a * b;
  (h * h).backward({.inputs = {b, h}});
  CHECK_FALSE(a.grad().defined());
  CHECK(numbers(b.grad()) == Numbers{4});
  CHECK(numbers(h.grad()) == Numbers{4});
}

TEST_CASE("retain_grad keeps the gradient of an intermediate") {
  const Var x = leaf({1, 2});
  Var kept = x * 2;
  const Var lost = x * 3;
  kept.retain_grad();
  sum(kept * lost).backward();
  CHECK(numbers(kept.grad()) == Numbers{3, 6});
  CHECK_FALSE(lost.grad().defined());
  CHECK(x.is_leaf());
  CHECK_FALSE(kept.is_leaf());
}

TEST_CASE("hooks see and replace gradients") {
  Var x = leaf({1, 2});
  Var h = x * 2;
  Numbers seen;
  h.register_hook([](const Var& g) { return g * 10; });
  h.register_hook([&seen](const Var& g) {
    seen = numbers(g);
    return Var();
  });
  x.register_hook([](const Var& g) { return g + 1; });
  h.retain_grad();
  sum(h).backward({.retain_graph = true});
  CHECK(seen == Numbers{10, 10});
  CHECK(numbers(h.grad()) == Numbers{10, 10});
  CHECK(numbers(x.grad()) == Numbers{21, 21});
  CHECK(numbers(grad({sum(h)}, {x})[0]) == Numbers{21, 21});

  Var y = x * 1;
  y.register_hook([](const Var&) { return Var(tensor::zeros({3}, DType::f64)); });
  CHECK(contains(message([&] { sum(y).backward(); }), "the gradient f64 (3) of mul should be f64 (2)"));
}

TEST_CASE("NoGrad leaves no history, even when an exception ends it") {
  const Var x = leaf({1});
  CHECK(grad_enabled());
  try {
    const NoGrad off;
    CHECK_FALSE(grad_enabled());
    CHECK_FALSE((x * 2).requires_grad());
    const NoGrad inactive(false);
    CHECK_FALSE(grad_enabled());
    throw Error("out");
  } catch (const Error&) {
  }
  CHECK(grad_enabled());
  CHECK((x * 2).requires_grad());
}

TEST_CASE("create_graph records even where recording is off") {
  const Var x = leaf({3}), y = x * x * x;
  const NoGrad off;
  const Var dx = grad({y}, {x}, {.create_graph = true})[0];
  CHECK(numbers(grad({dx}, {x})[0]) == Numbers{18});
  CHECK_FALSE((x * 2).requires_grad());
}

TEST_CASE("detach shares the value and cuts the history") {
  const Var x = leaf({2}), h = x * x, d = h.detach();
  CHECK_FALSE(d.requires_grad());
  CHECK(d.value().raw() == h.value().raw());
  (x * d).backward();
  CHECK(numbers(x.grad()) == Numbers{4});
}

TEST_CASE("custom functions: straight-through rounding, and the op for it") {
  const Var x = leaf({0.4, 1.6});
  sum(square(round(x))).backward();
  CHECK(numbers(x.grad()) == Numbers{0, 4});

  const Var z = leaf({0.4, 1.6}), code = Tensor::from({0.5, 1.5});
  const Var q = straight_through(z, code.value());
  CHECK(numbers(q) == Numbers{0.5, 1.5});
  sum(square(q)).backward();
  CHECK(numbers(z.grad()) == Numbers{1, 3});
}

TEST_CASE("an edge of the wrong shape or type names its op") {
  const Var x = leaf({1, 2});
  const auto op = [&](const Var& dx) {
    return make("crooked", x.value().clone(), edge(x, [=](const Var&) { return dx; }));
  };
  CHECK(contains(message([&] { sum(op(tensor::zeros({3}, DType::f64))).backward(); }),
                 "(3) of parameter should be f64 (2)"));
  CHECK(contains(message([&] { sum(op(tensor::zeros({2}))).backward(); }),
                 "f32 (2) of parameter should be f64 (2)"));
}

TEST_CASE("an edge may say that there is no gradient: nothing below it runs") {
  Var x = leaf({1, 2});
  x.register_hook([](const Var& g) {
    CHECK(g.defined());
    return g;
  });
  Var h = x * 2;
  const Var cut = make("cut", h.value().clone(), edge(h, [](const Var&) { return Var(); }));
  sum(cut).backward({.retain_graph = true});
  CHECK_FALSE(x.grad().defined());
  sum(cut * cut + x).backward();  // the other way still counts
  CHECK(numbers(x.grad()) == Numbers{1, 1});
}

TEST_CASE("an op with several results makes one gradient of theirs, once, absent ones included") {
  const Var x = leaf({1, 2, 3, 4});
  int joined = 0;
  const auto halves = [&] {
    return make_parts("halves", {x.value().slice(0, 2), x.value().slice(2, 4)}, x.shape(),
                      [&joined](const std::vector<Var>& d) {
                        ++joined;
                        const Var none = tensor::zeros({2}, DType::f64);
                        return concat({d[0] ? d[0] : none, d[1] ? 10 * d[1] : none});
                      },
                      {edge(x, [](const Var& dx) { return 2 * dx; })});
  };
  const std::vector<Var> both = halves();
  (sum(both[0] * both[1]) + sum(both[0])).backward({.retain_graph = true});
  CHECK(numbers(x.grad()) == Numbers{8, 10, 20, 40});
  CHECK(joined == 1);
  CHECK(numbers(grad({sum(both[1])}, {x}, {.retain_graph = true})[0]) == Numbers{0, 0, 20, 20});
  CHECK(numbers(grad({both[0]}, {both[0]}, {.grad_outputs = {leaf({5, 6})}, .retain_graph = true})[0]) ==
        Numbers{5, 6});
  CHECK(joined == 2);
  sum(both[0]).backward();
  CHECK(message([&] { sum(both[1]).backward(); }).find("freed by an earlier backward") != std::string::npos);

  const Var dx = grad({sum(halves()[1] * halves()[1])}, {x}, {.create_graph = true})[0];
  CHECK(numbers(grad({sum(dx)}, {x})[0]) == Numbers{0, 0, 800, 800});
  const NoGrad off;
  CHECK_FALSE(halves()[0].requires_grad());
}

TEST_CASE("edges that throw leave the thread as it was") {
  const Var x = leaf({1});
  const Var y = make("faulty", x.value().clone(), edge(x, [](const Var&) -> Var { throw Error("edge"); }));
  CHECK(message([&] { y.backward(); }) == "edge");
  CHECK(grad_enabled());
  Var z = leaf({1});
  const Var before = z * z;
  z.mutable_value().mutable_data<double>()[0] = 7;
  CHECK(numbers(z) == Numbers{7});  // no edge is running, so nothing to complain about
}

TEST_CASE("ties: maximum halves, max shares equally; abs, relu and norm have gradient 0 at 0") {
  const Var a = leaf({1, 2, 3}), b = leaf({1, 3, 2});
  sum(maximum(a, b) + 10 * minimum(a, b)).backward();
  CHECK(numbers(a.grad()) == Numbers{5.5, 10, 1});
  CHECK(numbers(b.grad()) == Numbers{5.5, 1, 10});

  const Var x = leaf({4, 4, 1, 1, 1, 4});
  (max(x) + 10 * min(x)).backward();
  CHECK(numbers(x.grad()) == Numbers{1.0 / 3, 1.0 / 3, 10.0 / 3, 10.0 / 3, 10.0 / 3, 1.0 / 3});

  const Var zero = leaf({0, 0});
  (sum(abs(zero) + relu(zero)) + norm(zero)).backward();
  CHECK(numbers(zero.grad()) == Numbers{0, 0});
}

TEST_CASE("pow at a base of 0 has finite gradients where the derivative is") {
  const Var base = leaf({0, 0, 0}), exponent = leaf({2, 1, 0});
  sum(pow(base, exponent)).backward();
  CHECK(numbers(base.grad()) == Numbers{0, 1, 0});
  CHECK(numbers(exponent.grad()) == Numbers{0, 0, 0});
  const Var x = leaf({0});
  const Var dx = grad({pow(x, 2)}, {x}, {.create_graph = true})[0];
  CHECK(numbers(grad({dx}, {x})[0]) == Numbers{2});
}

TEST_CASE("threads build and differentiate graphs of their own side by side, over shared leaves") {
  const Var w = leaf({2});
  std::vector<double> results(4);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < results.size(); ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 100; ++i) {
        const Var x = leaf({static_cast<double>(t)});
        results[t] = grad({sum(x * x * w)}, {x})[0].item();
      }
    });
  for (std::thread& t : threads) t.join();
  CHECK(results == Numbers{0, 4, 8, 12});
}

}  // namespace gesso
