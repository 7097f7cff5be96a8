// The engine: gradients flow from the outputs to the inputs, newest node first.
//
// A node's id is above those of its inputs, so descending ids are a topological order, and every node is visited once, when
// its gradient is complete. A heap of the nodes still to come yields that order; it is as small as the graph is narrow. An
// edge runs only if it leads to a requested input. Nothing recurses, and the search writes nothing into the graph, so
// that threads may differentiate graphs that share leaves.
#include "autograd/modes.h"
#include "autograd/ops.h"
#include "autograd/var.h"
#include "kernels/profile.h"

#include <algorithm>

namespace gesso {

class Engine {
 public:
  Engine(const std::vector<Var>& outputs, const std::vector<Var>& inputs, bool all_leaves)
      : all_leaves_(all_leaves) {
    collect(outputs);
    for (const Var& x : inputs)
      if (Visit* v = find(x.node().get())) v->requested = true;
    mark_needed();
  }

  struct Flags {
    bool create_graph, retain_graph, accumulate;
  };

  void seed(const Var& output, const Var& gradient) {
    if (Visit* v = find(output.node().get())) add(*v, gradient);
  }

  void run(const Flags& flags) {
    const Recording recording(flags.create_graph);
    const kernels::Phase phase("backward");
    for (Visit& v : visits_) {
      Node& node = *v.node;
      if (v.needed && !v.parts.empty()) join_parts(v);
      if (!v.needed || !v.gradient.defined()) continue;
      for (const auto& hook : node.hooks)
        if (Var replaced = hook(v.gradient)) {
          check_gradient(node, replaced);
          v.gradient = std::move(replaced);
        }
      const bool keep = all_leaves_ ? node.keeps_grad : v.requested || (node.keeps_grad && !node.leaf);
      if (flags.accumulate && keep) node.grad = node.grad.defined() ? node.grad + v.gradient : v.gradient;
      const bool followed = follow_edges(v);
      if (!v.requested) v.gradient = Var();
      if (followed && !flags.create_graph && !flags.retain_graph) {
        node.edges.clear();
        node.join = nullptr;
        node.output = Tensor();
        node.freed = true;
      }
    }
  }

  Var gradient_of(const Var& x) {
    const Visit* v = find(x.node().get());
    return v ? v->gradient : Var();
  }

 private:
  struct Visit {
    std::shared_ptr<Node> node;
    std::size_t first_edge;  // targets_[first_edge + i] is the visit that edge i leads to
    Var gradient = {};
    std::vector<Var> parts = {};  // of `gradient`, for an op with several results
    bool requested = false, needed = false;
  };

