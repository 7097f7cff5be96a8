// The kernels of the device, gathered from the files of this folder, and whether this machine has such a device.
#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/table.h"
#include "kernels/device.h"

#include <string>

namespace gesso::kernels::GESSO_LEVEL {
namespace {

template <class T>
Kernels<T> gather() {
  Kernels<T> k{};
  install_elementwise(k);
  install_reduce(k);
  install_rows(k);
  install_random(k);
  install_optim(k);
  install_gemm(k);
  install_conv(k);
  install_norm(k);
  install_image(k);
  install_quantize(k);
  install_lstm(k);
  return k;
}

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
  static const Kernels<float> f32 = gather<float>();
  static const Kernels<double> f64 = gather<double>();
  static const MoveKernels move = [] {
    MoveKernels m{};
    install_move(m);
    return m;
  }();
  static const Backend b{&f32, &f64, &move, &memory(), &timing(), &graphs(), allow_tf32};
  return &b;
}

const char* why_absent() { return absence().c_str(); }

}  // namespace gesso::kernels::GESSO_LEVEL
