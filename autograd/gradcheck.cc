// v^T J u two ways: by the edges, as (J^T v) . u, and by a central difference of v . f along u.
#include "autograd/gradcheck.h"

#include "tensor/ops.h"

#include <cmath>
#include <cstring>

namespace gesso {
namespace {

bool checked(const Var& x) { return x.requires_grad() && x.dtype() == DType::f64; }

/// The inputs anew, as leaves: nobody else's gradients are touched.
std::vector<Var> fresh(const std::vector<Var>& inputs) {
  std::vector<Var> out;
  for (const Var& x : inputs) out.push_back(checked(x) ? parameter(x.value().clone()) : x.detach());
  return out;
}

Tensor zeros_like(const Var& x) { return tensor::zeros(x.shape(), x.dtype(), x.device()); }

double inner(const Tensor& a, const Tensor& b) {
  return tensor::sum_binary(kernels::Binary::mul, a, b).item();
}

bool same_bits(const Tensor& a, const Tensor& b) {
  const Tensor p = a.to(Device::cpu), q = b.to(Device::cpu);
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.bytes() == 0 || std::memcmp(p.raw(), q.raw(), a.bytes()) == 0);
}

class Gradcheck {
 public:
  Gradcheck(const Function& f, const std::vector<Var>& inputs, const GradcheckOptions& options)
      : f_(f), inputs_(inputs), options_(options), random_(options.seed) {}

  std::string run() {
    std::vector<std::size_t> checked_inputs;
    for (std::size_t i = 0; i < inputs_.size(); ++i)
      if (checked(inputs_[i])) checked_inputs.push_back(i);
    if (checked_inputs.empty()) return "nothing to check: no input is f64 and requires a gradient";

    const std::vector<Var> outputs = f_(fresh(inputs_));
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (outputs[k].dtype() != DType::f64)
        return fmt::format("output {} is {}: gradients are checked in f64", k, name(outputs[k].dtype()));
      v_.push_back(tensor::uniform(random_, outputs[k].shape(), -1, 1, DType::f64, outputs[k].device()));
    }
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const std::vector<Tensor> by_edges = gradients(k);
      if (std::string difference = runs_differ(k, outputs[k].value(), by_edges); !difference.empty())
        return difference;
      for (std::size_t i : checked_inputs)
        if (std::string difference = check_input(k, i, by_edges[i]); !difference.empty()) return difference;
    }
    return {};
  }

 private:
  /// J_k^T v_k for each input; zeros where output k does not depend on it.
  std::vector<Tensor> gradients(std::size_t k) const {
    const std::vector<Var> xs = fresh(inputs_);
    const Var y = f_(xs).at(k);
    std::vector<Var> dx(xs.size());
    if (y.requires_grad()) dx = grad({y}, xs, {.grad_outputs = {v_[k]}, .allow_unused = true});
    std::vector<Tensor> out;
    for (std::size_t i = 0; i < xs.size(); ++i)
      out.push_back(dx[i].defined() ? dx[i].value() : zeros_like(xs[i]));
    return out;
  }

  std::string runs_differ(std::size_t k, const Tensor& y, const std::vector<Tensor>& dx) const {
    if (!same_bits(y, f_(fresh(inputs_)).at(k).value()))
      return fmt::format("output {}: two runs give different values", k);
    const std::vector<Tensor> again = gradients(k);
    for (std::size_t i = 0; i < dx.size(); ++i)
      if (!same_bits(dx[i], again[i]))
        return fmt::format("output {}, input {}: two runs give different gradients", k, i);
    return {};
  }

  std::string check_input(std::size_t k, std::size_t i, const Tensor& dx) {
    const Shape& shape = inputs_[i].shape();
    if (shape.size() <= options_.directional_above) {
      for (std::int64_t j = 0; j < shape.size(); ++j) {
        Tensor u = tensor::zeros(shape, DType::f64);
        u.mutable_data<double>()[j] = 1;
        if (std::string difference =
                check_direction(k, i, fmt::format("element {}", j), u.to(inputs_[i].device()), dx);
            !difference.empty())
          return difference;
      }
      return {};
    }
    for (int j = 0; j < options_.directions; ++j) {
      const Tensor u = tensor::uniform(random_, shape, -1, 1, DType::f64, inputs_[i].device());
      if (std::string difference = check_direction(k, i, fmt::format("random direction {}", j), u, dx);
          !difference.empty())
        return difference;
    }
    return {};
  }

  std::string check_direction(std::size_t k, std::size_t i, const std::string& where, const Tensor& u,
                              const Tensor& dx) const {
    const double by_edges = inner(dx, u);
    const double by_differences =
        inner(v_[k], tensor::sub(moved(k, i, u, options_.eps), moved(k, i, u, -options_.eps))) /
        (2 * options_.eps);
    if (std::abs(by_edges - by_differences) <= options_.atol + options_.rtol * std::abs(by_differences))
      return {};
    return fmt::format("output {} {}, input {} {}, {}: the edges give {}, differences {}", k, v_[k].shape(),
                       i, inputs_[i].shape(), where, by_edges, by_differences);
  }

  /// Output k for input i moved by step * u.
  Tensor moved(std::size_t k, std::size_t i, const Tensor& u, double step) const {
    std::vector<Var> xs = fresh(inputs_);
    xs[i] = parameter(tensor::add(inputs_[i].value(), tensor::mul(u, step)));
    return f_(xs).at(k).value();
  }

  const Function& f_;
  const std::vector<Var>& inputs_;
  const GradcheckOptions& options_;
  Generator random_;
  std::vector<Tensor> v_;  // one for each output
};

}  // namespace

std::string gradcheck(const Function& f, const std::vector<Var>& inputs, const GradcheckOptions& options) {
  return Gradcheck(f, inputs, options).run();
}

std::string gradgradcheck(const Function& f, const std::vector<Var>& inputs,
                          const GradcheckOptions& options) {
  Generator random(options.seed + 1);
  std::vector<Var> all = inputs;
  for (const Var& y : f(fresh(inputs)))
    all.push_back(parameter(tensor::uniform(random, y.shape(), -1, 1, y.dtype(), y.device())));
  const std::size_t n = inputs.size();

  const Function gradient = [&f, n](const std::vector<Var>& xv) {
    const std::vector<Var> xs(xv.begin(), xv.begin() + static_cast<std::ptrdiff_t>(n));
    const std::vector<Var> ys = f(xs);
    std::vector<Var> dependent, v, wanted;
    for (std::size_t k = 0; k < ys.size(); ++k)
      if (ys[k].requires_grad()) {
        dependent.push_back(ys[k]);
        v.push_back(xv[n + k]);
      }
    for (const Var& x : xs)
      if (checked(x)) wanted.push_back(x);
    std::vector<Var> dx(wanted.size());
    if (!dependent.empty())
      dx = grad(dependent, wanted, {.grad_outputs = v, .create_graph = true, .allow_unused = true});
    for (std::size_t i = 0; i < dx.size(); ++i)
      if (!dx[i].defined()) dx[i] = zeros_like(wanted[i]);
    return dx;
  };
  return gradcheck(gradient, all, options);
}

}  // namespace gesso
