#include "models/device_choice.h"

#include "models/options.h"
#include "tensor/tensor.h"

#include <utility>

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
    if (kernels::backend(d)) return d;
    const bool emulated = d == Device::cuda && kernels::backend(Device::emu);
    throw UsageError("--device {}: {}{}", name, kernels::why_absent(d),
                     emulated ? "; --device emu runs its kernels on the CPU" : "");
  }
  // No nearest name: that of "gpu" would be "cpu".
  throw UsageError("--device {}: no such device; there is: auto, cpu, cuda, emu", name);
}

void allow_tf32(Device device, const std::string& what) {
  using kernels::Tf32;
  const std::pair<const char*, Tf32> words[] = {
      {"auto", device == Device::cuda ? Tf32::convolutions : Tf32::none},
      {"none", Tf32::none},
      {"conv", Tf32::convolutions},
      {"all", Tf32::all}};
  for (const auto& [word, tf32] : words) {
    if (what != word) continue;
    if (const auto allow = kernels::backend(device)->allow_tf32) allow(tf32);
    return;
  }
  throw UsageError("--tf32 {}: expected auto, none, conv or all", what);
}

}  // namespace gesso::models
