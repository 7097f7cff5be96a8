#include "models/run_log.h"

namespace gesso::models {
namespace {

const std::filesystem::path& rewound(const std::filesystem::path& metrics, std::optional<std::int64_t> step) {
  if (step) nn::rewind_jsonl(metrics, *step);
  return metrics;
}

}  // namespace

RunLog::RunLog(const RunFolder& run, std::optional<std::int64_t> resumed_at)
    : metrics_(rewound(run.metrics_file(), resumed_at)), events_(run.path(), resumed_at) {}

void RunLog::losses(const char* split, std::int64_t step, std::int64_t epoch, const Losses& losses,
                    std::optional<double> images_per_s) {
  nlohmann::ordered_json line = {{"step", step}, {"epoch", epoch}, {"split", split}};
  for (const auto& [name, value] : losses) {
    line[name] = value;
    events_.scalar(fmt::format("{}/{}", split, name), step, value);
  }
  if (images_per_s) {
    line["images_per_s"] = *images_per_s;
    events_.scalar(fmt::format("{}/images_per_s", split), step, *images_per_s);
  }
  metrics_.write(line);
}

void RunLog::picture(const char* tag, std::int64_t step, const Picture& picture) {
  events_.image(tag, step, picture.height, picture.width, picture.channels, picture.png);
}

}  // namespace gesso::models
