// `--profile FILE.json`: what a command's kernels took, as a table for people and as a line of time for a viewer.
#pragma once

#include "kernels/profile.h"
#include "nn/atomic_file.h"

#include <filesystem>
#include <string>

namespace gesso::models {

/// A table of the training steps and one of what was beside them, with a line a kernel: calls, milliseconds in all, microseconds a call, the share of all kernels' time, and for products
/// GFLOP/s: two operations for each multiplication that the formula has, however the kernel goes about it.
std::string profile_table(const kernels::Profile& profile);

/// Chrome's trace format (an object with "traceEvents"; times in microseconds), for https://ui.perfetto.dev or chrome://tracing:
/// a process for each device, in it a lane for each phase with its kernels' calls, and one of the training steps.
std::string chrome_trace(const kernels::Profile& profile);

/// From its beginning on the kernels take their time. Throws FileError at once where the file cannot be written.
class Trace {
 public:
  explicit Trace(const std::filesystem::path& file);
  /// Writes the file; returns the table.
  std::string finish();

 private:
  std::filesystem::path path_;
  nn::AtomicFile file_;
  kernels::Profile profile_;
};

}  // namespace gesso::models
