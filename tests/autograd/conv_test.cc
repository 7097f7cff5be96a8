// The three convolutions as one trilinear form: adjoint to each other, exactly, over an exhaustive grid of geometries; and a
// gradient penalty, which needs their second derivatives.
#include "autograd/conv.h"

#include "autograd/ops.h"
#include "tests/device.h"

#include <doctest/doctest.h>

#include <cmath>

namespace gesso::tests {
namespace {

Tensor integers(Generator& g, const Shape& shape) {
  return tensor::uniform(g, shape, -4, 5).to(DType::i64).to(DType::f32);
}

double inner(const Tensor& a, const Tensor& b) {
  return tensor::sum_binary(kernels::Binary::mul, a, b).item();
}

/// T(x, w, y) by each of the three ops. Sums of integers far below 2^24 are exact in f32, whatever their order.
void check_adjoint(const Conv2dGeometry& g, Generator& numbers) {
  const Tensor x = integers(numbers, {g.N, g.H, g.W, g.C}),
               w = integers(numbers, {g.K, g.R, g.S, g.C / g.groups}),
               y = integers(numbers, {g.N, g.P, g.Q, g.K});
  const double form = inner(tensor::conv2d(x, w, g), y);
  CHECK(inner(tensor::conv2d_input(y, w, g), x) == form);
  CHECK(inner(tensor::conv2d_filter(x, y, g), w) == form);
}

/// f(options) for filters of 1 to 5 rows, strides 1 to 3, paddings 0 to 2, dilations 1 and 2, and 1, 2 and 4 groups. The width
/// takes other values than the height.
template <class F>
int for_each_geometry(const F& f) {
  int count = 0;
  for (std::int64_t k = 1; k <= 5; ++k)
    for (std::int64_t stride = 1; stride <= 3; ++stride)
      for (std::int64_t padding = 0; padding <= 2; ++padding)
        for (std::int64_t dilation = 1; dilation <= 2; ++dilation)
          for (std::int64_t groups : {1, 2, 4}) {
            const Conv2dOptions o{
                {stride, 1 + k % 3}, {padding, (padding + k) % 3}, {dilation, 3 - dilation}, groups};
            f(k, 1 + (k + stride) % 4, o);
            ++count;
          }
  return count;
}

}  // namespace

TEST_CASE("conv2d, conv2d_input and conv2d_filter are adjoint, exactly on small integers") {
  Generator numbers(5);
  int configurations = 0;
  for_each_geometry([&](std::int64_t R, std::int64_t S, const Conv2dOptions& o) {
    for (const auto& [H, W] : {std::pair<std::int64_t, std::int64_t>{9, 10}, {10, 11}, {11, 9}})
      for (const std::int64_t channels : {o.groups, 4 * o.groups / (o.groups == 4 ? 2 : 1)}) {
        const Shape x{2, H, W, channels}, w{4, R, S, channels / o.groups};
        INFO("x " << x.text() << " w " << w.text() << " stride " << o.stride.h << "," << o.stride.w
                  << " padding " << o.padding.h << "," << o.padding.w << " dilation " << o.dilation.h << ","
                  << o.dilation.w << " groups " << o.groups);
        check_adjoint(tensor::conv2d_geometry(x, w, o), numbers);
        ++configurations;
      }
  });
  MESSAGE(configurations << " geometries");
  CHECK(configurations >= 1500);
}

TEST_CASE("with output padding the transposed convolution is the adjoint of a convolution of its result") {
  Generator numbers(6);
  int configurations = 0;
  for_each_geometry([&](std::int64_t R, std::int64_t S, Conv2dOptions o) {
    for (std::int64_t more = 0; more < std::max(o.stride.h, o.dilation.h); ++more) {
      o.output_padding = {more, std::max(o.stride.w, o.dilation.w) - 1};
      const Shape y{2, 5, 6, 4}, w{4, R, S, 3};
      INFO("w " << w.text() << " stride " << o.stride.h << " padding " << o.padding.h << " output padding "
                << more);
      const Conv2dGeometry g = tensor::conv2d_transposed_geometry(y, w, o);
      CHECK(g.H == (g.P - 1) * o.stride.h - 2 * o.padding.h + o.dilation.h * (R - 1) + more + 1);
      check_adjoint(g, numbers);
      ++configurations;
    }
  });
  MESSAGE(configurations << " geometries");
  CHECK(configurations >= 500);
}

// What small geometries do not reach: a sum of more terms than a block of K holds, and more images than are treated together.
TEST_CASE("deep filters and many images: adjoint, and each image as if it were alone") {
  Generator numbers(7);
  check_adjoint(tensor::conv2d_geometry({2, 5, 6, 300}, {48, 3, 3, 300}, {.padding = 1}), numbers);
  check_adjoint(tensor::conv2d_geometry({2, 5, 6, 40}, {300, 3, 3, 40}, {.padding = 1}), numbers);

  const auto geometry = [](std::int64_t N) {
    return tensor::conv2d_geometry({N, 64, 64, 24}, {16, 4, 4, 24}, {.stride = 2, .padding = 1});
  };
  const Tensor y = integers(numbers, {23, 32, 32, 16}), w = integers(numbers, {16, 4, 4, 24});
  const Tensor x = tensor::conv2d_input(y, w, geometry(23));
  for (std::int64_t n = 0; n < 23; ++n) {
    const Tensor alone = tensor::conv2d_input(y.slice(n, n + 1), w, geometry(1));
    CHECK((x.slice(n, n + 1).to_vector<float>() == alone.to_vector<float>()));
  }
}

namespace {

/// A critic of two strided convolutions with leaky ReLU, and WGAN-GP's penalty mean (|dC/dx| - 1)^2 (Gulrajani et al. 2017).
struct Critic {
  Conv2dGeometry first = tensor::conv2d_geometry({3, 8, 8, 2}, {4, 4, 4, 2}, {.stride = 2, .padding = 1});
  Conv2dGeometry second = tensor::conv2d_geometry({3, 4, 4, 4}, {5, 3, 3, 4}, {.stride = 2, .padding = 1});

