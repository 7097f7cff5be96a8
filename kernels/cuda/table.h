// What kernel files of a GPU share. GESSO_LEVEL names the device, and the namespace: cuda where nvcc compiles them, emu where g++ does.
#pragma once

#include "kernels/install.h"
#include "kernels/simt/simt.h"

namespace gesso::kernels::GESSO_LEVEL {

/// The stream that all kernels of this process are launched on, in order.
cudaStream_t stream();

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
