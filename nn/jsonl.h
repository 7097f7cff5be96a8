// JSON lines: a log of one object a line, such as metrics.jsonl of a training run.
#pragma once

#include "nn/file.h"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>

namespace gesso::nn {

/// Appends to a file of JSON lines; each line is complete in the file, and visible to who reads along, when
/// write() returns. NaN and infinity, which JSON has not, become null.
class JsonLines {
 public:
  explicit JsonLines(std::filesystem::path path) : file_(std::move(path)) {}
  void write(const nlohmann::ordered_json& object);

 private:
  AppendFile file_;
};

/// Before a run goes on from step `last_step`: removes the lines whose "step" is greater, and those that are
/// no objects (the torn end of a run that died). Other lines keep their bytes and order. Returns the number
/// of unreadable lines. A file that does not exist is an empty one.
std::int64_t rewind_jsonl(const std::filesystem::path& path, std::int64_t last_step);

}  // namespace gesso::nn
