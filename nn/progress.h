// A progress bar like tqdm's, on a terminal; elsewhere a plain line now and then.
//
//   Epoch 3:  42%|████▏     | 25200/60000 [00:02<00:03, 10.1k img/s, loss 107.31]
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace gesso::nn {

struct ProgressOptions {
  std::int64_t total = 0;  // 0: unknown
  std::string description = {};
  std::string unit = "it";
  std::int64_t initial = 0;  // where a resumed run starts; not counted in the rate
  std::FILE* out = stderr;
};

/// What a line of progress says, apart from the clock and the terminal, so that it can be tested.
struct ProgressState {
  std::string_view description = {}, unit = {}, postfix = {};
  std::int64_t done = 0, total = 0, initial = 0;
  double seconds = 0;
};
/// The line, of at most `width` columns, where the bar takes what the words leave; `colour` is a terminal's
/// escape sequence for the bar, or empty. A width of 0 means as many columns as the words need, and no bar.
std::string progress_line(const ProgressState& state, int width, std::string_view colour = "");

class Progress {
 public:
  explicit Progress(ProgressOptions options);
  Progress(std::int64_t total, std::string description)
      : Progress({.total = total, .description = description}) {}
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress() { finish(); }

  /// n more are done. `postfix()` makes the text after the rate; it is called only when the line is drawn (at
  /// most ten times a second), so it may be as costly as fetching a loss from a device. Any other update
  /// reads a clock.
  template <class Postfix>
  void update(std::int64_t n, Postfix&& postfix) {
    done_ += n;
    if (!due()) return;
    postfix_ = postfix();
    draw();
  }
  void update(std::int64_t n = 1) {
    done_ += n;
    if (due()) draw();
  }
  void set_postfix(std::string postfix) { postfix_ = std::move(postfix); }

  /// A line of text above the bar.
  void note(std::string_view text);
  /// Draws the last state and leaves it. Once.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;
  bool due() const { return Clock::now() >= next_; }
  void draw();

  ProgressOptions options_;
  std::int64_t done_ = 0;
  std::string postfix_;
  bool terminal_ = false, finished_ = false;
  std::string_view colour_;
  Clock::time_point start_, next_;
};

}  // namespace gesso::nn
