#include "nn/norm.h"

#include "nn/image_layers.h"
#include "nn/optim.h"
#include "tests/nn/golden.h"

namespace gesso::nn {
namespace {

TEST_CASE("norm: text, names and defaults are PyTorch's") {
  BatchNorm batch(4);
  CHECK(batch.title() == "BatchNorm(4, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)");
  CHECK(LayerNorm({3, 5}).title() == "LayerNorm((3, 5), eps=1e-05, elementwise_affine=True)");
  CHECK(GroupNorm(2, 6).title() == "GroupNorm(2, 6, eps=1e-05, affine=True)");
  CHECK(InstanceNorm(3).title() ==
        "InstanceNorm(3, eps=1e-05, momentum=0.1, affine=False, track_running_stats=False)");
  std::vector<std::string> names;
  for (const auto& [name, t] : state(batch)) names.push_back(name);
  CHECK(names ==
        std::vector<std::string>{"bias", "num_batches_tracked", "running_mean", "running_var", "weight"});
  CHECK(named_parameters(batch).size() == 2);
  BatchNorm bare(4, {.affine = false, .track = false});
  CHECK(state(bare).empty());
}

TEST_CASE("norm: running statistics move a tenth towards each batch, and evaluation uses them") {
  Generator g(1);
  BatchNorm norm(3, {.dtype = DType::f64});
  std::vector<double> mean(3, 0), var(3, 1);
  for (int step = 0; step < 3; ++step) {
    const Tensor x = tensor::normal(g, {2, 5, 3}, step, 2, DType::f64);
    const Var y = norm(x);
    CHECK(distance(tensor::mean(y.value(), {0, 1}), tensor::zeros({3}, DType::f64)) <= 1e-14);
    const std::vector<double> m = tensor::mean(x, {0, 1}).to_vector<double>(),
                              v = tensor::var(x, {0, 1}).to_vector<double>();  // over n - 1
    for (std::size_t c = 0; c < 3; ++c) {
      mean[c] += 0.1 * (m[c] - mean[c]);
      var[c] += 0.1 * (v[c] - var[c]);
    }
  }
  CHECK(distance(norm.running_mean, Tensor::from(mean, {3})) <= 1e-14);
  CHECK(distance(norm.running_var, Tensor::from(var, {3})) <= 1e-14);
  CHECK(norm.num_batches_tracked.item() == 3);

  set_training(norm, false);
  const Tensor x = tensor::normal(g, {1, 3}, 0, 1, DType::f64);  // one row is enough
  const std::vector<double> in = x.to_vector<double>(), out = norm(x).value().to_vector<double>();
  for (std::size_t c = 0; c < 3; ++c)
    CHECK(std::abs(out[c] - (in[c] - mean[c]) / std::sqrt(var[c] + 1e-5)) <= 1e-14);
  CHECK(norm.num_batches_tracked.item() == 3);
}

TEST_CASE("norm: Sequential runs BatchNorm and a leaky ReLU as one kernel, other activations apart") {
  Generator g(2);
  const Var x(tensor::normal(g, {6, 4}));
  const auto compare = [&](auto activation) {
    CAPTURE(activation.title());
    BatchNorm norm(4);
    const Tensor apart = activation(gesso::batch_norm(x, norm.weight, norm.bias)).value();
    CHECK(distance(Sequential{std::move(norm), std::move(activation)}(x).value(), apart) <= 4 * 1.2e-7);
  };
  compare(LeakyReLU(0.2));
  compare(ReLU());
  compare(Tanh());
  compare(LeakyReLU(-0.2));
}

TEST_CASE("norm: a step with BatchNorm keeps no more than the parameters' gradients") {
  Generator g(3);
  BatchNorm norm(8);
  const Var x = parameter(tensor::normal(g, {4096, 8}));
  sum(norm(x) * Var(tensor::normal(g, {4096, 8}))).backward();
  // dgamma and dbeta come out of one array with dx; what stays must not hold on to it.
  const std::size_t before = kernels::backend(Device::cpu)->memory->use().in_use;
  x.grad();
  Var(x).set_grad({});
  CHECK(before - kernels::backend(Device::cpu)->memory->use().in_use >= 4096 * 8 * sizeof(float));
  CHECK(norm.weight.grad().defined());
}

TEST_CASE("norm: layer, group and instance norm give mean 0 and variance 1 where they should") {
  Generator g(4);
  const Var x(tensor::normal(g, {3, 4, 5, 6}, 2, 3, DType::f64));
  const auto standard = [](const Var& y, const Axes& axes) {
    const Tensor mean = tensor::mean(y.value(), axes), var = tensor::var(y.value(), axes, 0);
    return tensor::max(tensor::unary(kernels::Unary::abs, mean)).item() <= 1e-13 &&
           tensor::max(tensor::unary(kernels::Unary::abs, tensor::add(var, -1))).item() <=
               1e-4;  // eps is in it
  };
  CHECK(standard(LayerNorm({6}, 1e-5, true, DType::f64)(x), {3}));
  CHECK(standard(LayerNorm({4, 5, 6}, 1e-5, true, DType::f64)(x), {1, 2, 3}));
  CHECK(standard(InstanceNorm(6)(x), {1, 2}));
  CHECK(standard(GroupNorm(3, 6, 1e-5, true, DType::f64)(x).reshape({3, 20, 3, 2}), {1, 3}));
}

TEST_CASE("norm: errors") {
  CHECK(error_of([] { BatchNorm(0); }) == "BatchNorm: 0 channels; it must be positive");
  CHECK(error_of([] { BatchNorm(3, {.momentum = 2}); }) ==
        "BatchNorm: a momentum of 2 is not between 0 and 1");
  CHECK(error_of([] { BatchNorm(3)(Var(tensor::ones({2, 4}))); }) == "BatchNorm: x (2,4) should be (N,..,3)");
  CHECK(error_of([] {
          LayerNorm({3})(Var(tensor::ones({2, 4})));
        }) == "LayerNorm: x (2,4) does not end in (3)");
  CHECK(error_of([] { GroupNorm(4, 6); }) == "GroupNorm: 4 groups do not divide 6 channels");
  CHECK(error_of([] { Upsample(0); }) == "Upsample: a scale factor of 0; it must be positive");
}

TEST_CASE("image layers: text and shapes") {
  const Var x(tensor::ones({2, 6, 8, 4}));
  const auto check = [&](auto layer, const std::string& title, const Shape& shape) {
    CHECK(layer.title() == title);
    CHECK(layer(x).shape() == shape);
  };
  check(MaxPool2d({.size = 2}), "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)",
        {2, 3, 4, 4});
  check(MaxPool2d({.size = 3, .stride = 2, .padding = 1}),
        "MaxPool2d(kernel_size=3, stride=2, padding=1, dilation=1, ceil_mode=False)", {2, 3, 4, 4});
  check(AvgPool2d({.size = {2, 4}}), "AvgPool2d(kernel_size=(2, 4), stride=(2, 4), padding=0)", {2, 3, 2, 4});
  check(AdaptiveAvgPool2d(1), "AdaptiveAvgPool2d(output_size=1)", {2, 1, 1, 4});
  check(Upsample(2), "Upsample(scale_factor=2.0, mode='nearest')", {2, 12, 16, 4});
  check(Upsample(1.5, Resizing::bilinear), "Upsample(scale_factor=1.5, mode='bilinear')", {2, 9, 12, 4});
  check(PixelShuffle(2), "PixelShuffle(upscale_factor=2)", {2, 12, 16, 1});
  check(ReflectionPad2d(1), "ReflectionPad2d((1, 1, 1, 1))", {2, 8, 10, 4});
}

TEST_CASE("spectral norm: the power method finds the largest singular value") {
  // W = diag(3, 2, 1) with a fourth column of zeros, so that s = 3.
  const Tensor w = Tensor::from<double>({3, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0}, {3, 4});
  Generator g(5);
  Tensor u = tensor::normal(g, {3}, 0, 1, DType::f64), v = tensor::zeros({4}, DType::f64);
  const Var x = parameter(w);
  CHECK(distance(spectral_norm(x, u, v, 100).value(), tensor::mul(w, 1 / 3.0)) <= 1e-14);
  // d(w_11 / s) / dw = 0 at the singular vectors, d(w_22 / s) / dw_11 = -2 / 9.
  const Var y = spectral_norm(x, u, v, 1);
  CHECK(std::abs(grad({slice(y.reshape({12}), 0, 0, 1)}, {x}, {.retain_graph = true})[0]
                     .value()
                     .to_vector<double>()[0]) <= 1e-14);
  CHECK(std::abs(grad({slice(y.reshape({12}), 0, 5, 6)}, {x})[0].value().to_vector<double>()[0] + 2 / 9.0) <=
        1e-14);
}

}  // namespace
}  // namespace gesso::nn
