#include "models/device_choice.h"

#include "models/options.h"
#include "tensor/tensor.h"

namespace gesso::models {

Gpu gpu_here() {
  const bool found = kernels::backend(Device::cuda) != nullptr;
  return {.in_build = kernels::in_build(Device::cuda),
          .found = found,
          .why_absent = found ? "" : kernels::why_absent(Device::cuda)};
}

Device device_of(const std::string& name, const std::function<void(const std::string&)>& say,
                 const Gpu& gpu) {
  if (name == "auto") {
    if (gpu.found) return Device::cuda;
    if (gpu.in_build) say(fmt::format("running on the CPU: {}", gpu.why_absent));
    return Device::cpu;
  }
  for (const Device d : kernels::kDevices) {
    if (name != gesso::name(d)) continue;
    if (!kernels::backend(d)) throw UsageError("--device {}: {}", name, kernels::why_absent(d));
    return d;
  }
  throw UsageError("--device {}: no such device{}", name, suggestion(name, {"auto", "cpu", "cuda", "emu"}));
}

}  // namespace gesso::models
