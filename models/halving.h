// What the convolutional autoencoders share: the sizes of pictures that are halved until they are small.
#pragma once

#include "nn/conv.h"

namespace gesso::models {

/// The sizes of an image (H,W,C), its own first, each half the one before (rounded down), until the smaller
/// side is 4 at the most. Throws UsageError, which names the model, for images smaller than 8x8.
std::vector<HW> halved(const Shape& image, const char* model);

}  // namespace gesso::models
