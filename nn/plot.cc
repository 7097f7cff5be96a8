#include "nn/plot.h"

#include "tensor/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace gesso::nn {
namespace {

// One grey that contrasts 4.5:1 with white and 4.6:1 with black, and line colours of middle lightness: the
// picture need not know what it lies on.
constexpr std::string_view kGrey = "#767676";
constexpr std::array<std::string_view, 6> kColours = {"#3b82d6", "#e0701a", "#2f9e63",
                                                      "#c64a8c", "#8a6fd1", "#a08a1c"};
constexpr double kLeft = 64, kRight = 28, kTop = 48, kBottom = 44, kFont = 12, kLetter = 0.6 * kFont;

struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -std::numeric_limits<double>::infinity();
  void include(double v) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  Range divisible() const {
    if (!(low <= high)) return {0, 1};
    const double margin = high > low ? 0 : std::max(std::abs(low) * 0.1, 1e-12);
    return {low - margin, high + margin};
  }
};

/// Where data lie on the page, whose y counts downwards. On a log axis the data's y are log10.
struct Frame {
  Range x, y;
  double bottom, right;
  double px(double v) const { return kLeft + (v - x.low) / (x.high - x.low) * (right - kLeft); }
  double py(double v) const { return bottom - (v - y.low) / (y.high - y.low) * (bottom - kTop); }
};

std::string text(double x, double y, std::string_view anchor, std::string_view words,
                 std::string_view more = "") {
  std::string safe;
  for (char c : words) {
    const bool control = static_cast<unsigned char>(c) < 0x20;
    safe += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, control ? ' ' : c);
  }
  return fmt::format("<text x='{:.1f}' y='{:.1f}' fill='{}' text-anchor='{}' {}>{}</text>\n", x, y, kGrey,
                     anchor, more, safe);
}

std::string stroke(std::string_view path, std::string_view colour, double width, double opacity = 1) {
  return fmt::format("<path d='{}' stroke='{}' stroke-width='{}' stroke-opacity='{}'/>\n", path, colour,
                     width, opacity);
}

std::string axes(const Frame& f, const PlotOptions& o) {
  std::string out = text(kLeft, 18, "start", o.title, "font-weight='bold'");
  for (double t : round_ticks(f.x.low, f.x.high, 7))
    out += text(f.px(t), f.bottom + 18, "middle", fmt::format("{:.6g}", t));
  // On a log axis: powers of ten, or, within a decade, round numbers whatever their logarithms.
  const bool decades = o.log_y && f.y.high - f.y.low >= 1;
  const bool within = o.log_y && !decades;
  for (double t : within ? round_ticks(std::pow(10, f.y.low), std::pow(10, f.y.high), 5)
                         : round_ticks(f.y.low, f.y.high, 5)) {
    if (decades && t != std::round(t)) continue;
    const double y = f.py(within ? std::log10(t) : t);
    out += stroke(fmt::format("M{:.1f} {:.1f}H{:.1f}", kLeft, y, f.right), kGrey, 1, 0.3);
    out += text(kLeft - 6, y + 4, "end", fmt::format("{:.6g}", decades ? std::pow(10, t) : t));
  }
  out += stroke(fmt::format("M{:.1f} {:.1f}V{:.1f}H{:.1f}", kLeft, kTop, f.bottom, f.right), kGrey, 1);
  out += text((kLeft + f.right) / 2, f.bottom + 36, "middle", o.x_label);
  const std::string turned =
      fmt::format("transform='translate(14 {:.1f}) rotate(-90)'", (kTop + f.bottom) / 2);
  return out + text(0, 0, "middle", o.y_label, turned);
}

/// Of each run of neighbours the least and the greatest, so that a million steps make a plot of some
/// kilobytes.
std::vector<std::size_t> thinned(const std::vector<double>& y, std::size_t most) {
  const std::size_t run = y.size() <= most ? 1 : 2 * ((y.size() + most - 1) / most);
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < y.size(); i += run) {
    const auto first = y.begin() + static_cast<std::ptrdiff_t>(i);
    const auto last = y.begin() + static_cast<std::ptrdiff_t>(std::min(i + run, y.size()));
    const auto [least, greatest] = std::minmax_element(first, last);
    kept.push_back(static_cast<std::size_t>(std::min(least, greatest) - y.begin()));
    if (least != greatest) kept.push_back(static_cast<std::size_t>(std::max(least, greatest) - y.begin()));
  }
  return kept;
}

std::string curve(const std::vector<double>& x, const std::vector<double>& y, const Frame& f) {
  std::string out;
  bool pen_down = false;
  for (std::size_t i : thinned(y, 2000)) {  // about four a pixel column of the default width
    const bool visible = std::isfinite(x[i]) && std::isfinite(y[i]);
    // "h0" gives a point without neighbours a length, so that it shows, as a dot.
    if (visible)
      out += fmt::format("{}{:.1f} {:.1f}{}", pen_down ? "L" : "M", f.px(x[i]), f.py(y[i]),
                         pen_down ? "" : "h0");
    pen_down = visible;
  }
  return out;
}

}  // namespace

std::vector<double> round_ticks(double low, double high, int wanted) {
  const double rough = (high - low) / std::max(wanted, 1),
               power = std::pow(10, std::floor(std::log10(rough)));
  std::vector<double> ticks;
  if (!(power > 0) || !std::isfinite(power)) return ticks;
  const double step = power * (rough / power < 1.5   ? 1
                               : rough / power < 3.5 ? 2
                               : rough / power < 7.5 ? 5
                                                     : 10);
  const double last = std::floor(high / step + 1e-9);  // 1e-9: 0.3 / 0.1 is a little less than 3
  for (double k = std::ceil(low / step - 1e-9); k <= last && ticks.size() < 100; ++k)
    ticks.push_back(k * step + 0.0);  // + 0.0: no "-0"
  return ticks;
}

std::string line_plot(std::vector<Series> series, const PlotOptions& o) {
  Frame f{.x = {}, .y = {}, .bottom = o.height - kBottom, .right = o.width - kRight};
  for (Series& s : series) {
    check(s.x.size() == s.y.size(), "line_plot: series {} has {} x and {} y", s.name, s.x.size(), s.y.size());
    for (std::size_t i = 0; i < s.x.size(); ++i) {
      if (o.log_y) s.y[i] = s.y[i] > 0 ? std::log10(s.y[i]) : std::nan("");
      if (!std::isfinite(s.x[i]) || !std::isfinite(s.y[i])) continue;
      f.x.include(s.x[i]);
      f.y.include(s.y[i]);
    }
  }
  f.x = f.x.divisible();
  f.y = f.y.divisible();

  std::string svg = fmt::format(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {0} {1}' width='{0}' height='{1}' "
      "font-family='sans-serif' "
      "font-size='{2}' fill='none' stroke-linecap='round' stroke-linejoin='round' role='img'>\n",
      o.width, o.height, kFont);
  svg += axes(f, o);
  double legend = kLeft;
  for (std::size_t i = 0; i < series.size(); ++i) {
    const std::string_view colour = kColours[i % kColours.size()];
    svg += stroke(curve(series[i].x, series[i].y, f), colour, 1.8);
    svg += stroke(fmt::format("M{:.1f} 34h16", legend), colour, 1.8);
    svg += text(legend + 22, 38, "start", series[i].name);
    legend += 40 + kLetter * static_cast<double>(series[i].name.size());
  }
  return svg + "</svg>\n";
}

}  // namespace gesso::nn
