#include "models/device_choice.h"

#include "models/options.h"
#include "tensor/conv.h"
#include "tensor/ops.h"

#include <doctest/doctest.h>

#include <vector>

namespace gesso::models {
namespace {

struct Choice {
  Device device;
  std::vector<std::string> said;
};
Choice choose(const std::string& name, const Gpu& gpu) {
  Choice c;
  c.device = device_of(
      name, [&](const std::string& line) { c.said.push_back(line); }, gpu);
  return c;
}

TEST_CASE("--device auto: the GPU, or the CPU, said where CUDA kernels were built and find none") {
  const Choice with = choose("auto", {.in_build = true, .found = true, .why_absent = ""}),
               without = choose("auto", {.in_build = true, .found = false, .why_absent = "no CUDA device"}),
               not_built = choose("auto", {.in_build = false, .found = false, .why_absent = "no CUDA"});
  CHECK(with.device == Device::cuda);
  CHECK(with.said.empty());
  CHECK(without.device == Device::cpu);
  REQUIRE(without.said.size() == 1);
  CHECK(without.said.front().find("the CPU: no CUDA device") != std::string::npos);
  CHECK(not_built.device == Device::cpu);
  CHECK(not_built.said.empty());
}

TEST_CASE("--device: a name is taken at its word, without a remark") {
  const Choice c = choose("cpu", {.in_build = true, .found = false, .why_absent = "no CUDA device"});
  CHECK(c.device == Device::cpu);
  CHECK(c.said.empty());
  CHECK_THROWS_WITH_AS(choose("gpu", gpu_here()),
                       "--device gpu: no such device; there is: auto, cpu, cuda, emu", UsageError);
  if (!kernels::backend(Device::cuda) && kernels::backend(Device::emu))
    CHECK_THROWS_WITH_AS(choose("cuda", gpu_here()),
                         doctest::Contains("; --device emu runs its kernels on the CPU"), UsageError);
}

TEST_CASE("--device: what this build has is what it offers") {
  CHECK(kernels::in_build(Device::cpu));
  for (const Device d : kernels::kDevices)
    if (kernels::backend(d)) CHECK(kernels::in_build(d));
  CHECK(gpu_here().found == (kernels::backend(Device::cuda) != nullptr));
  CHECK(gpu_here().why_absent.empty() == gpu_here().found);
}

TEST_CASE("--tf32: what may round its factors on a GPU; nothing does on the CPU") {
  struct Rounded {
    bool convolutions, products;
  };
  const auto rounded = [](Device d, const std::string& what) {
    allow_tf32(d, what);
    const double x = 1 + 0x1p-12;  // no TF32 number
    const auto full = [d](const Shape& s, double value) { return tensor::full(s, value, DType::f32, d); };
    const Tensor y = tensor::conv2d(full({1, 4, 4, 4}, x), full({4, 3, 3, 4}, 1),
                                    {.N = 1, .H = 4, .W = 4, .C = 4, .K = 4, .R = 3, .S = 3, .P = 2, .Q = 2});
    const Tensor c = tensor::matmul(full({4, 4}, x), full({4, 4}, 1), {});
    const auto first = [](const Tensor& t) { return t.to(Device::cpu).to_vector<float>()[0]; };
    return Rounded{first(y) == 36, first(c) == 4};
  };
  for (const Device d : kernels::kDevices) {
    if (!kernels::backend(d)) continue;
    CAPTURE(gesso::name(d));
    const bool gpu = d != Device::cpu;
    const auto check = [&](const std::string& what, bool convolutions, bool products) {
      CAPTURE(what);
      const Rounded r = rounded(d, what);
      CHECK(r.convolutions == convolutions);
      CHECK(r.products == products);
    };
    check("all", gpu, gpu);
    check("conv", gpu, false);
    check("auto", d == Device::cuda, false);
    check("none", false, false);
    CHECK_THROWS_WITH_AS(allow_tf32(d, "cnov"), "--tf32 cnov: expected auto, none, conv or all", UsageError);
  }
}

}  // namespace
}  // namespace gesso::models
