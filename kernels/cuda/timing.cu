// The time that work on the device takes: events on the stream, and names for NVIDIA's profilers.
#include "kernels/cuda/memory.h"
#include "kernels/cuda/table.h"

#if defined(__CUDACC__) && __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#define GESSO_HAS_NVTX
#endif

namespace gesso::kernels::GESSO_LEVEL {

const Timing& timing() {
  static constexpr Timing t{
      .mark = []() -> void* {
        cudaEvent_t event = nullptr;
        simt::check(cudaEventCreate(&event), "make an event");
        simt::check(cudaEventRecord(event, stream()), "mark a time");
        return event;
      },
      .seconds =
          [](void* from, void* to) {
            float milliseconds = 0;
            for (void* event : {from, to})
              simt::check(cudaEventSynchronize(static_cast<cudaEvent_t>(event)), "wait for a mark");
            simt::check(cudaEventElapsedTime(&milliseconds, static_cast<cudaEvent_t>(from),
                                             static_cast<cudaEvent_t>(to)),
                        "the time between marks");
            return 1e-3 * double(milliseconds);
          },
      .forget = [](void* mark) noexcept { cudaEventDestroy(static_cast<cudaEvent_t>(mark)); },
#ifdef GESSO_HAS_NVTX
      .enter = [](const char* name) { nvtxRangePushA(name); },
      .leave = [] { nvtxRangePop(); },
#else
      .enter = [](const char*) {},
      .leave = [] {},
#endif
  };
  return t;
}

}  // namespace gesso::kernels::GESSO_LEVEL
