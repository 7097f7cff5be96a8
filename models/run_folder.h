// The folder of one training run: its settings, its checkpoints, and the lock that keeps a second process out.
#pragma once

#include "models/model.h"
#include "nn/file.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <optional>

namespace gesso::models {

/// What a run is, as config.json says it. All of it stays as it is when the run is resumed, except how long it shall be.
struct Config {
  std::string model, data;
  std::uint64_t seed = 0;
  std::int64_t batch_size = 0;
  double lr = 0;
  std::optional<std::int64_t> epochs, steps;  // one of them
  std::vector<std::string> set;               // "key=value"
  Shape image;                                // (H,W,C)
  std::int64_t train_images = 0;
  std::string objective;  // Model::describe(), for readers; made anew when the run is resumed

  Recipe recipe(Device device = Device::cpu) const;
  /// Those of its options whose values are runs.
  std::vector<Option> named_runs() const;
  /// Whether an epoch leaves out its last batch: if that were a single image, of which batch norm can take no variance.
  bool drops_last() const { return batch_size > 1 && train_images % batch_size == 1; }
  std::int64_t steps_per_epoch() const { return (train_images + batch_size - 1) / batch_size - drops_last(); }
  std::int64_t total_steps() const { return steps ? *steps : *epochs * steps_per_epoch(); }

  nlohmann::ordered_json to_json() const;
  static Config from_json(const nlohmann::json& json);
};

class RunFolder {
 public:
  explicit RunFolder(std::filesystem::path path) : path_(std::move(path)) {}

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config_file() const { return path_ / "config.json"; }
  std::filesystem::path checkpoint_file() const { return path_ / "checkpoint.safetensors"; }
  std::filesystem::path previous_checkpoint_file() const { return path_ / "checkpoint.previous.safetensors"; }
  std::filesystem::path model_file() const { return path_ / "model.safetensors"; }
  std::filesystem::path metrics_file() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path report_file() const { return path_ / "report.html"; }
  std::filesystem::path samples() const { return path_ / "samples"; }

  /// True if something was trained here.
  bool has_run() const { return std::filesystem::exists(config_file()); }
  /// Makes the folder, and keeps other processes out for as long as this object lives; throws Error if one is in.
  void lock();

  /// Copies the runs that the options of `config` name into this folder, so that it needs them no more.
  void keep_named_runs(const Config& config) const;
  /// config.recipe(), where options that name a run name the copy in this folder.
  Recipe recipe(const Config& config, Device device) const;

  void save_config(const Config& config) const;
  Config load_config() const;

  /// Weights and training state after `step` steps. The checkpoint before stays as checkpoint.previous.safetensors.
  void save_checkpoint(Model& model, std::int64_t step) const;
  /// Returns the step. Where the newest checkpoint does not verify, takes the one before and calls `warn`.
  std::int64_t load_checkpoint(Model& model, const std::function<void(const std::string&)>& warn) const;
  /// The weights alone, to share.
  void save_model(Model& model, const Config& config) const;
  void load_model(Model& model) const;

 private:
  std::filesystem::path path_;
  nn::Descriptor lock_;
};

struct Trained {
  RunFolder run;
  Config config;
  std::unique_ptr<Model> model;
};
/// The model of a run, with its weights.
Trained load_trained(const std::filesystem::path& run, Device device);

}  // namespace gesso::models
