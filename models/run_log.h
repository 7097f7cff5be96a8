// What a run writes down as it goes: metrics.jsonl, and the same for TensorBoard.
#pragma once

#include "models/pictures.h"
#include "models/run_folder.h"
#include "nn/event_file.h"
#include "nn/jsonl.h"

#include <optional>

namespace gesso::models {

class RunLog {
 public:
  /// A resumed run forgets what was written of later steps.
  RunLog(const RunFolder& run, std::optional<std::int64_t> resumed_at);

  /// split is "train" or "test"; epochs count from 1.
  void losses(const char* split, std::int64_t step, std::int64_t epoch, const Losses& losses,
              std::optional<double> images_per_s = std::nullopt);
  void picture(const char* tag, std::int64_t step, const Picture& picture);

 private:
  nn::JsonLines metrics_;
  nn::EventFile events_;
};

}  // namespace gesso::models
