// Data sets as the command line names them.
#pragma once

#include "nn/data.h"
#include "tensor/shape.h"

#include <string>

namespace gesso::models {

/// A name that nn::load_images knows, or the absolute path of a folder, by which a run finds its data from everywhere. Throws
/// UsageError if `data` is neither.
std::string dataset_name(const std::string& data);

/// The data sets that have a name are in random order, so that training may begin with the images at the front. Folders may
/// be sorted.
bool in_random_order(const std::string& data);

/// (H,W,C)
Shape image_shape(const nn::ImageSet& set);
/// x (end-begin,D) f32 in [0,1]: images begin, .., end-1, in the order of the file.
Tensor pixels(const nn::ImageSet& set, std::int64_t begin, std::int64_t end);

}  // namespace gesso::models
