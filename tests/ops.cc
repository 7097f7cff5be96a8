#include "tests/ops.h"

#include "tests/device.h"

#include <map>

namespace gesso::tests {

OpSample on_tested_device(const OpSample& sample) {
  const auto moved = [](const Var& x) {
    const Tensor t = x.value().to(tested_device());
    return x.requires_grad() ? parameter(t) : Var(t);
  };
  OpSample s{{}, sample.options};
  for (const Var& x : sample.inputs) s.inputs.push_back(moved(x));
  s.options.fixed = sample.options.fixed.to(tested_device());
  return s;
}

const std::vector<Op>& tested_ops() {
  static const std::vector<Op> rows = [] {
    const std::string missing = fmt::format("not on {} yet", name(tested_device()));
    std::vector<Op> there;
    for (const Op& op : ops_table()) try {
        Generator g(0);
        op(on_tested_device(op.samples(g)[0]));
        there.push_back(op);
      } catch (const Error& e) {
        if (e.message().find(missing) == std::string::npos) throw;
      }
    return there;
  }();
  return rows;
}

Array array(const Tensor& t) { return {t.shape(), t.to_vector<double>()}; }

const Reference& reference(const std::string& op) {
  static const std::map<std::string, Reference> all = [] {
    std::map<std::string, Reference> m;
    for (const auto& some : {elementwise_references(), reduce_references(), move_references(),
                             linear_references(), conv_references(), norm_references(), image_references(),
                             recurrent_references()})
      m.insert(some.begin(), some.end());
    return m;
  }();
  return all.at(op);
}

void for_each_index(const Shape& shape, const std::function<void(const Index&)>& f) {
  Index index(static_cast<std::size_t>(shape.rank()), 0);
  const std::function<void(int)> walk = [&](int dim) {
    if (dim == shape.rank()) return f(index);
    for (std::int64_t i = 0; i < shape[dim]; ++i) {
      index[static_cast<std::size_t>(dim)] = i;
      walk(dim + 1);
    }
  };
  walk(0);
}

std::int64_t place(const Shape& shape, const Index& index) {
  const int skipped = static_cast<int>(index.size()) - shape.rank();
  std::int64_t p = 0;
  for (int i = 0; i < shape.rank(); ++i)
    p = p * shape[i] + (shape[i] == 1 ? 0 : index[static_cast<std::size_t>(i + skipped)]);
  return p;
}

double at(const Array& a, const Index& index) {
  return a.v.at(static_cast<std::size_t>(place(a.shape, index)));
}

Shape common_shape(const std::vector<Array>& arrays) {
  int rank = 0;
  for (const Array& a : arrays) rank = std::max(rank, a.shape.rank());
  std::vector<std::int64_t> dims(static_cast<std::size_t>(rank), 1);
  for (const Array& a : arrays)
    for (int i = 0; i < a.shape.rank(); ++i) {
      std::int64_t& d = dims[static_cast<std::size_t>(rank - a.shape.rank() + i)];
      if (a.shape[i] != 1) d = a.shape[i];
    }
  return Shape(std::span<const std::int64_t>(dims));
}

Reference elementwise(std::function<Value(const std::vector<double>& x, const OpOptions& o)> f,
                      std::optional<DType> dtype) {
  return [f, dtype](const std::vector<Array>& inputs, const OpOptions& o) {
    Expected out{common_shape(inputs), {}, dtype};
    for_each_index(out.shape, [&](const Index& index) {
      std::vector<double> x;
      for (const Array& a : inputs) x.push_back(at(a, index));
      out.v.push_back(f(x, o));
    });
    return std::vector<Expected>{out};
  };
}

Expected gathered(const Array& x, const Shape& shape,
                  const std::function<std::optional<Index>(const Index&)>& from, double otherwise) {
  Expected out{shape, {}};
  for_each_index(shape, [&](const Index& index) {
    const std::optional<Index> source = from(index);
    out.v.push_back({source ? at(x, *source) : otherwise});
  });
  return out;
}

}  // namespace gesso::tests
