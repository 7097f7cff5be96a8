// TensorBoard's event files, written without TensorBoard: records of protocol-buffer messages with checksums.
#pragma once

#include "nn/file.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace gesso::nn {

/// One file events.out.tfevents.<seconds>.<host>.<pid>.<n> in `folder`, which `tensorboard --logdir` reads
/// while it grows. `resumed_after`: a run that goes on from that step; TensorBoard then forgets what earlier
/// files say of later steps.
class EventFile {
 public:
  explicit EventFile(const std::filesystem::path& folder,
                     std::optional<std::int64_t> resumed_after = std::nullopt);

  void scalar(std::string_view tag, std::int64_t step, double value);
  /// An encoded PNG with 1 (grey) or 3 (RGB) channels.
  void image(std::string_view tag, std::int64_t step, int height, int width, int channels,
             std::string_view png);

 private:
  void record(std::string_view message);
  AppendFile file_;
};

}  // namespace gesso::nn
