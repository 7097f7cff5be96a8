#include "autograd/var.h"

#include "autograd/modes.h"
#include "tensor/ops.h"

#include <atomic>
#include <cmath>

namespace gesso {
namespace {

std::atomic<std::uint64_t> next_id{0};

}  // namespace

Modes& modes() {
  thread_local Modes m;
  return m;
}

bool grad_enabled() { return modes().grad; }
NoGrad::NoGrad(bool active) : before_(modes().grad) { modes().grad = before_ && !active; }
NoGrad::~NoGrad() { modes().grad = before_; }
AnomalyMode::AnomalyMode() : before_(std::exchange(modes().anomaly, true)) {}
AnomalyMode::~AnomalyMode() { modes().anomaly = before_; }

void check_finite(const char* what, const char* op, const Tensor& t) {
  if (t.dtype() != DType::f32 && t.dtype() != DType::f64) return;
  const std::vector<double> v = t.to_vector<double>();
  for (std::size_t i = 0; i < v.size(); ++i)
    check(std::isfinite(v[i]), "anomaly: {} of {} {} is {} at element {}", what, op, t.shape(), v[i], i);
}

Node::Node(const char* op, const Shape& s, DType t)
    : name(op), id(next_id.fetch_add(1, std::memory_order_relaxed)), shape(s), dtype(t) {}

/// A chain of a million nodes must not recurse a million times: the
/// nodes this one held last are released one by one.
Node::~Node() {
  if (join) edges.push_back({nullptr, [last = std::move(join)](const Var&, const Var&) { return Var(); }});
  thread_local std::vector<Edge>* releasing = nullptr;
  if (releasing) {
    for (Edge& e : edges) releasing->push_back(std::move(e));
    return;
  }
  std::vector<Edge> pending = std::move(edges);
  releasing = &pending;
  while (!pending.empty()) {
    const Edge last = std::move(pending.back());
    pending.pop_back();
  }
  releasing = nullptr;
}

const Tensor& Var::value() const {
  if (const char* op = modes().running; op && defined())
    check(version_ == value_.version(),
          "backward of {}: a {} tensor it needs was changed in place afterwards (version {}, was {})", op,
          shape(), value_.version(), version_);
  return value_;
}

bool Var::is_leaf() const { return !node_ || node_->leaf; }

const Var& Var::grad() const {
  check(node_ != nullptr, "grad: this Var {} requires none", shape());
  return node_->grad;
}
void Var::set_grad(Var g) {
  check(node_ != nullptr, "set_grad: this Var {} requires none", shape());
  node_->grad = std::move(g);
}
void Var::retain_grad() {
  check(node_ != nullptr, "retain_grad: this Var {} requires no gradient", shape());
  node_->keeps_grad = true;
}
void Var::register_hook(std::function<Var(const Var&)> f) {
  check(node_ != nullptr, "register_hook: this Var {} requires no gradient", shape());
  node_->hooks.push_back(std::move(f));
}

Var attach(Tensor value, std::shared_ptr<Node> node) {
  Var v(std::move(value));
  v.node_ = std::move(node);
  return v;
}

Var parameter(Tensor value) {
  check(value.dtype() == DType::f32 || value.dtype() == DType::f64, "parameter: {} {} cannot have a gradient",
        name(value.dtype()), value.shape());
  auto node = std::make_shared<Node>("parameter", value.shape(), value.dtype());
  node->leaf = node->keeps_grad = true;
  return attach(std::move(value), std::move(node));
}

Var make(const char* name, Tensor value, std::vector<Edge> edges) {
  if (modes().anomaly) check_finite("the value", name, value);
  const Var place = without_value(name, value.shape(), value.dtype(), std::move(edges));
  if (!place.requires_grad()) return Var(std::move(value));
  Node& node = *place.node();
  for (const Edge& e : node.edges)
    if (e.wants_output) {
      node.output = value;
      node.output_version = value.version();
    }
  return attach(std::move(value), place.node());
}

Var without_value(const char* name, const Shape& shape, DType dtype, std::vector<Edge> edges) {
  std::erase_if(edges, [](const Edge& e) { return !e.to; });
  if (edges.empty()) return {};
  auto node = std::make_shared<Node>(name, shape, dtype);
  node->edges = std::move(edges);
  return attach({}, std::move(node));
}

std::vector<Var> make_parts(const char* name, const std::vector<Tensor>& values, const Shape& shape,
                            Join join, std::vector<Edge> edges) {
  const Var whole = without_value(name, shape, values.at(0).dtype(), std::move(edges));
  if (whole.requires_grad())
    whole.node()->join = [n = values.size(), join = std::move(join)](std::vector<Var> parts) {
      parts.resize(n);
      return join(parts);
    };
  std::vector<Var> results;
  for (const Tensor& value : values) {
    Edge up = edge(whole, [](const Var& dy) { return dy; });
    up.part = static_cast<int>(results.size());
    results.push_back(make(name, value, std::move(up)));
  }
  return results;
}

}  // namespace gesso