  std::vector<Shape> shapes() const { return {{4, 4, 4, 2}, {4}, {5, 3, 3, 4}, {5}, {5}}; }
  Var operator()(const Var& x, const std::vector<Var>& w) const {
    const Var h = conv2d(x, w[0], first, w[1], Activation::leaky_relu, 0.2);
    return sum(conv2d(h, w[2], second, w[3], Activation::leaky_relu, 0.2) * w[4], {1, 2, 3});
  }
  Var penalty(const Tensor& at, const std::vector<Var>& w) const {
    const Var x = parameter(at);
    const Var dx = grad({sum((*this)(x, w))}, {x}, {.create_graph = true})[0];
    return mean(square(norm(dx, {1, 2, 3}) - 1));
  }
};

}  // namespace

// Central differences of a smooth function have an error of order h^2 and one of eps / h: with h = 1e-5 both are near 1e-10,
// while the penalty's gradients are of order 1. Leaky ReLU is piecewise linear and its kinks are further away than h.
TEST_CASE("the gradient of a WGAN-GP penalty through strided convolutions agrees with central differences") {
  const Critic critic;
  Generator g(8);
  const Tensor x = tensor::normal(g, {3, 8, 8, 2}, 0, 1, DType::f64);
  std::vector<Var> w;
  for (const Shape& s : critic.shapes()) w.push_back(parameter(tensor::normal(g, s, 0, 0.3, DType::f64)));
  const std::vector<Var> dw = grad({critic.penalty(x, w)}, w, {.allow_unused = true});
  // The penalty sees the biases through the kinks alone: their gradient is zero by structure.
  CHECK(!dw[1].defined());
  CHECK(!dw[3].defined());
  constexpr double h = 1e-5;
  int compared = 0;
  for (std::size_t i : {0, 2, 4}) {
    const std::vector<double> got = dw[i].value().to_vector<double>();
    for (std::size_t k = 0; k < got.size(); k += 3, ++compared) {
      const auto moved = [&](double by) {
        std::vector<Var> v = w;
        std::vector<double> values = w[i].value().to_vector<double>();
        values[k] += by;
        v[i] = parameter(Tensor::from(values, w[i].shape()));
        return critic.penalty(x, v).item();
      };
      const double wanted = (moved(h) - moved(-h)) / (2 * h);
      INFO("parameter " << i << " element " << k << ": " << got[k] << ", by differences " << wanted);
      CHECK(std::abs(got[k] - wanted) <= 1e-7 * std::max(1.0, std::abs(wanted)));
    }
  }
  CHECK(compared >= 100);
}

// C(x) = <w, x> as one convolution over the whole image: the penalty is (|w| - 1)^2 and its gradient 2 (|w| - 1) w / |w|.
TEST_CASE("a WGAN-GP penalty of a linear critic is exact") {
  Generator g(9);
  const Conv2dGeometry whole = tensor::conv2d_geometry({4, 5, 4, 3}, {1, 5, 4, 3}, {});
  const Var w = parameter(tensor::normal(g, {1, 5, 4, 3}, 0, 1, DType::f64));
  const Var x = parameter(tensor::normal(g, {4, 5, 4, 3}, 0, 1, DType::f64));
  const Var dx = grad({sum(conv2d(x, w, whole))}, {x}, {.create_graph = true})[0];
  const Var penalty = mean(square(norm(dx, {1, 2, 3}) - 1));
  const double length = std::sqrt(inner(w.value(), w.value()));
  CHECK(std::abs(penalty.item() - (length - 1) * (length - 1)) <= 1e-12 * length * length);
  const Tensor dw = grad({penalty}, {w})[0].value();
  for (std::int64_t i = 0; i < dw.size(); ++i)
    CHECK(std::abs(dw.data<double>()[i] - 2 * (length - 1) * w.value().data<double>()[i] / length) <=
          1e-12 * length);
}

}  // namespace gesso::tests
