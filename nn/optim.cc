#include "nn/optim.h"

#include "kernels/profile.h"
#include "tensor/replay.h"
#include "tensor/walk.h"

#include <cmath>
#include <functional>
#include <set>
#include <tuple>

namespace gesso::nn {
namespace {

using kernels::Kernels;
template <class T>
using Slices = std::vector<kernels::ParameterSlice<T>>;

/// Throws unless low <= value < high.
void check_range(const char* rule, const char* what, double value, double low, double high) {
  check(value >= low && value < high, "{}: {} is {}, not in [{}, {})", rule, what, value, low, high);
}

constexpr double kInfinity = HUGE_VAL;

void check_rule(const Sgd& r) {
  check_range("Sgd", "momentum", r.momentum, 0, kInfinity);
  check_range("Sgd", "dampening", r.dampening, -kInfinity, kInfinity);
  check_range("Sgd", "weight_decay", r.weight_decay, 0, kInfinity);
  check(!r.nesterov || (r.momentum > 0 && r.dampening == 0),
        "Sgd: nesterov needs a momentum, and no dampening");
}
template <class AdamRule>
void check_adam(const char* rule, const AdamRule& r) {
  check_range(rule, "beta1", r.beta1, 0, 1);
  check_range(rule, "beta2", r.beta2, 0, 1);
  check_range(rule, "eps", r.eps, 0, kInfinity);
  check_range(rule, "weight_decay", r.weight_decay, 0, kInfinity);
}
void check_rule(const Adam& r) { check_adam("Adam", r); }
void check_rule(const AdamW& r) { check_adam("AdamW", r); }
void check_rule(const Rmsprop& r) {
  check_range("Rmsprop", "alpha", r.alpha, 0, 1);
  check_range("Rmsprop", "eps", r.eps, 0, kInfinity);
  check_range("Rmsprop", "weight_decay", r.weight_decay, 0, kInfinity);
}

bool keeps_m(const Sgd& r) { return r.momentum != 0; }
bool keeps_m(const Rmsprop&) { return false; }
bool keeps_m(const auto&) { return true; }
bool keeps_v(const Sgd&) { return false; }
bool keeps_v(const auto&) { return true; }

/// What one step is told beside the rule: the slices have all taken t steps, this one included.
struct Moment {
  double lr, grad_scale;
  std::int64_t t;
};

using Next = std::function<Moment()>;  // counts a step

/// For a kernel that is told its numbers when it is asked for: a recording would keep those of one step.
Moment told_now(const char* rule, const Next& next) {
  check(!tensor::Replay::recording(), "{}: its steps cannot be recorded yet; Adam's can", rule);
  return next();
}

template <class T>
void apply(const Sgd& r, const Next& next, const Kernels<T>& k, const Slices<T>& s) {
  const Moment now = told_now("Sgd", next);
  k.sgd({now.lr, r.momentum, r.dampening, r.weight_decay, r.nesterov, now.t == 1, now.grad_scale},
        static_cast<int>(s.size()), s.data());
}
template <class T, class AdamRule>
void apply_adam(const AdamRule& r, bool decoupled, const Next& next, const Kernels<T>& k,
                const Slices<T>& s) {
  struct Paced {
    kernels::AdamStep step;
    kernels::AdamPace pace;
  };
  const auto paced = tensor::moving<Paced>([r, decoupled, next]() -> Paced {
    const Moment now = next();
    const auto t = static_cast<double>(now.t);
    const kernels::AdamStep step{now.lr,
                                 r.beta1,
                                 r.beta2,
                                 r.eps,
                                 r.weight_decay,
                                 decoupled,
                                 1 - std::pow(r.beta1, t),
                                 1 - std::pow(r.beta2, t),
                                 now.grad_scale};
    return {step, step.pace()};
  });
  kernels::AdamStep step = paced.now.step;
  if (paced.on_device) step.moving = &paced.on_device->pace;
  k.adam(step, static_cast<int>(s.size()), s.data());
}
template <class T>
void apply(const Adam& r, const Next& next, const Kernels<T>& k, const Slices<T>& s) {
  apply_adam(r, false, next, k, s);
}
template <class T>
void apply(const AdamW& r, const Next& next, const Kernels<T>& k, const Slices<T>& s) {
  apply_adam(r, true, next, k, s);
}
template <class T>
void apply(const Rmsprop& r, const Next& next, const Kernels<T>& k, const Slices<T>& s) {
  const Moment now = told_now("Rmsprop", next);
  k.rmsprop({now.lr, r.alpha, r.eps, r.weight_decay, now.grad_scale}, static_cast<int>(s.size()), s.data());
}

bool has_grad(const Var& w) { return w.requires_grad() && w.grad().defined(); }

}  // namespace

Optimizer::Optimizer(const Parameters& parameters, const Rule& rule) : rule_(rule) {
  check(!parameters.empty(), "Optimizer: no parameters to optimize");
  std::visit([](const auto& r) { check_rule(r); }, rule_);
  lr = std::visit([](const auto& r) { return r.lr; }, rule_);
  check_range("Optimizer", "lr", lr, 0, kInfinity);
  std::set<std::string> names;
  std::set<const std::byte*> storage;
  for (const auto& [name, w] : parameters) {
    check(names.insert(name).second, "Optimizer: two parameters are called \"{}\"", name);
    check(w->size() == 0 || storage.insert(w->value().raw()).second,
          "Optimizer: \"{}\" is also given under another name", name);
    Slot slot{name, *w, {}, {}, tensor::zeros({}, DType::i64)};
    if (std::visit([](const auto& r) { return keeps_m(r); }, rule_))
      slot.m = tensor::zeros(w->shape(), w->dtype(), w->device());
    if (std::visit([](const auto& r) { return keeps_v(r); }, rule_))
      slot.v = tensor::zeros(w->shape(), w->dtype(), w->device());
    slots_.push_back(std::move(slot));
  }
}

void Optimizer::step(double grad_scale) {
  const kernels::Phase phase("optimizer");
  check_range("step", "lr", lr, 0, kInfinity);
  // One kernel call for the parameters of one device and dtype that have taken equally many steps: as a rule, for all.
  std::map<std::tuple<Device, DType, std::int64_t>, std::vector<Slot*>> groups;
  for (Slot& s : slots_) {
    if (!has_grad(s.w)) continue;
    const Var& dw = s.w.grad();
    check(dw.shape() == s.w.shape() && dw.dtype() == s.w.dtype(), "step: \"{}\" is {} {}, its gradient {} {}",
          s.name, name(s.w.dtype()), s.w.shape(), name(dw.dtype()), dw.shape());
    tensor::check_same_device("step", s.w.value(), dw.value());
    groups[{s.w.device(), s.w.dtype(), *s.step.data<std::int64_t>() + 1}].push_back(&s);
  }
  for (const auto& [key, group] : groups) {
    const Next next = [this, grad_scale, slots = group] {
      std::int64_t t = 0;
      for (Slot* s : slots) t = ++*s->step.mutable_data<std::int64_t>();
      return Moment{lr, grad_scale, t};
    };
    tensor::with_kernels("step", group.front()->w.value(), [&]<class T>(const Kernels<T>& k) {
      Slices<T> slices;
      for (Slot* s : group) {
        slices.push_back({s->w.size(), s->w.mutable_value().mutable_device_data<T>(),
                          s->w.grad().value().template device_data<T>(),
                          s->m ? s->m.mutable_device_data<T>() : nullptr,
                          s->v ? s->v.mutable_device_data<T>() : nullptr});
      }
      std::visit([&](const auto& rule) { apply(rule, next, k, slices); }, rule_);
    });
  }
}

void Optimizer::zero_grad() {
  for (Slot& s : slots_)
    if (s.w.requires_grad()) s.w.set_grad({});
}

State Optimizer::state() const {
  State s;
  for (const Slot& slot : slots_) {
    s.emplace(slot.name + ".step", slot.step);
    if (slot.m) s.emplace(slot.name + ".m", slot.m);
    if (slot.v) s.emplace(slot.name + ".v", slot.v);
  }
  return s;
}

void Optimizer::load_state(const State& s) {
  State own = state();
  const std::string problems = state_mismatch(own, s);
  check(problems.empty(), "load_state: the state does not fit the optimizer: {}", problems);
  for (auto& [name, t] : own)
    if (t.raw() != s.at(name).raw()) tensor::copy_(t, s.at(name));
}

double grad_norm(const std::vector<Var>& parameters) {
  double squares = 0;
  for (const Var& w : parameters)
    if (has_grad(w))
      squares += tensor::sum_binary(kernels::Binary::mul, w.grad().value(), w.grad().value()).item();
  return std::sqrt(squares);
}

double clip_coefficient(double norm, double max_norm) {
  check(max_norm >= 0, "clip_coefficient: a largest norm of {}", max_norm);
  const double c = max_norm / (norm + 1e-6);  // PyTorch's guard against a norm of 0
  return c > 1 ? 1 : c;
}

double clip_grad_norm(const std::vector<Var>& parameters, double max_norm) {
  const double norm = grad_norm(parameters), c = clip_coefficient(norm, max_norm);
  if (c == 1) return norm;
  for (Var w : parameters)
    if (has_grad(w)) w.set_grad(tensor::mul(w.grad().value(), c));
  return norm;
}

void clip_grad_value(const std::vector<Var>& parameters, double limit) {
  check(limit >= 0, "clip_grad_value: a limit of {}", limit);
  for (Var w : parameters)
    if (has_grad(w)) w.set_grad(tensor::unary(kernels::Unary::clamp, w.grad().value(), {-limit, limit}));
}

}  // namespace gesso::nn
