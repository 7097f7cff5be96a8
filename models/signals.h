// Ctrl-C and its kin while a run is training.
#pragma once

namespace gesso::models {

/// While it lives, the first SIGINT or SIGTERM only asks for a stop; a second one exits at once. A file that grows over the
/// limit of the process is a failed write, not a signal.
class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  /// The signal that asked for a stop; 0 if none did.
  int asked() const;
};

}  // namespace gesso::models
