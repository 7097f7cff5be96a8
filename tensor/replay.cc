#include "tensor/replay.h"

#include "tensor/walk.h"

namespace gesso::tensor {
namespace {

/// Room for the values that move: a step of a model draws and counts a few times, each value takes 8 to 120 bytes.
constexpr std::int64_t kMostBytes = 16 << 10;

thread_local Replay* now_recording = nullptr;

}  // namespace

Replay* Replay::recording() { return now_recording; }

Replay::Replay(Device device) : backend_(backend_of(device)), host_(static_cast<std::size_t>(kMostBytes)) {
  check(backend_.graphs != nullptr, "Replay: {} has no graphs", name(device));
  values_ = Tensor({kMostBytes}, DType::u8, device);
}

Replay::~Replay() {
  if (graph_) backend_.graphs->forget(graph_);
}

void Replay::begin() {
  check(!graph_ && !now_recording, "Replay: record() once, and one at a time");
  backend_.graphs->begin();
  now_recording = this;
}

void Replay::end() {
  graph_ = backend_.graphs->end();
  now_recording = nullptr;
  launch();
}

void Replay::abandon() noexcept {
  if (std::exchange(now_recording, nullptr)) backend_.graphs->abandon();
}

void Replay::run() {
  check(graph_ != nullptr, "Replay: run() before record()");
  for (const auto& f : on_host_) f();
  launch();
}

void Replay::launch() {
  if (used_ > 0) backend_.memory->from_host(values_.mutable_raw(), host_.data(), used_);
  backend_.graphs->replay(graph_);
}

std::size_t Replay::place_for(std::size_t bytes) {
  constexpr std::size_t kAlignment = 8;
  const std::size_t at = (used_ + kAlignment - 1) / kAlignment * kAlignment;
  check(at + bytes <= host_.size(), "Replay: values that move take more than {} bytes", kMostBytes);
  used_ = at + bytes;
  return at;
}

void each_time(const std::function<void()>& f) {
  f();
  if (Replay* const replay = Replay::recording()) replay->on_host_.push_back(f);
}

}  // namespace gesso::tensor
