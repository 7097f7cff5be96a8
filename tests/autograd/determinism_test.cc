// The same bits, run after run and for any number of threads.
#ifdef _OPENMP
#include <omp.h>
#endif

#include "tests/device.h"
#include "tests/ops.h"

#include <doctest/doctest.h>

namespace gesso::tests {
namespace {

void use_threads(int n) {
#ifdef _OPENMP
  omp_set_num_threads(n);
#else
  (void)n;
#endif
}

struct ThreadsAsBefore {
#ifdef _OPENMP
  int before = omp_get_max_threads();
  ~ThreadsAsBefore() { omp_set_num_threads(before); }
#endif
};

std::vector<std::byte> bits(const std::vector<Var>& vars) {
  std::vector<std::byte> out;
  for (const Var& x : vars)
    if (x.defined()) {
      const Tensor t = x.value().to(Device::cpu);
      out.insert(out.end(), t.raw(), t.raw() + t.bytes());
    }
  return out;
}

using F = std::function<std::vector<Var>(const std::vector<Var>&)>;

/// The bits of f's values and of its gradients of first order.
std::vector<std::byte> run(const F& f, const std::vector<Var>& inputs) {
  std::vector<Var> x, v;
  for (const Var& i : inputs) x.push_back(i.requires_grad() ? parameter(i.value()) : i);
  std::vector<Var> all = f(x);
  const std::vector<Var> y = all;
  Generator g(9);
  for (const Var& o : y)
    v.push_back(tensor::uniform(g, o.shape(), -1, 1, o.dtype() == DType::f32 ? DType::f32 : DType::f64,
                                tested_device()));
  if (y[0].requires_grad())
    for (const Var& dx : grad(y, x, {.grad_outputs = v, .allow_unused = true})) all.push_back(dx);
  return bits(all);
}

void check_same_bits(const std::string& what, const F& f, const std::vector<Var>& inputs) {
  const ThreadsAsBefore restore;
  use_threads(1);
  const std::vector<std::byte> one = run(f, inputs);
  for (int threads : {1, 2, 3}) {
    use_threads(threads);
    INFO(what << " with " << threads << " threads");
    CHECK((run(f, inputs) == one));
  }
}

}  // namespace

TEST_CASE("every op gives the same bits again") {
  for (const Op& op : tested_ops()) {
    Generator g(13);
    for (const OpSample& drawn : op.samples(g)) {
      const OpSample s = on_tested_device(drawn);
      check_same_bits(
          op.name + std::string(": ") + s.text(), [&](auto& x) { return op.f(x, s.options); }, s.inputs);
    }
  }
}

// Large enough for every kernel to divide its work: several blocks of 32,768 elements, rows and columns that are no multiples.
TEST_CASE("large inputs give the same bits for one, two and three threads") {
  Generator g(17);
  for (DType t : {DType::f32, DType::f64}) {
    const auto input = [&](const Shape& s) {
      return parameter(tensor::normal(g, s, 0, 1, t, tested_device()));
    };
    const Var x = input({301, 517}), y = input({301, 517}), row = input({517}), column = input({301, 1});
    const Tensor index = [&] {
      std::vector<std::int64_t> v;
      for (std::int64_t i = 0; i < 301; ++i) v.push_back(i * 7919 % 97);
      return Tensor::from(v, {301});
    }();
    const std::vector<std::pair<const char*, std::function<Var(const Var&, const Var&)>>> functions = {
        {"sum", [](auto& a, auto& b) { return sum(a * b); }},
        {"sum of columns", [](auto& a, auto& b) { return sum(a, {0}) * sum(b, {0}); }},
        {"sum of rows", [](auto& a, auto& b) { return sum(a, {1}) / sum(b, {1}); }},
        {"var", [](auto& a, auto& b) { return var(a, {0}) + var(b); }},
        {"max", [](auto& a, auto& b) { return max(a, {0}) + max(b); }},
        {"softmax", [](auto& a, auto& b) { return softmax(a, 0) + log_softmax(b, 1); }},
        {"logsumexp", [](auto& a, auto& b) { return logsumexp(a, 1) + logsumexp(b, 1); }},
        {"cumsum", [](auto& a, auto& b) { return cumsum(a, 0) + cumsum(b, 1, true); }},
        {"norm", [](auto& a, auto& b) { return norm(a) + sum(norm(b, {0})); }},
        {"fused sums",
         [](auto& a, auto& b) {
           return dot(a, b) + sum_squared_difference(a, b) + sum_absolute_difference(a, b) +
                  sum_bce_with_logits(a, b);
         }},
        {"functions",
         [](auto& a, auto& b) { return tanh(a) * sigmoid(b) + leaky_relu(a, 0.2) * gelu(b) + softplus(a); }},
        {"moves",
         [](auto& a, auto& b) {
           return flip(permute(a, {1, 0}), {0}) + pad(transpose(b), {{-1, 1}, {2, -2}});
         }},
        {"matmul", [](auto& a, auto& b) { return matmul(a, b, true); }},
    };
    for (const auto& [what, f] : functions)
      check_same_bits(what, [&](auto& v) { return std::vector<Var>{f(v[0], v[1])}; }, {x, y});
    check_same_bits("broadcasting", [&](auto& v) { return std::vector<Var>{v[0] * v[1] + v[2]}; },
                    {x, row, column});
    check_same_bits("rows",
                    [&](auto& v) {
                      return std::vector<Var>{add_rows(v[0], index, 97), take_rows(v[0], index)};
                    },
                    {x});
    check_same_bits("linear",
                    [&](auto& v) { return std::vector<Var>{linear(v[0], v[1], v[2], Activation::tanh)}; },
                    {x, input({129, 517}), input({129})});
  }
}

}  // namespace gesso::tests
