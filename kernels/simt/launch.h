// Launches under emulation: simt::launch has run the kernel when it returns, or thrown what was wrong with it.
#pragma once

#include "kernels/simt/device.h"
#include "kernels/simt/runtime.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>

namespace gesso::simt {

/// The order in which threads that could run do, and blocks too. A kernel must give the same result in each.
struct Order {
  enum Kind { forward, reverse, random } kind = forward;
  std::uint64_t seed = 0;
};
/// Until a program sets one, the order is what $GESSO_EMU_ORDER names: forward (the default), reverse or random:SEED.
void set_order(Order order);
Order order();
/// Throws std::invalid_argument unless `text` names an order.
Order parse_order(const std::string& text);

/// What a kernel did wrong: the rule it broke, and where each thread of the block stood.
struct EmulationError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Throws unless the call of the CUDA runtime succeeded; `what` says what was tried.
inline void check(cudaError_t status, const char* what) {
  if (status != cudaSuccess)
    throw std::runtime_error(std::string(what) + ": " + cudaGetErrorName(status) + ": " +
                             cudaGetErrorString(status));
}

namespace emu {

struct Launch {
  void (*call)(const void* arguments);
  std::shared_ptr<const void> (*copy)(const void* arguments);
  const void* arguments;
  const void* kernel;
  dim3 grid, block;
  std::size_t shared;
  Where where;
  Order order;
};
/// Does the launch, or keeps it where the stream captures for a graph.
void run(const Launch& launch, cudaStream_t stream);

/// A stream, and the line of the launch that named it.
struct StreamAt {
  cudaStream_t stream;
  Where where;
  StreamAt(cudaStream_t s, Where w = Where::current()) : stream(s), where(w) {}
};

}  // namespace emu

/// kernel(args...) on grid x block threads, each block with `shared` bytes of dynamic shared memory.
template <class... P, class... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, std::size_t shared, emu::StreamAt stream,
            A... args) {
  static_assert((std::is_trivially_copyable_v<P> && ...), "a kernel's parameters are copied bit by bit");
  static_assert((std::size_t{0} + ... + sizeof(P)) <= 4096, "a kernel's parameters have room for 4 KiB");
  using Arguments = std::tuple<void (*)(P...), P...>;
  const Arguments arguments{kernel, static_cast<P>(args)...};
  const auto call = [](const void* a) {
    std::apply([](auto f, const auto&... p) { f(p...); }, *static_cast<const Arguments*>(a));
  };
  const auto copy = [](const void* a) -> std::shared_ptr<const void> {
    return std::make_shared<Arguments>(*static_cast<const Arguments*>(a));
  };
  emu::run({call, copy, &arguments, reinterpret_cast<const void*>(kernel), grid, block, shared, stream.where,
            order()},
           stream.stream);
}

}  // namespace gesso::simt
