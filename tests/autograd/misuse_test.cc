// What must be refused or noticed, for every op: wrong inputs, NaN under AnomalyMode, values changed in place before the
// backward pass that needs them.
#include "tests/ops.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

namespace gesso::tests {
namespace {

/// The message of the Error that f throws, or empty.
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

bool finite(const std::vector<Var>& ys) {
  for (const Var& y : ys)
    for (double e : y.value().to_vector<double>())
      if (!std::isfinite(e)) return false;
  return true;
}

bool same_bits(const std::vector<Var>& a, const std::vector<Var>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].defined() != b[i].defined()) return false;
    if (a[i].defined() && a[i].value().bytes() &&
        std::memcmp(a[i].value().raw(), b[i].value().raw(), a[i].value().bytes()) != 0)
      return false;
  }
  return true;
}

std::vector<Var> ones_like(const std::vector<Var>& ys) {
  std::vector<Var> v;
  for (const Var& y : ys) v.push_back(tensor::ones(y.shape(), y.dtype()));
  return v;
}

std::vector<Var> copies(const std::vector<Var>& inputs) {
  std::vector<Var> out;
  for (const Var& x : inputs) out.push_back(parameter(x.value().clone()));
  return out;
}

/// Other values in the same storage: numbers 1 larger, masks inverted, indices 0.
void change(Tensor t) {
  if (t.dtype() == DType::b8)
    tensor::copy_(t, tensor::logical_not(t));
  else if (t.dtype() == DType::i64)
    tensor::fill_(t, 0);
  else
    tensor::add_(t, tensor::ones(t.shape(), t.dtype()));
}

/// Runs a sample, changes what `victim` picks, and differentiates: 1 if the change was noticed, 0 if it made no difference.
int noticed(const Op& op, const OpSample& sample,
            const std::function<Tensor(std::vector<Var>& x, OpOptions& o, std::vector<Var>& y)>& victim) {
  std::vector<Var> x = copies(sample.inputs);
  OpOptions o = sample.options;
  o.fixed = o.fixed.clone();
  std::vector<Var> y = op.f(x, o);
  const GradOptions options = {.grad_outputs = ones_like(y), .retain_graph = true, .allow_unused = true};
  const std::vector<Var> before = grad(y, x, options);
  change(victim(x, o, y));
  std::vector<Var> after;
  const std::string error = message([&] { after = grad(y, x, options); });
  if (contains(error, "changed in place")) return 1;
  CHECK(error == "");
  CHECK(same_bits(before, after));
  return 0;
}

}  // namespace

TEST_CASE("each wrong call is refused with a message that says what is wrong") {
  for (const Mistake& m : mistakes()) {
    INFO(std::string(m.op) << " should say: " << std::string(m.message));
    CHECK(find_op(m.op) != nullptr);
    const std::string said = message(m.call);
    INFO("it says: " << said);
    CHECK(contains(said, m.message));
  }
  CHECK(mistakes().size() >= 60);
}

TEST_CASE("an undefined input is refused by every op") {
  for (const Op& op : ops_table()) {
    Generator g(0);
    const OpSample sample = op.samples(g).front();
    for (std::size_t i = 0; i < sample.inputs.size(); ++i) {
      if (std::string(op.name) == "linear" && i == 2) continue;  // the bias is optional
      if (contains(op.name, "_layer") && i == 2) continue;
      if (contains(op.name, "norm") && i > 0) continue;  // gamma and beta are optional too
      std::vector<Var> x = sample.inputs;
      x[i] = Var();
      INFO(std::string(op.name) << ", input " << i);
      CHECK(message([&] { op.f(x, sample.options); }) != "");
    }
  }
}

TEST_CASE("AnomalyMode names the op whose value is not finite") {
  int planted = 0;
  for (const Op& op : ops_table()) {
    Generator g(1);
    for (const OpSample& s : op.samples(g))
      for (std::size_t i = 0; i < s.inputs.size(); ++i) {
        std::vector<Var> x = copies(s.inputs);
        if (x[i].size() == 0) continue;
        x[i].mutable_value().mutable_data<double>()[x[i].size() / 2] = NAN;
        const std::vector<Var> y = op.f(x, s.options);
        if (y[0].node() == x[i].node()) continue;  // nothing to do for this op: y is x
        const bool spreads = !finite(y);
        const std::string said = message([&] {
          const AnomalyMode on;
          op.f(x, s.options);
        });
        INFO(std::string(op.name) << ": " << s.text() << ", NaN in input " << i << "; it says: " << said);
        CHECK(contains(said, "anomaly: the value of ") == spreads);
        planted += spreads;
      }
  }
  CHECK(planted >= 500);
}

TEST_CASE("AnomalyMode names the op whose gradient is not finite") {
  int planted = 0;
  for (const Op& op : ops_table()) {
    Generator g(2);
    for (const OpSample& s : op.samples(g)) {
      const std::vector<Var> x = copies(s.inputs), y = op.f(x, s.options);
      if (!y[0].requires_grad() || y[0].node() == x[0].node() || y[0].size() * x[0].size() == 0) continue;
      std::vector<Var> v = ones_like(y);
      tensor::fill_(v[0].mutable_value(), NAN);
      const auto run = [&] {
        return grad(y, x, {.grad_outputs = v, .retain_graph = true, .allow_unused = true});
      };
      bool spreads = false;
      for (const Var& dx : run()) spreads = spreads || (dx.defined() && !finite({dx}));
      const std::string said = message([&] {
        const AnomalyMode on;
        run();
      });
      INFO(std::string(op.name) << ": " << s.text() << "; it says: " << said);
      CHECK(contains(said, "anomaly: ") == spreads);
      planted += spreads;
    }
  }
  CHECK(planted >= 300);
}

TEST_CASE("a value changed in place after the forward pass is noticed, or makes no difference") {
  int inputs = 0, outputs = 0, fixed = 0;
  for (const Op& op : ops_table()) {
    Generator g(5);
    for (const OpSample& s : op.samples(g)) {
      if (!op.f(copies(s.inputs), s.options)[0].requires_grad()) continue;
      INFO(std::string(op.name) << ": " << s.text());
      for (std::size_t i = 0; i < s.inputs.size(); ++i)
        inputs += noticed(op, s, [i](auto& x, auto&, auto&) { return x[i].mutable_value(); });
      outputs += noticed(op, s, [](auto&, auto&, auto& y) { return y[0].mutable_value(); });
      if (s.options.fixed.defined()) fixed += noticed(op, s, [](auto&, auto& o, auto&) { return o.fixed; });
    }
  }
  CHECK(inputs >= 200);  // as in mul, div, log, matmul
  CHECK(outputs >= 50);  // as in exp, tanh, softmax
  CHECK(fixed >= 15);    // as in where, take_rows
}

TEST_CASE("a change in place is noticed by the second derivative, too") {
  const Var x = parameter(Tensor::from({0.5, -1.5}));
  const Var dx = grad({sum(pow(x, 3))}, {x}, {.create_graph = true})[0];
  Tensor value = x.value();
  change(value);
  const std::string said = message([&] { sum(dx).backward(); });
  INFO(said);
  CHECK(contains(said, "changed in place afterwards"));
}

TEST_CASE("a change made before the forward pass is none") {
  Var x = parameter(Tensor::from({0.5, -1.5}));
  change(x.mutable_value());
  sum(x * x).backward();
  CHECK(x.grad().value().to_vector<double>() == std::vector<double>{3, -1});
}

}  // namespace gesso::tests
