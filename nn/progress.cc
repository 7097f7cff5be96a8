#include "nn/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <sys/ioctl.h>
#include <unistd.h>
#include <utility>

namespace gesso::nn {
namespace {

using namespace std::chrono_literals;
constexpr auto kRedraw = 100ms;   // the eye follows no more
constexpr auto kPlainLine = 10s;  // a log file should stay readable
constexpr std::string_view kCyan = "\x1b[36m", kNoColour = "\x1b[0m";
constexpr int kShortestBar = 3, kLongestBar = 40;

std::string clock_text(double seconds) {
  if (!std::isfinite(seconds) || seconds > 1e9) return "?";
  const auto s = static_cast<std::int64_t>(seconds);
  const std::string minutes = fmt::format("{:02}:{:02}", s / 60 % 60, s % 60);
  return s < 3600 ? minutes : fmt::format("{}:{}", s / 3600, minutes);
}

std::string rate_text(double rate, std::string_view unit) {
  if (!std::isfinite(rate) || rate <= 0) return fmt::format("? {}/s", unit);
  if (rate < 1) return fmt::format("{:.2f} s/{}", 1 / rate, unit);
  if (rate >= 1e6) return fmt::format("{:.2f}M {}/s", rate / 1e6, unit);
  if (rate >= 1e4) return fmt::format("{:.1f}k {}/s", rate / 1e3, unit);
  return fmt::format("{:.{}f} {}/s", rate, rate < 100 ? 2 : 0, unit);
}

/// `cells` columns, filled to the eighth of a column.
std::string bar(double fraction, int cells) {
  constexpr std::array<std::string_view, 8> kEighths = {" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const int eighths = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * cells * 8);
  std::string out;
  for (int i = 0; i < cells; ++i) {
    const int fill = std::clamp(eighths - 8 * i, 0, 8);
    out += fill == 8 ? "█" : kEighths[static_cast<std::size_t>(fill)];
  }
  return out;
}

bool starts_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }  // in UTF-8

int columns(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), starts_character));
}

std::string cut(std::string text, int width) {
  std::size_t i = 0;
  for (int seen = 0; i < text.size(); ++i)
    if (starts_character(text[i]) && ++seen > width) break;
  text.resize(i);
  return text;
}

bool is_set(const char* variable) {
  const char* value = std::getenv(variable);
  return value && *value;
}

int terminal_width(std::FILE* out) {
  winsize size{};
  return ::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(const ProgressState& s, int width, std::string_view colour) {
  const double rate = static_cast<double>(s.done - s.initial) / s.seconds;
  const double left = static_cast<double>(std::max<std::int64_t>(s.total - s.done, 0)) / rate;
  const std::string prefix = s.description.empty() ? "" : fmt::format("{}: ", s.description);
  const std::string suffix =
      fmt::format("{}{}{}]", rate_text(rate, s.unit), s.postfix.empty() ? "" : ", ", s.postfix);
  const auto fit = [=](std::string line) { return width > 0 ? cut(std::move(line), width) : line; };
  if (s.total <= 0)
    return fit(fmt::format("{}{} {} [{}, {}", prefix, s.done, s.unit, clock_text(s.seconds), suffix));

  const double fraction = static_cast<double>(s.done) / static_cast<double>(s.total);
  const std::string head = fmt::format("{}{:3.0f}%", prefix, std::floor(100 * fraction));
  const std::string tail = fmt::format(" {}/{} [{}<{}, {}", s.done, s.total, clock_text(s.seconds),
                                       clock_text(s.done >= s.total ? 0 : left), suffix);
  const int cells = std::min(width - columns(head) - columns(tail) - 2, kLongestBar);
  if (cells < kShortestBar) return fit(head + tail);
  return fmt::format("{}|{}{}{}|{}", head, colour, bar(fraction, cells), colour.empty() ? "" : kNoColour,
                     tail);
}

Progress::Progress(ProgressOptions options)
    : options_(std::move(options)), done_(options_.initial), start_(Clock::now()) {
  const char* term = std::getenv("TERM");
  terminal_ = ::isatty(::fileno(options_.out)) && !(term && std::string_view(term) == "dumb");
  colour_ = terminal_ && !is_set("NO_COLOR") ? kCyan : "";
  next_ = terminal_ ? start_ : start_ + kPlainLine;
}

void Progress::draw() {
  const Clock::time_point now = Clock::now();
  next_ = now + (terminal_ ? Clock::duration(kRedraw) : Clock::duration(kPlainLine));
  const ProgressState state{.description = options_.description,
                            .unit = options_.unit,
                            .postfix = postfix_,
                            .done = done_,
                            .total = options_.total,
                            .initial = options_.initial,
                            .seconds = std::chrono::duration<double>(now - start_).count()};
  // One column stays free: some terminals wrap when the last one is written. "\x1b[K" clears the rest of the
  // line.
  const std::string line =
      terminal_ ? fmt::format("\r{}\x1b[K", progress_line(state, terminal_width(options_.out) - 1, colour_))
                : progress_line(state, 0) + "\n";
  std::fwrite(line.data(), 1, line.size(), options_.out);
  std::fflush(options_.out);
}

void Progress::note(std::string_view text) {
  const std::string line = fmt::format("{}{}\n", terminal_ ? "\r\x1b[K" : "", text);
  std::fwrite(line.data(), 1, line.size(), options_.out);
  std::fflush(options_.out);
  if (terminal_ && !finished_) draw();
}

void Progress::finish() {
  if (std::exchange(finished_, true)) return;
  draw();
  if (terminal_) std::fputs("\n", options_.out);
}

}  // namespace gesso::nn
