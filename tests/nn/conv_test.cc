// Convolution layers against PyTorch (tests/golden/conv.safetensors): values, all gradients, names, printing.
#include "nn/conv.h"

#include "nn/safetensors.h"
#include "tests/nn/golden.h"

#include <doctest/doctest.h>

namespace gesso::nn {
namespace {

const Safetensors& golden_conv() {
  static const Safetensors content = load_safetensors(golden("conv.safetensors"));
  return content;
}

/// Case i of the file: its layer with PyTorch's parameters, and its tensors.
struct Case {
  std::string prefix;
  std::vector<std::int64_t> options;

  explicit Case(int i)
      : prefix(std::to_string(i) + "."), options((*this)["options"].to_vector<std::int64_t>()) {}
  bool has(const std::string& name) const { return golden_conv().tensors.contains(prefix + name); }
  const Tensor& operator[](const std::string& name) const { return golden_conv().tensors.at(prefix + name); }
  std::string text() const { return golden_conv().metadata.at(prefix + "text"); }

  std::unique_ptr<ConvLayer> layer() const {
    const auto& o = options;
    const ConvOptions c = {.stride = {o[1], o[2]},
                           .padding = {o[3], o[4]},
                           .output_padding = {o[7], o[8]},
                           .groups = o[9],
                           .bias = has("bias"),
                           .dilation = {o[5], o[6]},
                           .dtype = DType::f64};
    const Tensor& w = (*this)["weight"];
    const std::int64_t filters = w.dim(0), channels = w.dim(1) * c.groups;
    const HW kernel(w.dim(2), w.dim(3));
    Generator g(1);
    std::unique_ptr<ConvLayer> made;
    if (o[0])
      made = std::make_unique<ConvTranspose2d>(filters, channels, kernel, g, c);
    else
      made = std::make_unique<Conv2d>(channels, filters, kernel, g, c);
    State s = {{"weight", w}};
    if (has("bias")) s["bias"] = (*this)["bias"];
    load_pytorch_state(*made, s);
    return made;
  }
};

}  // namespace

TEST_CASE("convolutions of random configurations agree with PyTorch, value and gradients") {
  int cases = 0;
  for (; golden_conv().tensors.contains(std::to_string(cases) + ".x"); ++cases) {
    const Case c(cases);
    const auto layer = c.layer();
    INFO(c.text());
    CHECK(text(*layer) == c.text());
    const Var x = parameter(c["x"]);
    const Var y = (*layer)(x);
    std::vector<Var> inputs = {x, layer->weight};
    if (layer->bias) inputs.push_back(layer->bias);
    const std::vector<Var> d = grad({y}, inputs, {.grad_outputs = {c["dy"]}});
    // The inputs are multiples of 1/16 below 2: every sum is exact.
    CHECK(distance(y.value(), c["y"]) == 0);
    CHECK(distance(d[0].value(), c["dx"]) == 0);
    CHECK(distance(tensor::permute(d[1].value(), {0, 3, 1, 2}), c["dweight"]) == 0);
    if (layer->bias) CHECK(distance(d[2].value(), c["dbias"]) == 0);
    CHECK(distance(pytorch_state(*layer).at("weight"), c["weight"]) == 0);
  }
  CHECK(cases == 48);
}

TEST_CASE("convolution layers start as PyTorch's do, and fuse what follows") {
  Generator g(3);
  Conv2d conv(3, 400, {3, 5}, g, {.stride = 2, .padding = 1});
  CHECK(conv.weight.shape() == Shape{400, 3, 5, 3});
  CHECK(conv.bias.shape() == Shape{400});
  const double bound = 1 / std::sqrt(3.0 * 5 * 3);
  for (const Var& p : parameters(conv)) {
    CHECK(tensor::max(p.value()).item() <= bound);
    CHECK(tensor::max(p.value()).item() > 0.98 * bound);
    CHECK(tensor::min(p.value()).item() < -0.98 * bound);
  }
  ConvTranspose2d up(6, 80, 4, g, {.stride = 2, .padding = 1, .groups = 2});
  CHECK(up.weight.shape() == Shape{6, 4, 4, 40});
  CHECK(tensor::max(up.weight.value()).item() <= 1 / std::sqrt(40.0 * 16));
  CHECK(tensor::max(up.weight.value()).item() > 0.98 / std::sqrt(40.0 * 16));

  const Var x = tensor::normal(g, {2, 7, 6, 3});
  Sequential net{Conv2d(3, 4, 3, g), LeakyReLU(0.2), ConvTranspose2d(4, 2, 2, g, {.stride = 2}), Tanh()};
  const Var plain = tanh(net[2](leaky_relu(net[0](x), 0.2)));
  CHECK(distance(net(x).value(), plain.value()) == 0);
  CHECK(plain.shape() == Shape{2, 10, 8, 2});
  CHECK(named_parameters(net)[2].first == "2.weight");
}

TEST_CASE("convolution layers refuse what makes no sense") {
  Generator g(3);
  CHECK(error_of([&] { Conv2d(0, 4, 3, g); }).find("all must be positive") != std::string::npos);
  CHECK(error_of([&] { Conv2d(3, 4, {3, 0}, g); }).find("kernel of (3, 0)") != std::string::npos);
  CHECK(error_of([&] { Conv2d(4, 6, 3, g, {.groups = 4}); }).find("cut into 4 groups") != std::string::npos);
  CHECK(error_of([&] { ConvTranspose2d(4, 6, 3, g, {.stride = 0}); }).find("stride (0, 0)") !=
        std::string::npos);
  CHECK(error_of([&] { Conv2d(4, 6, 3, g, {.output_padding = 1}); }).find("ConvTranspose2d") !=
        std::string::npos);
  Conv2d conv(3, 4, 3, g);
  CHECK(error_of([&] {
          conv(tensor::zeros({2, 8, 8, 1}));
        }).find("x (2,8,8,1) has 1 channels") != std::string::npos);
}

}  // namespace gesso::nn
