#include "nn/progress.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <limits>
#include <poll.h>
#include <sys/ioctl.h>
#include <thread>
#include <unistd.h>

namespace gesso::nn {
namespace {

std::size_t columns(std::string_view s) {
  return static_cast<std::size_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

const ProgressState kHalf{.description = "Epoch 3",
                          .unit = "img",
                          .postfix = "loss 107.31",
                          .done = 30000,
                          .total = 60000,
                          .initial = 0,
                          .seconds = 2.5};

TEST_CASE("progress_line: all parts, and the bar fills the width") {
  const std::string line = progress_line(kHalf, 80);
  CHECK(line == "Epoch 3:  50%|██████▌      | 30000/60000 [00:02<00:02, 12.0k img/s, loss 107.31]");
  CHECK(columns(line) == 80);
  CHECK(columns(progress_line(kHalf, 200)) == 107);  // a bar of 40
  CHECK(progress_line(kHalf, 40) == "Epoch 3:  50% 30000/60000 [00:02<00:02, ");
  CHECK(progress_line(kHalf, 0) == "Epoch 3:  50% 30000/60000 [00:02<00:02, 12.0k img/s, loss 107.31]");
  for (int width = 1; width < 120; ++width)
    CHECK(columns(progress_line(kHalf, width)) <= static_cast<std::size_t>(width));
}

TEST_CASE("progress_line: eighths of a column, and colour around the bar alone") {
  ProgressState s{.unit = "it", .done = 0, .total = 24, .initial = 0, .seconds = 1};
  const char* const bars[] = {"   ", "▏  ", "▎  ", "▍  ", "▌  ", "▋  ", "▊  ", "▉  ", "█  ", "█▏ "};
  for (; s.done < 10; ++s.done) {
    const int width = static_cast<int>(columns(progress_line(s, 0))) + 5;  // leaves three columns, 24 eighths
    const std::string bar = bars[s.done];
    CHECK(progress_line(s, width).find("|" + bar + "|") != std::string::npos);
    CHECK(progress_line(s, width, "<c>").find("|<c>" + bar + "\x1b[0m|") != std::string::npos);
    CHECK(progress_line(s, width - 1).find("|") == std::string::npos);  // two columns are no bar
  }
}

TEST_CASE("progress_line: times and rates of every size") {
  const auto line = [](std::int64_t done, std::int64_t total, double seconds, std::int64_t initial = 0) {
    return progress_line({.description = {},
                          .unit = "it",
                          .postfix = {},
                          .done = done,
                          .total = total,
                          .initial = initial,
                          .seconds = seconds},
                         0);
  };
  CHECK(line(0, 10, 0) == "  0% 0/10 [00:00<?, ? it/s]");
  CHECK(line(10, 10, 4) == "100% 10/10 [00:04<00:00, 2.50 it/s]");
  CHECK(line(10, 100, 3661) == " 10% 10/100 [1:01:01<9:09:09, 366.10 s/it]");
  CHECK(line(999, 1000, 1) == " 99% 999/1000 [00:01<00:00, 999 it/s]");
  CHECK(line(5'000'000, 5'000'000, 2) == "100% 5000000/5000000 [00:02<00:00, 2.50M it/s]");
  CHECK(line(60, 100, 5, 50) == " 60% 60/100 [00:05<00:20, 2.00 it/s]");  // 50 were done before
  CHECK(line(7, 0, 2) == "7 it [00:02, 3.50 it/s]");
  CHECK(line(12, 10, 2) == "120% 12/10 [00:02<00:00, 6.00 it/s]");
}

/// Everything written to the file so far.
std::string read_all(std::FILE* f) {
  std::fflush(f);
  std::string out(1 << 16, '\0');
  const ssize_t n = ::pread(::fileno(f), out.data(), out.size(), 0);
  out.resize(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  return out;
}

TEST_CASE("Progress: elsewhere than on a terminal, plain lines now and then") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file);
  int asked = 0;
  {
    Progress progress({.total = 1000, .description = "Train", .out = file});
    for (int i = 0; i < 1000; ++i) progress.update(1, [&] { return "asked " + std::to_string(++asked); });
    CHECK(asked == 0);  // nobody saw it
    progress.note("warning: x");
    progress.set_postfix("loss 1");
    progress.finish();
    progress.finish();
  }
  const std::string text = read_all(file);
  CHECK(text.starts_with("warning: x\nTrain: 100% 1000/1000 ["));
  CHECK(text.ends_with(", loss 1]\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 2);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  std::fclose(file);
}

/// A pseudo-terminal 90 columns wide.
struct Terminal {
  Terminal() {
    keyboard = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    REQUIRE(keyboard >= 0);
    REQUIRE((::grantpt(keyboard) == 0 && ::unlockpt(keyboard) == 0));
    screen = std::fopen(::ptsname(keyboard), "r+");
    REQUIRE(screen);
    const winsize size{.ws_row = 24, .ws_col = 90, .ws_xpixel = 0, .ws_ypixel = 0};
    REQUIRE(::ioctl(keyboard, TIOCSWINSZ, &size) == 0);
  }
  ~Terminal() {
    std::fclose(screen);
    ::close(keyboard);
  }
  /// All that has been written since the last call; the terminal hands it on with some delay.
  std::string shown() const {
    std::string out;
    char buffer[4096];
    for (pollfd wait{.fd = keyboard, .events = POLLIN, .revents = 0}; ::poll(&wait, 1, 500) > 0;) {
      const ssize_t n = ::read(keyboard, buffer, sizeof buffer);
      if (n <= 0) break;
      out.append(buffer, static_cast<std::size_t>(n));
    }
    return out;
  }
  int keyboard;
  std::FILE* screen;
};

TEST_CASE("Progress: on a terminal, at most ten drawings a second, within its width") {
  ::setenv("TERM", "xterm", 1);
  ::setenv("NO_COLOR", "1", 1);
  const Terminal terminal;
  int asked = 0;
  Progress progress({.total = 1 << 20, .description = "Train", .out = terminal.screen});
  const auto start = std::chrono::steady_clock::now();
  double seconds = 0;
  while ((seconds < 0.35 || asked < 3) && seconds < 60) {
    progress.update(1, [&] { return "asked " + std::to_string(++asked); });
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  CHECK(asked >= 3);
  CHECK(asked <= 1 + seconds * 10);
  const std::string text = terminal.shown();
  CHECK(std::count(text.begin(), text.end(), '\r') == asked);
  CHECK(text.find('\n') == std::string::npos);
  CHECK(text.find("\x1b[3") == std::string::npos);
  const std::string last = text.substr(text.rfind('\r') + 1);
  CHECK(columns(last.substr(0, last.find('\x1b'))) == 89);
  progress.finish();
  CHECK(terminal.shown().ends_with("\x1b[K\r\n"));
  ::unsetenv("NO_COLOR");
  Progress coloured({.total = 10, .description = "", .out = terminal.screen});
  coloured.update(5);
  CHECK(terminal.shown().find("\x1b[36m") != std::string::npos);
}

}  // namespace
}  // namespace gesso::nn
