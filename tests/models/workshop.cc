#include "tests/models/workshop.h"

#include <fstream>
#include <sstream>

namespace gesso::models {

std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> all;
  std::istringstream in(line);
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

Workshop::Workshop() { put_squares(*this / "data", 60, 24); }

Outcome Workshop::train(const std::string& more, const std::string& model) const {
  const char* narrow = model.starts_with("mlp") ? "hidden=16" : "width=0.1";
  return gesso(
      fmt::format("train {} --data data --set {} --set latent=3 --batch-size 7 {}", model, narrow, more));
}

std::vector<json> metrics(const std::filesystem::path& run) {
  std::vector<json> lines;
  std::ifstream in(run / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

std::vector<std::string> alarms(const std::filesystem::path& run) {
  std::vector<std::string> all;
  for (const json& line : metrics(run))
    if (line["split"] == "alarm") all.push_back(line["alarm"]);
  return all;
}

void check_same_run(const std::filesystem::path& a, const std::filesystem::path& b) {
  CHECK(nn::bytes_of(a / "checkpoint.safetensors") == nn::bytes_of(b / "checkpoint.safetensors"));
}

}  // namespace gesso::models
