// Pictures: grids of images as torchvision arranges them, and a PNG encoder of our own (zlib deflates).
//
// Images are channels-last: (H,W,C) or a batch (N,H,W,C), f32 with values in [0,1] or u8, C = 1 (grey) or 3
// (RGB).
#pragma once

#include "tensor/tensor.h"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gesso::nn {

struct GridOptions {
  int nrow = 8;  // images in a row
  int padding = 2;
  float pad_value = 0;
  std::optional<std::pair<float, float>> value_range =
      std::nullopt;  // f32: [low, high] becomes [0,1]; {-1,1} for tanh
  int scale = 1;     // each pixel of the grid becomes scale x scale, so that a person sees digits of 28x28
};

/// y (H,W,C) u8 = clamp(255 x + 0.5, 0, 255), torchvision's rounding; NaN becomes 0. u8 stays as it is.
Tensor to_bytes(const Tensor& image);

/// y (rows (H+padding) + padding, columns (W+padding) + padding, C) u8: images (N,H,W,C) from left to right,
/// then down; columns = min(nrow, N), rows = ceil(N / columns), and the last row may be partial. As in
/// torchvision, one image alone gets no padding; unlike there, grey stays grey instead of being repeated to
/// three channels.
Tensor make_grid(const Tensor& images, const GridOptions& options = {});

/// The PNG file of one image (H,W,C).
std::string encode_png(const Tensor& image);

/// The APNG file of pictures (H,W,C) of one shape: a PNG of the first that browsers play as an animation, for ever.
std::string encode_apng(const std::vector<Tensor>& frames, int frames_per_second);

/// Writes the grid of `images` (or one image) as a PNG file, whole or not at all.
void save_image(const Tensor& images, const std::filesystem::path& path, const GridOptions& options = {});

}  // namespace gesso::nn
