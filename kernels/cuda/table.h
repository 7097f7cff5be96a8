// Each kernel file writes its launchers into the table of its device: cuda where nvcc compiles it, emu where g++ does.
// GESSO_LEVEL names the device, and the namespace.
#pragma once

#include "kernels/cpu/level.h"
#include "kernels/kernels.h"
#include "kernels/simt/simt.h"

namespace gesso::kernels::GESSO_LEVEL {

/// The stream that all kernels of this process are launched on, in order.
cudaStream_t stream();

template <class T>
void install_elementwise(Kernels<T>& k);
template <class T>
void install_reduce(Kernels<T>& k);
template <class T>
void install_rows(Kernels<T>& k);
template <class T>
void install_random(Kernels<T>& k);
template <class T>
void install_optim(Kernels<T>& k);
template <class T>
void install_gemm(Kernels<T>& k);
template <class T>
void install_conv(Kernels<T>& k);
template <class T>
void install_norm(Kernels<T>& k);
template <class T>
void install_image(Kernels<T>& k);
template <class T>
void install_quantize(Kernels<T>& k);
template <class T>
void install_lstm(Kernels<T>& k);
void install_move(MoveKernels& k);

/// Memory for intermediate results of a kernel, from the device's caching allocator; given back in stream order.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  template <class T>
  T* as() const {
    return static_cast<T*>(data_);
  }

 private:
  void* data_;
  std::size_t bytes_;
};

}  // namespace gesso::kernels::GESSO_LEVEL
