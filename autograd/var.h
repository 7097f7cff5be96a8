// Var = a Tensor and how it came to be. Reverse-mode automatic differentiation, to any order.
//
// An op computes its value and leaves one edge per input: a function from the gradient of its output to
// the gradient of that input, written in Var ops. Running the edges with recording on builds the graph
// of the gradient, which can be differentiated again; there is no other backward.
//
//   Var mul(const Var& a, const Var& b) {
//     return make("mul", tensor::mul(a.value(), b.value()),
//                 edge(a, [b, s = a.shape()](const Var& dy) { return sum_to(dy * b, s); }),
//                 edge(b, [a, s = b.shape()](const Var& dy) { return sum_to(dy * a, s); }));
//   }
//
// Rules for edges: capture by copy, capture inputs only. An edge that needs the op's own output takes it as a
// second argument, `[](const Var& dy, const Var& y)`, because a captured output would keep its own node alive
// for ever. A gradient that is zero by structure is absent: leave the edge out, or return an undefined Var{}.
//
// In-place updates: a Var remembers the version its storage had when the Var was copied,
// and reading its value while edges run compares the two. So an edge whose captured
// input was changed in place afterwards throws instead of being wrong.
#pragma once

#include "tensor/tensor.h"

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gesso {

struct Node;

class Var {
 public:
  Var() = default;  // undefined
  /// A constant: no gradient flows into it.
  Var(Tensor value) : value_(std::move(value)), version_(value_.version()) {}
  Var(const Var& o) : value_(o.value_), node_(o.node_), version_(o.value_.version()) {}
  Var(Var&&) noexcept = default;
  Var& operator=(const Var& o) { return *this = Var(o); }
  Var& operator=(Var&&) noexcept = default;

  bool defined() const { return value_.defined(); }
  explicit operator bool() const { return defined(); }
  /// The value. Throws when it was changed in place after an edge that is now running captured it.
  const Tensor& value() const;
  const Shape& shape() const { return value_.shape(); }
  int rank() const { return value_.rank(); }
  std::int64_t dim(int i) const { return value_.dim(i); }
  std::int64_t size() const { return value_.size(); }
  DType dtype() const { return value_.dtype(); }
  Device device() const { return value_.device(); }
  double item() const { return value().item(); }

  /// The value, to be changed in place by an optimizer or an initialisation.
  Tensor& mutable_value() { return value_; }

  bool requires_grad() const { return node_ != nullptr; }
  /// Made by the user rather than by an op; backward() adds to its grad().
  bool is_leaf() const;
  /// What backward() has summed up here; undefined before. It may share its storage with
  /// other gradients, so replace it by set_grad() rather than in place; after a backward
  /// that created a graph it owns that graph, this leaf included.
  const Var& grad() const;
  void set_grad(Var grad);
  /// Lets backward() keep the gradient of a Var that is not a leaf.
  void retain_grad();
  /// Calls f with the gradient of this Var when backward() or grad()
  /// has it in full; a defined result replaces it.
  void register_hook(std::function<Var(const Var&)> f);

  /// The same value without its history. A view.
  Var detach() const { return Var(value()); }
  Var reshape(const Shape& shape) const;

  struct BackwardOptions;
  /// Adds the gradient of this Var to grad() of the leaves it depends on (or of `inputs` alone).
  void backward() const;
  void backward(const BackwardOptions& options) const;

  const std::shared_ptr<Node>& node() const { return node_; }

 private:
  friend struct Node;
  friend class Engine;
  friend Var parameter(Tensor value);
  friend Var attach(Tensor value, std::shared_ptr<Node> node);
  Tensor value_;
  std::shared_ptr<Node> node_;
  std::uint32_t version_ = 0;
};

/// A Var of `value` with the given place in the graph; for the engine and for ops that fuse several nodes.
Var attach(Tensor value, std::shared_ptr<Node> node);

/// A leaf that wants a gradient.
Var parameter(Tensor value);

struct Var::BackwardOptions {
  std::vector<Var> inputs = {};  // only these receive gradients; empty: every leaf
  Var gradient = {};          // of the final result with respect to this Var; 1 when absent, for one element
  bool retain_graph = false;  // keep the edges for another backward
  bool create_graph = false;  // record the gradient's own graph (implies retain_graph)
};

struct GradOptions {
  std::vector<Var> grad_outputs = {};  // one per output; absent ones are 1, for outputs of one element
  bool create_graph = false;
  bool retain_graph = false;
  bool allow_unused = false;  // an input without influence gets an undefined Var instead of an error
};
/// d(sum_i grad_outputs_i . outputs_i) / d(inputs), without touching anybody's grad().
std::vector<Var> grad(const std::vector<Var>& outputs, const std::vector<Var>& inputs,
                      const GradOptions& options = {});

/// While it lives, ops on this thread leave no edges.
class NoGrad {
 public:
  explicit NoGrad(bool active = true);
  ~NoGrad();
  NoGrad(const NoGrad&) = delete;
  NoGrad& operator=(const NoGrad&) = delete;

 private:
  bool before_;
};
bool grad_enabled();

/// While it lives, every value and every gradient on this thread is checked: the first NaN or
/// infinity throws an Error that names its op. Slow, for finding where a training run broke.
class AnomalyMode {
 public:
  AnomalyMode();
  ~AnomalyMode();
  AnomalyMode(const AnomalyMode&) = delete;
  AnomalyMode& operator=(const AnomalyMode&) = delete;

 private:
  bool before_;
};

// ---- how ops are made ----

struct Edge {
  std::shared_ptr<Node> to;  // null: no gradient wanted here
  std::function<Var(const Var& dy, const Var& y)> f;
  bool wants_output = false;
  int part = -1;  // of an op with several results, which of them this gradient is for
};
/// One gradient from those of an op's several results, undefined where none came.
using Join = std::function<Var(const std::vector<Var>& parts)>;

/// One op in the graph, or a leaf.
struct Node {
  const char* name;
  std::uint64_t id;  // grows with time, so an input's is below its user's
  Shape shape;
  DType dtype;
  std::vector<Edge> edges;
  Join join;      // only of an op with several results
  Tensor output;  // only where an edge wants it
  std::uint32_t output_version = 0;
  bool leaf = false, keeps_grad = false, freed = false;
  Var grad;
  std::vector<std::function<Var(const Var&)>> hooks;

  Node(const char* name, const Shape& shape, DType dtype);
  ~Node();
};

template <class F>
Edge edge(const Var& x, F&& f) {
  if (!grad_enabled() || !x.requires_grad()) return {};
  if constexpr (std::invocable<F&, const Var&, const Var&>)
    return {x.node(), std::forward<F>(f), true};
  else
    return {x.node(), [g = std::forward<F>(f)](const Var& dy, const Var&) { return g(dy); }, false};
}

/// The Var of an op: its value and the edges that lead somewhere.
Var make(const char* name, Tensor value, std::vector<Edge> edges);

template <class... Edges>
requires(std::same_as<Edges, Edge>&&...) Var make(const char* name, Tensor value, Edges... edges) {
  std::vector<Edge> live;
  if ((edges.to || ...)) {
    live.reserve(sizeof...(edges));
    (live.push_back(std::move(edges)), ...);
  }
  return make(name, std::move(value), std::move(live));
}

/// A place in the graph without a value, for an op inside a fused kernel:
/// only its edges matter. Undefined if none leads anywhere.
Var without_value(const char* name, const Shape& shape, DType dtype, std::vector<Edge> edges);

/// The results of an op that has several. Its gradient is what `join` makes of theirs, so that what they share is computed
/// once: the gradient of `shape` that the edges lead on from.
std::vector<Var> make_parts(const char* name, const std::vector<Tensor>& values, const Shape& shape,
                            Join join, std::vector<Edge> edges);

}  // namespace gesso
