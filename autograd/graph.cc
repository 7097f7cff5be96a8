#include "autograd/graph.h"

#include <algorithm>
#include <unordered_map>

namespace gesso {
namespace {

/// The nodes behind y numbered from 1 in the order they were made, so
/// that the same program prints the same text.
std::unordered_map<const Node*, int> numbered(const Var& y) {
  std::vector<const Node*> nodes;
  std::unordered_map<const Node*, int> number;
  if (y.requires_grad()) nodes.push_back(y.node().get());
  for (std::size_t i = 0; i < nodes.size(); ++i)
    for (const Edge& e : nodes[i]->edges)
      if (number.try_emplace(e.to.get(), 0).second) nodes.push_back(e.to.get());
  std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->id < b->id; });
  for (std::size_t i = 0; i < nodes.size(); ++i) number[nodes[i]] = static_cast<int>(i) + 1;
  return number;
}

}  // namespace

std::string graph_text(const Var& y) {
  if (!y.requires_grad()) return fmt::format("constant {}\n", y.shape());
  const auto number = numbered(y);
  std::vector<bool> written(number.size() + 1);
  struct Line {
    const Node* node;
    std::size_t indent;
  };
  std::vector<Line> pending{{y.node().get(), 0}};
  std::string out;
  while (!pending.empty()) {
    const auto [node, indent] = pending.back();
    pending.pop_back();
    const int k = number.at(node);
    const bool again = written[static_cast<std::size_t>(k)];
    written[static_cast<std::size_t>(k)] = true;
    out += fmt::format("{:{}}{} {} #{}{}\n", "", indent, node->name, node->shape, k,
                       again && !node->leaf ? ", as above" : "");
    if (again) continue;
    for (auto e = node->edges.rbegin(); e != node->edges.rend(); ++e)
      pending.push_back({e->to.get(), indent + 2});
  }
  return out;
}

std::string graph_dot(const Var& y) {
  std::vector<std::pair<int, const Node*>> nodes;
  const auto number = numbered(y);
  for (const auto& [node, k] : number) nodes.emplace_back(k, node);
  std::sort(nodes.begin(), nodes.end());
  std::string out = "digraph {\n  rankdir = BT;\n  node [shape = box, fontname = \"sans-serif\"];\n";
  for (const auto& [k, node] : nodes) {
    out += fmt::format("  n{} [label = \"{}\\n{}\"{}];\n", k, node->name, node->shape,
                       node->leaf ? ", style = filled, fillcolor = lightblue" : "");
    for (const Edge& e : node->edges) out += fmt::format("  n{} -> n{};\n", number.at(e.to.get()), k);
  }
  return out + "}\n";
}

}  // namespace gesso
