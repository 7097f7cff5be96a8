// sprites: coloured shapes on black, of which every factor is known. Nothing to download, at any size and number of channels.
#pragma once

#include "nn/data.h"

#include <optional>

namespace gesso::nn {

/// What one image shows. Lengths are in units of the image's side.
struct Sprite {
  std::int64_t shape;  // of sprite_shapes()
  double hue;          // [0,1), around the circle of colours; with one channel, from dark to bright
  double diameter;     // [0.3,0.7), of the circle around the shape
  double angle;        // [0, 2 pi), to the right and down
  double x, y;         // the centre, so that the circle lies within the image
};
const std::vector<std::string>& sprite_shapes();

struct SpriteOptions {
  std::int64_t size = 32, channels = 3;  // images are (size,size,channels)
  std::int64_t count = 10'000;
  std::uint64_t seed = 0;
};

/// Sprite i of a seed: a function of the two alone.
Sprite sprite(std::uint64_t seed, std::int64_t i);
/// y (size,size,channels) u8. Edges are smooth: each pixel is as bright as the part of it that the shape covers, about.
Tensor draw(const Sprite& s, std::int64_t size, std::int64_t channels);
/// Labelled by shape. The splits have no sprite in common: the test set begins at sprite 2^40.
ImageSet sprites(const SpriteOptions& options, Split split);

/// Their factors (N,6) f64, in the order of sprite_factors(): what each image of sprites(options, split) shows.
Tensor factors_of_sprites(const SpriteOptions& options, Split split);
const std::vector<std::string>& sprite_factors();  // "shape", "hue", ..

/// The options that "sprites", "sprites:64" (size) or "sprites:100x1" (size, channels) stands for; nothing for other names.
/// Throws an Error for what begins like them and is none.
std::optional<SpriteOptions> sprite_options(const std::string& data);

}  // namespace gesso::nn
