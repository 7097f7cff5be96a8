// What a run writes down as it goes: metrics.jsonl, and the same for TensorBoard.
#pragma once

#include "models/pictures.h"
#include "models/run_folder.h"
#include "nn/event_file.h"
#include "nn/jsonl.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gesso::models {

/// The lines of metrics.jsonl; what is none (the torn end of a run that died) is passed over.
std::vector<nlohmann::ordered_json> read_metrics(const RunFolder& run);
/// The losses in a line: "loss", the total, then its parts.
std::vector<std::pair<std::string, double>> losses_of(const nlohmann::ordered_json& line);

class RunLog {
 public:
  /// A resumed run forgets what was written of later steps.
  RunLog(const RunFolder& run, std::optional<std::int64_t> resumed_at);

  /// split is "train" or "test"; epochs count from 1.
  void losses(const char* split, std::int64_t step, std::int64_t epoch, const Losses& losses,
              std::optional<double> images_per_s = std::nullopt);
  /// A line of its own, with "alarm" for its split.
  void alarm(std::int64_t step, const std::string& what);
  void picture(const char* tag, std::int64_t step, const Picture& picture);

 private:
  nn::JsonLines metrics_;
  nn::EventFile events_;
};

}  // namespace gesso::models
