// moving: sequences in which digits bounce around in a square, as in Moving MNIST (Srivastava, Mansimov & Salakhutdinov 2015),
// made from any set of small grey images.
#pragma once

#include "nn/data.h"

namespace gesso::nn {

struct MovingOptions {
  std::int64_t count = 2'000, frames = 20, size = 64, digits = 2;
  std::uint64_t seed = 0;
};

/// images (count, frames size, size, 1): the frames of a sequence lie below each other, so that reshape to (count, frames, size,
/// size, 1) is a view. Each of `digits` images drawn from `from` starts anywhere, moves a tenth of its free range a frame in a
/// direction of its own, and turns back at the borders; where they meet the brighter pixel shows. Sequence i is a function of
/// (seed, i) and the images.
ImageSet moving(const ImageSet& from, const MovingOptions& options, Split split);

}  // namespace gesso::nn
