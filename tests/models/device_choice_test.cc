#include "models/device_choice.h"

#include "models/options.h"

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
  CHECK_THROWS_WITH_AS(choose("gpu", gpu_here()), "--device gpu: no such device; did you mean \"cpu\"?",
                       UsageError);
}

TEST_CASE("--device: what this build has is what it offers") {
  CHECK(kernels::in_build(Device::cpu));
  for (const Device d : kernels::kDevices)
    if (kernels::backend(d)) CHECK(kernels::in_build(d));
  CHECK(gpu_here().found == (kernels::backend(Device::cuda) != nullptr));
  CHECK(gpu_here().why_absent.empty() == gpu_here().found);
}

}  // namespace
}  // namespace gesso::models
