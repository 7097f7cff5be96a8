// The graph behind a Var, to look at.
#pragma once

#include "autograd/var.h"

#include <string>

namespace gesso {

/// One line a node, inputs indented below their user, shared nodes written once: "mul (3,2) #12".
std::string graph_text(const Var& y);
/// Graphviz DOT: `dot -Tsvg`.
std::string graph_dot(const Var& y);

}  // namespace gesso
