#include "models/run_log.h"

#include <fstream>

namespace gesso::models {
namespace {

const std::filesystem::path& rewound(const std::filesystem::path& metrics, std::optional<std::int64_t> step) {
  if (step) nn::rewind_jsonl(metrics, *step);
  return metrics;
}

}  // namespace

std::vector<nlohmann::ordered_json> read_metrics(const RunFolder& run) {
  std::vector<nlohmann::ordered_json> lines;
  std::ifstream in(run.metrics_file());
  for (std::string text; std::getline(in, text);) {
    nlohmann::ordered_json line = nlohmann::ordered_json::parse(text, nullptr, false);
    const auto has = [&](const char* key, auto is) { return line.contains(key) && (line[key].*is)(); };
    using Json = nlohmann::ordered_json;
    if (line.is_object() && has("step", &Json::is_number_integer) && has("split", &Json::is_string))
      lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<std::pair<std::string, double>> losses_of(const nlohmann::ordered_json& line) {
  std::vector<std::pair<std::string, double>> losses;
  for (const auto& [key, value] : line.items())
    if (value.is_number() && key != "step" && key != "epoch" && key != "images_per_s")
      losses.emplace_back(key, value.get<double>());
  return losses;
}

RunLog::RunLog(const RunFolder& run, std::optional<std::int64_t> resumed_at)
    : metrics_(rewound(run.metrics_file(), resumed_at)), events_(run.path(), resumed_at) {}

void RunLog::losses(const char* split, std::int64_t step, std::int64_t epoch, const Losses& losses,
                    std::optional<double> images_per_s) {
  nlohmann::ordered_json figures;
  for (const auto& [name, value] : losses) figures[name] = value;
  if (images_per_s) figures["images_per_s"] = *images_per_s;

  nlohmann::ordered_json line = {{"step", step}, {"epoch", epoch}, {"split", split}};
  line.update(figures);
  // First: the event file, which holds pictures too, is more likely to find the disk full.
  metrics_.write(line);
  for (const auto& [name, value] : figures.items())
    events_.scalar(fmt::format("{}/{}", split, name), step, value.get<double>());
}

void RunLog::alarm(std::int64_t step, const std::string& what) {
  metrics_.write({{"step", step}, {"split", "alarm"}, {"alarm", what}});
}

void RunLog::picture(const char* tag, std::int64_t step, const Picture& picture) {
  events_.image(tag, step, picture.height, picture.width, picture.channels, picture.png);
}

}  // namespace gesso::models