  /// All nodes the outputs depend on.
  void collect(const std::vector<Var>& outputs) {
    constexpr std::size_t kNoEdge = static_cast<std::size_t>(-1);
    struct Pending {
      const std::shared_ptr<Node>* node;
      std::size_t edge;
    };
    std::vector<Pending> heap;
    const auto older = [](const Pending& a, const Pending& b) { return (*a.node)->id < (*b.node)->id; };
    const auto push = [&](const std::shared_ptr<Node>& node, std::size_t edge) {
      heap.push_back({&node, edge});
      std::push_heap(heap.begin(), heap.end(), older);
    };
    for (const Var& y : outputs) {
      check(y.requires_grad(), "backward: an output {} depends on nothing that requires a gradient",
            y.shape());
      push(y.node(), kNoEdge);
    }
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), older);
      const auto [node, edge] = heap.back();
      heap.pop_back();
      if (visits_.empty() || visits_.back().node != *node) {
        check(!(*node)->freed,
              "backward: the graph of {} {} was freed by an earlier backward; pass retain_graph = true there",
              (*node)->name, (*node)->shape);
        visits_.push_back({*node, targets_.size()});
        for (const Edge& e : (*node)->edges) {
          push(e.to, targets_.size());
          targets_.push_back(0);
        }
      }
      if (edge != kNoEdge) targets_[edge] = visits_.size() - 1;
    }
  }

  void mark_needed() {
    for (auto v = visits_.rbegin(); v != visits_.rend(); ++v) {
      const Node& node = *v->node;
      v->needed = v->requested || all_leaves_;  // every node leads to some leaf
      for (std::size_t i = 0; i < node.edges.size(); ++i)
        v->needed = v->needed || visits_[targets_[v->first_edge + i]].needed;
    }
  }

  Visit* find(const Node* node) {
    if (!node) return nullptr;
    const auto at = std::lower_bound(visits_.begin(), visits_.end(), node->id,
                                     [](const Visit& v, std::uint64_t id) { return v.node->id > id; });
    return at != visits_.end() && at->node.get() == node ? &*at : nullptr;
  }

  static void check_gradient(const Node& node, const Var& gradient) {
    check(gradient.shape() == node.shape && gradient.dtype() == node.dtype,
          "backward: the gradient {} {} of {} should be {} {}", name(gradient.dtype()), gradient.shape(),
          node.name, name(node.dtype), node.shape);
  }

  void add(Visit& v, const Var& gradient) {
    check_gradient(*v.node, gradient);
    v.gradient = v.gradient.defined() ? v.gradient + gradient : gradient;
  }

  /// A result of an op with several is one node, so nothing is there yet.
  static void put(Visit& v, std::size_t part, const Var& gradient) {
    if (v.parts.size() <= part) v.parts.resize(part + 1);
    v.parts[part] = gradient;
  }

  static void join_parts(Visit& v) {
    const Running now(v.node->name);
    v.gradient = v.node->join(v.parts);
    check_gradient(*v.node, v.gradient);
    if (modes().anomaly) check_finite("a gradient", v.node->name, v.gradient.value());
    v.parts.clear();
  }

  /// False if none of them leads to a requested input.
  bool follow_edges(const Visit& v) {
    const Node& node = *v.node;
    bool followed = false;
    Var y;
    if (node.output.defined()) {
      y = attach(node.output, v.node);
      y.version_ = node.output_version;
    }
    for (std::size_t i = 0; i < node.edges.size(); ++i) {
      Visit& to = visits_[targets_[v.first_edge + i]];
      if (!to.needed) continue;
      followed = true;
      const Var dx = [&] {
        const Running now(node.name);
        return node.edges[i].f(v.gradient, y);
      }();
      if (!dx.defined()) continue;
      if (modes().anomaly) check_finite("a gradient", node.name, dx.value());
      if (const int part = node.edges[i].part; part >= 0)
        put(to, static_cast<std::size_t>(part), dx);
      else
        add(to, dx);
    }
    return followed;
  }

  /// Tells Var::value() that an edge of this op is running.
  struct Running {
    explicit Running(const char* op) : outer(std::exchange(modes().running, op)) {}
    ~Running() { modes().running = outer; }
    const char* outer;
  };

  std::vector<Visit> visits_;  // newest first
  std::vector<std::size_t> targets_;
  bool all_leaves_;
};

namespace {

Var seed_of(const Var& output, const Var& given) {
  if (given.defined()) return given;
  check(output.size() == 1, "backward: an output {} has {} elements; give the gradient to start from",
        output.shape(), output.size());
  return tensor::ones(output.shape(), output.dtype(), output.device());
}

}  // namespace

void Var::backward() const { backward({}); }

void Var::backward(const BackwardOptions& options) const {
  Engine engine({*this}, options.inputs, options.inputs.empty());
  engine.seed(*this, seed_of(*this, options.gradient));
  engine.run({options.create_graph, options.retain_graph, true});
}

std::vector<Var> grad(const std::vector<Var>& outputs, const std::vector<Var>& inputs,
                      const GradOptions& options) {
  check(options.grad_outputs.empty() || options.grad_outputs.size() == outputs.size(),
        "grad: {} outputs, {} gradients to start from", outputs.size(), options.grad_outputs.size());
  Engine engine(outputs, inputs, false);
  for (std::size_t i = 0; i < outputs.size(); ++i)
    engine.seed(outputs[i],
                seed_of(outputs[i], options.grad_outputs.empty() ? Var() : options.grad_outputs[i]));
  engine.run({options.create_graph, options.retain_graph, false});
  std::vector<Var> result;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    result.push_back(engine.gradient_of(inputs[i]));
    check(
        result.back().defined() || options.allow_unused,
        "grad: input {} {} has no influence on the outputs; allow_unused = true gives an undefined gradient",
        i, inputs[i].shape());
  }
  return result;
}

}  // namespace gesso
