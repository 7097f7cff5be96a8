// The devices that this build and this machine have.
#include "kernels/device.h"
#include "kernels/profile.h"

namespace gesso::kernels {

const Memory& cpu_memory();
namespace cuda {
const Backend* backend();  // null without a GPU
const char* why_absent();
}  // namespace cuda
namespace emu {
const Backend* backend();
}

bool in_build(Device d) {
#ifdef GESSO_HAS_CUDA
  if (d == Device::cuda) return true;
#endif
#ifdef GESSO_HAS_EMU
  if (d == Device::emu) return true;
#endif
  return d == Device::cpu;
}

const Backend* backend(Device d) {
  const Backend* b = untimed_backend(d);
  return b && Profile::running() ? &timed(d) : b;
}

const Backend* untimed_backend(Device d) {
  switch (d) {
    case Device::cpu: {
      static const Backend b{&cpu<float>(), &cpu<double>(), &cpu_move(), &cpu_memory()};
      return &b;
    }
    case Device::cuda:
#ifdef GESSO_HAS_CUDA
      return cuda::backend();
#else
      return nullptr;
#endif
    case Device::emu:
#ifdef GESSO_HAS_EMU
      return emu::backend();
#else
      return nullptr;
#endif
  }
  return nullptr;
}

const char* why_absent(Device d) {
#ifdef GESSO_HAS_CUDA
  if (d == Device::cuda) return cuda::why_absent();
#endif
  return d == Device::emu ? "this build of gesso has no emulated GPU" : "this build of gesso has no CUDA";
}

}  // namespace gesso::kernels
