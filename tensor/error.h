// The one exception type. Its message names the operation, the shapes, and what was expected, and where the program has
// line tables (g++ -g1 or more) the line outside of gesso that asked for it.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace gesso {

class Error : public std::runtime_error {
 public:
  template <class... Args>
  explicit Error(fmt::format_string<Args...> format, Args&&... args)
      : Error(caller(), fmt::format(format, std::forward<Args>(args)...)) {}

  /// what() without the line.
  const std::string& message() const { return message_; }

 protected:
  struct Line {
    std::string text;  // " (called at main.cc:12)", or nothing
  };
  Error(const Line& line, std::string message)
      : std::runtime_error(message + line.text), message_(std::move(message)) {}

 private:
  static Line caller();
  std::string message_;
};

/// Throws Error with the formatted message unless `ok`.
template <class... Args>
void check(bool ok, fmt::format_string<Args...> format, Args&&... args) {
  if (!ok) [[unlikely]]
    throw Error(format, std::forward<Args>(args)...);
}

}  // namespace gesso
