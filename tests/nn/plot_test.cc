#include "nn/plot.h"

#include "tensor/error.h"

#include <doctest/doctest.h>

#include <cmath>
#include <string>

namespace gesso::nn {
namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// Tags that open and close properly.
bool well_formed(const std::string& svg) {
  return svg.starts_with("<svg ") && svg.ends_with("</svg>\n") &&
         count(svg, "<text ") == count(svg, "</text>") &&
         count(svg, "<") == 2 + 2 * count(svg, "<text ") + count(svg, "<path ") && count(svg, "nan") == 0 &&
         count(svg, "inf") == 0;
}

TEST_CASE("round_ticks: round numbers within the range") {
  CHECK(round_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
  CHECK(round_ticks(-3, 12, 4) == std::vector<double>{0, 5, 10});
  CHECK(round_ticks(0, 0.3, 3).size() == 4);
  CHECK(round_ticks(1e9, 1e9 + 10, 5).size() == 6);
  CHECK(!std::signbit(round_ticks(-1, 1, 2)[1]));
  CHECK(round_ticks(1, 1, 5).empty());
  CHECK(round_ticks(std::nan(""), 1, 5).empty());
}

TEST_CASE("line_plot: series, legend, axes, and words that look like tags") {
  const std::string svg = line_plot({{"train", {0, 1, 2}, {3, 2, 1}}, {"a<b & c", {0, 2}, {1, 3}}},
                                    {.title = "loss", .x_label = "step", .y_label = "nats"});
  CHECK(well_formed(svg));
  CHECK(count(svg, ">train</text>") == 1);
  CHECK(count(svg, ">a&lt;b &amp; c</text>") == 1);
  CHECK(count(svg, ">nats</text>") == 1);
  // (0,3) is the upper left of the frame, (2,1) its lower right
  CHECK(count(svg, "d='M64.0 48.0h0L338.0 182.0L612.0 316.0'") == 1);
  CHECK(count(svg, "d='M64.0 316.0h0L612.0 48.0'") == 1);
}

TEST_CASE("line_plot: gaps, lone points, empty and constant series") {
  const double nan = std::nan("");
  const std::string svg = line_plot({{"x", {0, 1, 2, 3, 4}, {0, 1, nan, 4, nan}}});
  CHECK(well_formed(svg));
  CHECK(count(svg, "d='M64.0 316.0h0L246.7 249.0M612.0 48.0h0'") == 1);
  CHECK(well_formed(line_plot({})));
  CHECK(well_formed(line_plot({{"none", {}, {}}, {"lost", {1}, {nan}}})));
  CHECK(well_formed(line_plot({{"constant", {0, 1}, {5, 5}}, {"zero", {0}, {0}}})));
  CHECK(well_formed(line_plot({{"zero", {0}, {0}}})));
  CHECK_THROWS_AS(line_plot({{"x", {0, 1}, {0}}}), Error);
}

TEST_CASE("line_plot: logarithmic y") {
  const std::string svg = line_plot({{"x", {0, 1, 2, 3}, {1, 10, 0, 100}}}, {.log_y = true});
  CHECK(well_formed(svg));
  CHECK(count(svg, "d='M64.0 316.0h0L246.7 182.0M612.0 48.0h0'") ==
        1);  // a decade is a decade; 0 has no place
  CHECK(count(svg, ">10</text>") == 1);
  const std::string narrow = line_plot({{"x", {0, 1}, {105, 115}}}, {.log_y = true});
  CHECK(count(narrow, ">110</text>") == 1);
}

TEST_CASE("line_plot: long series are thinned, their peaks stay") {
  Series s{"x", {}, {}};
  for (int i = 0; i < 1'000'000; ++i) {
    s.x.push_back(i);
    s.y.push_back(i % 99'991 == 7 ? 10 : i % 99'989 == 5'000 ? -10 : std::sin(i * 0.1));
  }
  const std::string svg = line_plot({s});
  CHECK(svg.size() < 50'000);
  CHECK(count(svg, " 48.0") == 11 + 2);   // y = 10, the top, where an axis and a tick begin too
  CHECK(count(svg, " 316.0") == 10 + 1);  // y = -10, the bottom, with a tick
}

}  // namespace
}  // namespace gesso::nn
