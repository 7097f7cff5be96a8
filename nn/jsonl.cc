#include "nn/jsonl.h"

#include "nn/atomic_file.h"

#include <string>

namespace gesso::nn {

void JsonLines::write(const nlohmann::ordered_json& object) {
  using Json = nlohmann::ordered_json;
  file_.append(object.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::int64_t rewind_jsonl(const std::filesystem::path& path, std::int64_t last_step) {
  if (!std::filesystem::exists(path)) return 0;
  InputFile in(path);
  std::string text(static_cast<std::size_t>(in.size()), '\0');
  in.read(text.data(), text.size());

  std::string kept;
  std::int64_t unreadable = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t newline = text.find('\n', begin);
    const bool torn = newline == std::string::npos;
    const std::string_view line = std::string_view(text).substr(begin, torn ? newline : newline + 1 - begin);
    begin += line.size();
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (torn || !object.is_object()) {
      ++unreadable;
      continue;
    }
    const auto step = object.find("step");
    if (step == object.end() || !step->is_number() || step->get<double>() <= static_cast<double>(last_step))
      kept += line;
  }
  if (kept.size() != text.size()) write_file(path, kept);
  return unreadable;
}

}  // namespace gesso::nn
