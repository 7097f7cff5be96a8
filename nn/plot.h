// Line plots as SVG text, for the report of a training run.
#pragma once

#include <string>
#include <vector>

namespace gesso::nn {

/// y over x, drawn in the order given; a point that is not finite (or not positive on a log axis) leaves a
/// gap.
struct Series {
  std::string name;
  std::vector<double> x = {}, y = {};
};

struct PlotOptions {
  std::string title = {}, x_label = {}, y_label = {};
  bool log_y = false;
  int width = 640, height = 360;
};

/// An <svg> element, readable on light and dark grounds, and a complete file by itself.
std::string line_plot(std::vector<Series> series, const PlotOptions& options = {});

/// About `wanted` round numbers (1, 2 or 5 times a power of ten apart) within [low, high].
std::vector<double> round_ticks(double low, double high, int wanted);

}  // namespace gesso::nn
