// The device that a test program runs its ops and kernels on: $GESSO_TEST_DEVICE, or the CPU.
#pragma once

#include "kernels/device.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace gesso::tests {

/// Never another one than was asked for: where it is missing the program ends, in failure if $GESSO_REQUIRE_CUDA is set,
/// otherwise as skipped (exit code 77, which CTest knows).
inline kernels::Device tested_device() {
  static const kernels::Device device = [] {
    const char* wanted = std::getenv("GESSO_TEST_DEVICE");
    const std::string name = wanted ? wanted : "cpu";
    const kernels::Device d = name == "cuda"  ? kernels::Device::cuda
                              : name == "emu" ? kernels::Device::emu
                                              : kernels::Device::cpu;
    if (!kernels::backend(d)) {
      std::fprintf(stderr, "device %s: %s\n", name.c_str(), kernels::why_absent(d));
      std::exit(std::getenv("GESSO_REQUIRE_CUDA") ? 1 : 77);
    }
    return d;
  }();
  return device;
}

}  // namespace gesso::tests
