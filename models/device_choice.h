// The device that a command runs on.
#pragma once

#include "kernels/device.h"

#include <functional>
#include <string>

namespace gesso::models {

using kernels::Device;

/// Whether this build has CUDA kernels, whether they have a GPU to run on, and why not.
struct Gpu {
  bool in_build, found;
  std::string why_absent;
};
Gpu gpu_here();

/// The device called cpu, cuda or emu; or auto, the GPU where there is one and otherwise the CPU. Whoever
/// built CUDA kernels expects a GPU, so `say` gets a line where they find none; in a build without them auto
/// means the CPU, and nothing is said. Throws UsageError for other names, and for a device that is not here.
Device device_of(const std::string& name, const std::function<void(const std::string&)>& say,
                 const Gpu& gpu = gpu_here());

/// Lets products on a GPU round their factors to TF32: "none", "conv" for convolutions, "all", or "auto", which is conv on a GPU
/// and none on an emulated one, whose tensor cores are slow. The CPU never rounds. Throws UsageError for other words.
void allow_tf32(Device device, const std::string& what);

}  // namespace gesso::models
