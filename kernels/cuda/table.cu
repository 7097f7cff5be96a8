// The kernels of the device, gathered from the files of this folder, and whether this machine has such a device.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/table.h"
#include "kernels/device.h"

#include <string>

namespace gesso::kernels::GESSO_LEVEL {
namespace {

/// Empty if there is a device to run on.
const std::string& absence() {
  static const std::string why = [] {
    int devices = 0;  // without a driver the call leaves it as it is
    const cudaError_t status = cudaGetDeviceCount(&devices);
    if (status == cudaSuccess && devices > 0) return std::string();
    cudaGetLastError();
    return std::string("no CUDA device on this machine (") +
           (status == cudaSuccess ? "none found" : cudaGetErrorString(status)) + ")";
  }();
  return why;
}

}  // namespace

const Backend* backend() {
  if (!absence().empty()) return nullptr;
  static const Backend b{&gathered<float>(), &gathered<double>(), &gathered_move(), &memory(),
                         &timing(),          &graphs(),           allow_tf32};
  return &b;
}

const char* why_absent() { return absence().c_str(); }

}  // namespace gesso::kernels::GESSO_LEVEL
