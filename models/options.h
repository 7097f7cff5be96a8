// What a user may set, and what happens when it is set wrong: one clear line that names the nearest thing that exists.
#pragma once

#include "tensor/error.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gesso::models {

/// A mistake on the command line: exit code 2.
class UsageError : public Error {
 public:
  template <class... Args>
  explicit UsageError(fmt::format_string<Args...> format, Args&&... args)
      : Error({}, fmt::format(format, std::forward<Args>(args)...)) {}
};

/// `; did you mean "mlp-vae"?` if a candidate is close to `word`, otherwise `; there is: a, b, c`.
std::string suggestion(std::string_view word, const std::vector<std::string>& candidates);

/// The whole of `text` as a number; throws UsageError, which names `what`, unless it is one and finite.
double number(std::string_view what, const std::string& text);
std::int64_t integer(std::string_view what, const std::string& text);

/// One thing about a model that `--set name=value` changes.
struct Option {
  std::string name, value, help;
  bool names_run = false;  // the value is the folder of a run that this model is built upon, or empty
};

/// The options of one model: those it has, with the values they have now.
class Options {
 public:
  explicit Options(std::vector<Option> all = {}) : all_(std::move(all)) {}

  /// assignment = "key=value". Throws UsageError for a key that is none of these.
  void set(const std::string& assignment);
  const std::vector<Option>& all() const { return all_; }

  const std::string& text(std::string_view name) const;
  double positive(std::string_view name) const;
  /// A number in [low, high].
  double between(std::string_view name, double low, double high) const;
  /// One of `names`.
  const std::string& choice(std::string_view name, const std::vector<std::string>& names) const;
  bool flag(std::string_view name) const;                         // "true" or "false"
  std::int64_t whole(std::string_view name) const;                // an integer of at least 0
  std::int64_t count(std::string_view name) const;                // an integer above 0
  std::vector<std::int64_t> counts(std::string_view name) const;  // "128,256,512"

 private:
  std::vector<Option> all_;
};

/// `--set width=W`, which every model has.
Option width_option();
/// W times the width of a hidden layer, rounded, at least 1.
std::int64_t scaled(std::int64_t width, const Options& options);

}  // namespace gesso::models
