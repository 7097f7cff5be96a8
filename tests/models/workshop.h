// A folder to run `gesso` in, and what tests ask of the runs that it leaves there.
#pragma once

#include "tests/models/support.h"

#include <nlohmann/json.hpp>

namespace gesso::models {

using nlohmann::json;

std::vector<std::string> words(const std::string& line);

/// A folder with a data set "data" of 60 squares to train with and 24 to test.
struct Workshop : TempFolder {
  Workshop();
  Outcome gesso(const std::string& line) const { return run(*this, words(line)); }
  /// Trains a small model.
  Outcome train(const std::string& more, const std::string& model = "mlp-vae") const;
};

/// The lines of metrics.jsonl.
std::vector<json> metrics(const std::filesystem::path& run);
/// The alarms among them.
std::vector<std::string> alarms(const std::filesystem::path& run);
/// All that decides how a run goes on.
void check_same_run(const std::filesystem::path& a, const std::filesystem::path& b);

}  // namespace gesso::models
