#include "autograd/ops_table.h"

#include "autograd/ops_samples.h"

#include <algorithm>

namespace gesso {
namespace {

std::string list(const std::vector<std::int64_t>& v) { return fmt::format("({})", fmt::join(v, ",")); }

std::string list(const Padding& padding) {
  std::vector<std::string> parts;
  for (const auto& [before, after] : padding) parts.push_back(fmt::format("({},{})", before, after));
  return fmt::format("({})", fmt::join(parts, ","));
}

std::string text(const Conv2dGeometry& g) {
  return fmt::format("x ({},{},{},{}), y ({},{},{},{}), stride ({},{}), padding ({},{}), dilation ({},{}), groups {}",
                     g.N, g.H, g.W, g.C, g.N, g.P, g.Q, g.K, g.stride.h, g.stride.w, g.padding.h, g.padding.w,
                     g.dilation.h, g.dilation.w, g.groups);
}

/// The options that differ from the default.
std::vector<std::string> texts(const OpOptions& o) {
  const OpOptions usual;
  std::vector<std::string> out;
  const auto add = [&out](bool differs, std::string text) {
    if (differs) out.push_back(std::move(text));
  };
  add(o.a != usual.a, fmt::format("a = {}", o.a));
  add(o.b != usual.b, fmt::format("b = {}", o.b));
  add(o.axis != usual.axis, fmt::format("axis {}", o.axis));
  add(o.correction != usual.correction, fmt::format("correction {}", o.correction));
  add(!o.axes.empty(), "axes " + list(std::vector<std::int64_t>(o.axes.begin(), o.axes.end())));
  add(!o.sizes.empty(), "sizes " + list(o.sizes));
  add(!o.padding.empty(), "padding " + list(o.padding));
  add(o.keep, "keep");
  add(o.reverse, "reverse");
  add(o.transpose_a, "transpose a");
  add(o.transpose_b, "transpose b");
  constexpr const char* activations[] = {"none", "leaky_relu", "tanh", "sigmoid"};
  add(o.activation != usual.activation, activations[static_cast<int>(o.activation)]);
  add(o.conv != usual.conv, text(o.conv));
  add(o.dtype != usual.dtype, name(o.dtype));
  add(o.fixed.defined(), fmt::format("{} {}", name(o.fixed.dtype()), o.fixed.shape()));
  return out;
}

}  // namespace

std::string OpSample::text() const {
  std::vector<std::string> shapes;
  for (const Var& x : inputs) shapes.push_back(x.shape().text());
  const std::vector<std::string> rest = texts(options);
  return fmt::format("{}{}{}", fmt::join(shapes, ", "), rest.empty() ? "" : "; ", fmt::join(rest, ", "));
}

const std::vector<Op>& ops_table() {
  static const std::vector<Op> table = [] {
    std::vector<Op> all;
    for (const auto& rows : {elementwise_rows(), reduce_rows(), move_rows(), linear_rows(), conv_rows(), norm_rows(),
                             image_rows(), recurrent_rows()})
      all.insert(all.end(), rows.begin(), rows.end());
    return all;
  }();
  return table;
}

const Op* find_op(const std::string& name) {
  const auto& table = ops_table();
  const auto at = std::find_if(table.begin(), table.end(), [&name](const Op& op) { return op.name == name; });
  return at == table.end() ? nullptr : &*at;
}

}  // namespace gesso
