// Training: the loop that all models share, and what it leaves in the folder of the run.
#pragma once

#include "models/run_folder.h"

#include <optional>
#include <string>
#include <vector>

namespace gesso::models {

/// What `gesso train` was asked for; what is absent has the model's default, or when resuming the run's own value.
struct TrainRequest {
  std::string model, out, resume;
  std::optional<std::string> data;
  std::optional<std::int64_t> epochs, steps, batch_size;
  std::optional<std::uint64_t> seed;
  std::optional<double> lr;
  std::vector<std::string> set;
  double save_every = 30;  // seconds between checkpoints
  bool graph = true;       // replay training steps as a graph, where that is possible
  Device device = Device::cpu;
};

/// Returns the exit code: 0, or 128 + the signal that stopped the run after saving.
int train(const TrainRequest& request);

}  // namespace gesso::models
