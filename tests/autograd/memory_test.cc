// Graphs of any depth without a deep stack, and memory that is given back.
#include "autograd/ops.h"
#include "kernels/device.h"

#include <doctest/doctest.h>

#include <malloc.h>

namespace gesso {
namespace {

#ifdef GESSO_EXACT_ALLOCATIONS  // sanitizers keep a few KiB for every node
constexpr int kDeep = 100'000;
#else
constexpr int kDeep = 1'000'000;
#endif

struct Use {
  std::size_t tensors, heap;
};
Use use() { return {kernels::backend(Device::cpu)->memory->use().in_use, mallinfo2().uordblks}; }

/// Runs f a few times, then a thousand times, and demands that nothing stays behind.
template <class F>
void check_flat(const F& f) {
  for (int i = 0; i < 10; ++i) f();
  const Use before = use();
  for (int i = 0; i < 1000; ++i) f();
  const Use after = use();
  CHECK(after.tensors == before.tensors);
  CHECK(after.heap <=
        before.heap + 1024);  // the C library's own bookkeeping; one node a round would be 200 KiB
}

}  // namespace

TEST_CASE("a chain of a million nodes runs backwards and is given back") {
  const Var x = parameter(Tensor::from({1.0}));
  {
    Var y = x;
    for (int i = 0; i < kDeep; ++i) y = y + 1;
    sum(y).backward();
    CHECK(x.grad().item() == 1);
  }
  {
    Var y = x;  // the joint gradient of several results captures what they were made from, too
    for (int i = 0; i < kDeep / 4; ++i)
      y = make_parts("two", {y.value(), y.value()}, y.shape(),
                     [y](const std::vector<Var>& d) { return d[0]; },
                     {edge(y, [](const Var& dy) { return dy; })})[0];
    CHECK(y.item() == 1);
  }
  {
    Var y = x;  // each edge captures its input, and nobody runs them
    for (int i = 0; i < kDeep; ++i) y = y * x;
    CHECK(y.item() == 1);
  }
  {
    Var y = x;  // kept by the graph until the end
    for (int i = 0; i < kDeep; ++i) y = y * x;
    y.backward({.retain_graph = true});
    CHECK(x.grad().item() == kDeep + 2);
  }
}

TEST_CASE("a chain of second derivatives, too") {
  const Var x = parameter(Tensor::from({0.5}));
  Var y = x;
  for (int i = 0; i < kDeep / 20; ++i) y = sin(y);
  const Var dx = grad({y}, {x}, {.create_graph = true})[0];
  CHECK(grad({dx}, {x})[0].defined());
}

TEST_CASE("memory stays flat over a thousand steps of the first and the second order") {
  Generator g(1);
  const Var w1 = parameter(tensor::normal(g, {8, 5})), b1 = parameter(tensor::normal(g, {8})),
            w2 = parameter(tensor::normal(g, {1, 8}));
  const Tensor data = tensor::normal(g, {16, 5});
  const auto critic = [&](const Var& x) {
    return linear(linear(x, w1, b1, Activation::leaky_relu, 0.2), w2);
  };
  check_flat([&] {
    mean(softplus(critic(data))).backward();
    for (Var p : {w1, b1, w2}) p.set_grad({});
  });
  check_flat([&] {
    const Var x = parameter(data);
    const Var dx = grad({sum(critic(x))}, {x}, {.create_graph = true})[0];
    const Var penalty = mean(square(norm(dx, {1}) - 1));
    grad({penalty}, {w1, w2});
  });
  check_flat([&] {  // graphs that never run backwards, graphs that are kept, and edges that throw
    const Var y = sum(tanh(critic(data)));
    y.backward({.retain_graph = true});
    const Var unused = exp(y) * y;
    const Var faulty = make("faulty", y.value(), edge(y, [y](const Var&) -> Var { throw Error("edge"); }));
    CHECK_THROWS_AS(faulty.backward(), Error);
    for (Var p : {w1, b1, w2}) p.set_grad({});
  });
}

TEST_CASE("a backward pass frees what it has used") {
  const Var x = parameter(tensor::ones({1000}));
  const std::size_t before = kernels::backend(Device::cpu)->memory->use().in_use;
  Var y = x;
  for (int i = 0; i < 20; ++i) y = sin(y);
  const Var loss = sum(y);
  y = {};
  const std::size_t built = kernels::backend(Device::cpu)->memory->use().in_use;
  loss.backward();
#ifndef GESSO_EXACT_ALLOCATIONS
  CHECK(built >= before + 19 * 4000);
#endif
  CHECK(kernels::backend(Device::cpu)->memory->use().in_use <=
        before + 2 * 4096 + 2 * 64);  // the gradient and the loss
}

}  // namespace gesso
