// Operations that are asked for once and done many times: a training step as one CUDA graph.
//
//   Replay step(Device::cuda);
//   const Tensor loss = step.record([&] { return train_on(x); });  // done for the first time
//   tensor::copy_(x, next_images);
//   step.run();                                                    // done again, with what is in x now; loss is written anew
//
// Kernels, copies and their arguments are kept (kernels::Graphs), and the memory they use: tensors that outlive the recording
// stay where they are, those that do not are nobody else's until the Replay ends. Nothing recorded may wait for the device or
// copy to it. What f does on the host is not done again, except what it does by each_time() or moving(): a draw from a random
// stream, an optimizer's count of its steps. Nothing else that changes between steps may decide what they do.
#pragma once

#include "tensor/tensor.h"

#include <cstring>
#include <functional>
#include <type_traits>
#include <utility>
#include <vector>

namespace gesso::tensor {

/// A value that is another one in each run: what it is now, and while a Replay is recorded where its device finds it then.
template <class V>
struct Moving {
  V now;
  const V* on_device = nullptr;
};

class Replay {
 public:
  /// Throws where the device has no graphs: the CPU.
  explicit Replay(Device device);
  ~Replay();
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

  /// Records what f asks for and does it for the first time; returns what f does. Once.
  template <class F>
  auto record(F&& f) {
    begin();
    try {
      auto result = std::forward<F>(f)();
      end();
      return result;
    } catch (...) {
      abandon();
      throw;
    }
  }
  /// Does it again: what f did by each_time() and moving(), in that order, then all that is on the device.
  void run();

  /// The one that this thread records; null if there is none.
  static Replay* recording();

 private:
  template <class V, class F>
  friend Moving<V> moving(const F& value);
  friend void each_time(const std::function<void()>& f);

  void begin();
  void end();
  void abandon() noexcept;
  void launch();
  std::size_t place_for(std::size_t bytes);

  const kernels::Backend& backend_;
  Tensor values_;                // u8, on the device: the values that move
  std::vector<std::byte> host_;  // the same, to be copied there
  std::size_t used_ = 0;         // of their bytes
  std::vector<std::function<void()>> on_host_;
  void* graph_ = nullptr;
};

/// Does f now, and if a Replay is being recorded, again before each of its runs. What f refers to must last as long.
void each_time(const std::function<void()>& f);

/// value(), now and before each run; f() gives it.
template <class V, class F>
Moving<V> moving(const F& value) {
  static_assert(std::is_trivially_copyable_v<V>);
  Replay* const replay = Replay::recording();
  if (!replay) return {value()};
  const std::size_t at = replay->place_for(sizeof(V));
  V now;
  std::byte* const on_host = replay->host_.data() + at;
  const auto place = [value, on_host] {
    const V v = value();
    std::memcpy(on_host, &v, sizeof v);
  };
  each_time(place);
  std::memcpy(&now, on_host, sizeof now);
  return {now, reinterpret_cast<const V*>(replay->values_.raw() + at)};
}

}  // namespace gesso::tensor
