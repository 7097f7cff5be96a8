#include "models/options.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace gesso::models {
namespace {

/// How many letters must be inserted, removed, replaced or exchanged with their neighbour (Damerau's distance).
int distance(std::string_view a, std::string_view b) {
  const std::size_t width = b.size() + 1;
  std::vector<int> d((a.size() + 1) * width);
  const auto at = [&](std::size_t i, std::size_t j) -> int& { return d[i * width + j]; };
  for (std::size_t i = 0; i <= a.size(); ++i) at(i, 0) = static_cast<int>(i);
  for (std::size_t j = 0; j <= b.size(); ++j) at(0, j) = static_cast<int>(j);
  for (std::size_t i = 1; i <= a.size(); ++i)
    for (std::size_t j = 1; j <= b.size(); ++j) {
      at(i, j) = std::min({at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        at(i, j) = std::min(at(i, j), at(i - 2, j - 2) + 1);
    }
  return at(a.size(), b.size());
}

template <class T>
T parse(std::string_view what, const std::string& text, const char* wanted) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end)
    throw UsageError("{}: \"{}\" is not {}{}", what, text, wanted,
                     error == std::errc::result_out_of_range ? " in range" : "");
  return value;
}

std::vector<std::string> pieces(const std::string& text) {
  std::vector<std::string> parts(1);
  for (char c : text)
    if (c == ',')
      parts.emplace_back();
    else
      parts.back() += c;
  return parts;
}

}  // namespace

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  if (candidates.empty()) return "";
  const auto closer = [&](const auto& a, const auto& b) { return distance(word, a) < distance(word, b); };
  const std::string& nearest = *std::min_element(candidates.begin(), candidates.end(), closer);
  // A third of the letters wrong is still a typing error; more is another word, as "coat" is for "boot".
  if (distance(word, nearest) <= static_cast<int>(std::max<std::size_t>(1, nearest.size() / 3)))
    return fmt::format("; did you mean \"{}\"?", nearest);
  return fmt::format("; there is: {}", fmt::join(candidates, ", "));
}

double number(std::string_view what, const std::string& text) {
  const double value = parse<double>(what, text, "a number");
  if (!std::isfinite(value)) throw UsageError("{}: {} is not a finite number", what, text);
  return value;
}

std::int64_t integer(std::string_view what, const std::string& text) {
  return parse<std::int64_t>(what, text, "a whole number");
}

void Options::set(const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos || equals == 0)
    throw UsageError("--set {}: expected key=value, for example --set {}={}", assignment, all_.front().name,
                     all_.front().value);
  const std::string key = assignment.substr(0, equals);
  for (Option& option : all_)
    if (option.name == key) {
      option.value = assignment.substr(equals + 1);
      return;
    }
  std::vector<std::string> names;
  for (const Option& option : all_) names.push_back(option.name);
  throw UsageError("--set {}: this model has no option \"{}\"{}", assignment, key, suggestion(key, names));
}

const std::string& Options::text(std::string_view name) const {
  const auto at = std::find_if(all_.begin(), all_.end(), [&](const Option& o) { return o.name == name; });
  check(at != all_.end(), "this model has no option {}", name);
  return at->value;
}

double Options::positive(std::string_view name) const {
  const double value = number(fmt::format("--set {}", name), text(name));
  if (!(value > 0)) throw UsageError("--set {}={}: expected a number above 0", name, text(name));
  return value;
}

double Options::between(std::string_view name, double low, double high) const {
  const double value = number(fmt::format("--set {}", name), text(name));
  if (!(value >= low && value <= high))
    throw UsageError("--set {}={}: expected a number from {} to {}", name, text(name), low, high);
  return value;
}

const std::string& Options::choice(std::string_view name, const std::vector<std::string>& names) const {
  const std::string& chosen = text(name);
  if (std::find(names.begin(), names.end(), chosen) == names.end())
    throw UsageError("--set {0}={1}: there is no {0} \"{1}\"{2}", name, chosen, suggestion(chosen, names));
  return chosen;
}

bool Options::flag(std::string_view name) const { return choice(name, {"false", "true"}) == "true"; }

std::int64_t Options::whole(std::string_view name) const {
  const std::int64_t value = integer(fmt::format("--set {}", name), text(name));
  if (value < 0) throw UsageError("--set {}={}: expected a whole number of at least 0", name, text(name));
  return value;
}

std::int64_t Options::count(std::string_view name) const {
  const std::vector<std::int64_t> values = counts(name);
  if (values.size() != 1) throw UsageError("--set {}={}: expected one whole number", name, text(name));
  return values.front();
}

std::vector<std::int64_t> Options::counts(std::string_view name) const {
  // Layers beyond this are a slip of the finger: one matrix of 2^20 x 784 floats has 3 GiB.
  constexpr std::int64_t kMost = 1 << 20;
  std::vector<std::int64_t> values;
  for (const std::string& piece : pieces(text(name))) {
    values.push_back(integer(fmt::format("--set {}={}", name, text(name)), piece));
    if (values.back() < 1 || values.back() > kMost)
      throw UsageError("--set {}={}: expected whole numbers from 1 to {}", name, text(name), kMost);
  }
  return values;
}

Option width_option() { return {"width", "1", "multiplies every hidden width"}; }

std::int64_t scaled(std::int64_t width, const Options& options) {
  const double factor = options.between("width", 0.001, 64);
  return std::max<std::int64_t>(1, std::llround(factor * static_cast<double>(width)));
}

}  // namespace gesso::models
