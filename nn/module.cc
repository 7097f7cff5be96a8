#include "nn/module.h"

#include <set>

namespace gesso::nn {
namespace {

/// Calls `parameter`, `buffer` and `child` with the full name of each part, depth first.
template <class P, class B, class C>
class Walk : public Parts {
 public:
  Walk(P parameter, B buffer, C child) : parameter_(parameter), buffer_(buffer), child_(child) {}

  void operator()(const std::string& name, Var& v) override {
    if (v.defined()) parameter_(prefix_ + name, v);
  }
  void operator()(const std::string& name, Tensor& t) override {
    if (t.defined()) buffer_(prefix_ + name, t);
  }
  void operator()(const std::string& name, Module& m) override {
    child_(m);
    const std::size_t outside = prefix_.size();
    prefix_ += name + ".";
    m.parts(*this);
    prefix_.resize(outside);
  }

 private:
  P parameter_;
  B buffer_;
  C child_;
  std::string prefix_;
};

constexpr auto kNothing = [](auto&&...) {};

template <class P, class B, class C>
void walk(Module& m, P parameter, B buffer, C child) {
  Walk<P, B, C> w(parameter, buffer, child);
  m.parts(w);
}

}  // namespace

std::vector<std::pair<std::string, Var*>> named_parameters(Module& m) {
  std::vector<std::pair<std::string, Var*>> found;
  std::set<const std::byte*> seen;  // a tied parameter is another handle on the same storage
  walk(
      m,
      [&](const std::string& name, Var& v) {
        if (v.size() == 0 || seen.insert(v.value().raw()).second) found.emplace_back(name, &v);
      },
      kNothing, kNothing);
  return found;
}

std::vector<std::pair<std::string, Tensor*>> named_buffers(Module& m) {
  std::vector<std::pair<std::string, Tensor*>> found;
  walk(
      m, kNothing, [&](const std::string& name, Tensor& t) { found.emplace_back(name, &t); }, kNothing);
  return found;
}

std::vector<Var> parameters(Module& m) {
  std::vector<Var> found;
  for (const auto& [name, v] : named_parameters(m)) found.push_back(*v);
  return found;
}

std::int64_t parameter_count(Module& m) {
  std::int64_t n = 0;
  for (const auto& [name, v] : named_parameters(m)) n += v->size();
  return n;
}

State state(Module& m) {
  State s;
  const auto add = [&s](const std::string& name, const Tensor& t) {
    check(s.emplace(name, t).second, "state: two parts of the module are called \"{}\"", name);
  };
  walk(
      m, [&](const std::string& name, Var& v) { add(name, v.value()); }, add, kNothing);
  return s;
}

std::string state_mismatch(const State& wanted, const State& given) {
  std::string problems;
  const auto tell = [&problems](const std::string& problem) {
    problems += (problems.empty() ? "" : "; ") + problem;
  };
  for (const auto& [name, t] : wanted) {
    const auto it = given.find(name);
    if (it == given.end())
      tell(fmt::format("missing \"{}\"", name));
    else if (it->second.shape() != t.shape() || it->second.dtype() != t.dtype())
      tell(fmt::format("\"{}\" is {} {}, wanted {} {}", name, gesso::name(it->second.dtype()),
                       it->second.shape(), gesso::name(t.dtype()), t.shape()));
  }
  for (const auto& [name, t] : given)
    if (!wanted.contains(name)) tell(fmt::format("unexpected \"{}\"", name));
  return problems;
}

void load_state(Module& m, const State& s) {
  State own = state(m);
  const std::string problems = state_mismatch(own, s);
  check(problems.empty(), "load_state: the state does not fit the module: {}", problems);
  for (auto& [name, t] : own)
    if (t.raw() != s.at(name).raw()) tensor::copy_(t, s.at(name));
}

void set_training(Module& m, bool training) {
  m.training = training;
  walk(m, kNothing, kNothing, [training](Module& child) { child.training = training; });
}

void zero_grad(Module& m) {
  for (const auto& [name, v] : named_parameters(m))
    if (v->requires_grad()) v->set_grad({});
}

namespace {

/// Every parameter and buffer t replaced by convert(t); a parameter that is converted becomes a new leaf.
template <class Convert>
void convert_parts(Module& m, const Convert& convert) {
  std::map<std::shared_ptr<Node>, Var> converted;
  walk(
      m,
      [&](const std::string&, Var& v) {
        if (const auto once = converted.find(v.node()); v.requires_grad() && once != converted.end()) {
          v = once->second;
          return;
        }
        const Tensor t = convert(v.value());
        if (t.raw() == v.value().raw()) return;
        const auto before = v.node();
        v = before ? parameter(t) : Var(t);
        if (before) converted.emplace(before, v);
      },
      [&](const std::string&, Tensor& t) { t = convert(t); }, kNothing);
}

}  // namespace

void to(Module& m, DType dtype) {
  check(dtype == DType::f32 || dtype == DType::f64, "to: modules compute in f32 or f64, not {}", name(dtype));
  const auto floating = [](DType t) { return t == DType::f32 || t == DType::f64; };
  convert_parts(m, [=](const Tensor& t) { return floating(t.dtype()) ? t.to(dtype) : t; });
}

void to(Module& m, Device device) {
  convert_parts(m, [=](const Tensor& t) { return t.to(device); });
}

std::string text(Module& m) {
  class Children : public Parts {
   public:
    std::string lines;
    void operator()(const std::string&, Var&) override {}
    void operator()(const std::string&, Tensor&) override {}
    void operator()(const std::string& name, Module& child) override {
      lines += "  (" + name + "): ";
      for (const char c : text(child)) lines += c == '\n' ? "\n  " : std::string(1, c);
      lines += '\n';
    }
  } children;
  m.parts(children);
  return children.lines.empty() ? m.title() : m.title() + "(\n" + children.lines + ")";
}

}  // namespace gesso::nn
