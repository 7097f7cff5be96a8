// The loop that all models share, and what it leaves in the folder of the run.
#pragma once

#include "models/dataset.h"
#include "models/run_folder.h"
#include "models/run_log.h"
#include "models/signals.h"
#include "models/steps.h"
#include "nn/progress.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gesso::models {

struct TrainerOptions {
  double save_every;  // seconds between checkpoints
  Steps::As steps;
};

class Trainer {
 public:
  /// The folder must outlive the trainer.
  Trainer(const RunFolder& run, const Config& config, std::unique_ptr<Model> model, const nn::ImageSet& train,
          const nn::ImageSet& test, const TrainerOptions& options);

  /// What the losses are made of, for the log; may be empty.
  const std::string& objective() const { return config_.objective; }
  /// Takes up the run where its checkpoint left it; returns the step.
  std::int64_t resume();
  /// Trains to the end of the run, or until a signal. Returns the signal, 0 if there was none. Throws Error if the losses are
  /// no longer finite, or if the end of the run cannot be saved.
  int run();

 private:
  using Clock = std::chrono::steady_clock;

  void epoch(const StopSignals& signals);
  void begin();
  void read_losses();
  void check_finite(const Losses& losses, std::int64_t step);
  void alarm(std::int64_t step, const std::string& what);
  void log_window(std::int64_t epoch);
  void evaluate(std::int64_t epoch);
  void finish();
  bool save();
  bool attempt(const std::function<void()>& write);
  void say(const std::string& line);

  const RunFolder& run_;
  Config config_;
  const nn::ImageSet train_, test_;
  nn::Batches batches_;
  std::unique_ptr<Model> model_;
  Steps make_step_;
  const double save_every_;

  struct Unread {
    std::int64_t step, images;
    StepLosses losses;
  };
  std::int64_t step_ = 0;       // how many were made
  std::vector<Unread> unread_;  // losses that nobody waited for yet
  Losses newest_;               // of those that were read
  std::optional<std::int64_t> resumed_at_;
  std::optional<RunLog> log_;
  std::optional<nn::Progress> bar_;
  MeanLosses window_;  // since the last line of the log
  Losses last_;        // of that line
  std::set<std::string> warned_;
  std::string last_failure_;
  Clock::time_point window_start_, last_save_;
};

/// Images begin .. end - 1 (N,D) of a test set as the model observes them, on its device; what is drawn for
/// that depends on the seed and the pixel alone, so it is one and the same test set for every model and at
/// every time.
Tensor test_pixels(Model& model, const nn::ImageSet& test, std::uint64_t seed, std::int64_t begin,
                   std::int64_t end);
constexpr std::int64_t kTestBatch =
    500;  // divides the 10,000 of MNIST, and its activations stay in the cache

/// The losses on all test images. The noise is that of the seed, so the same weights give the same losses.
Losses test_losses(Model& model, const nn::ImageSet& test, std::uint64_t seed);

}  // namespace gesso::models
