// A model's training steps, one after the other: where device and model allow, as a graph that is recorded once and replayed.
#pragma once

#include "models/model.h"
#include "tensor/replay.h"

#include <functional>
#include <optional>
#include <string>

namespace gesso::models {

class Steps {
 public:
  enum class As { graph, kernels };
  /// `say` is told why steps are not replayed where As::graph asks for it. On the CPU nothing is recorded. The model must stay.
  Steps(Model& model, As as, std::function<void(const std::string&)> say);

  /// One step on images (N,D), on any device.
  StepLosses operator()(const Tensor& images);

 private:
  StepLosses one_by_one(const Tensor& images);
  StepLosses watched(const Tensor& images);
  StepLosses recorded(const Tensor& images);
  void give_up(const std::string& why);

  Model& model_;
  bool records_;
  std::function<void(const std::string&)> say_;
  std::int64_t made_ = 0;
  bool watched_ = false;
  Shape shape_;    // of the first images
  Tensor images_;  // (N,D), on the device: what the recorded step learns from
  std::optional<tensor::Replay> replay_;
  StepLosses losses_;  // of the newest replay
};

}  // namespace gesso::models
