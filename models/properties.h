// Properties of images that people can name: what they are labelled as, and for sprites each of their factors.
#pragma once

#include "nn/data.h"

namespace gesso::models {

/// The images of `set`, by number, that have the property `name`:
///   7, sneaker                 the label, by its number or its name (capitals do not matter)
///   shape=star                 of sprites (data says whether they are): the shape,
///   hue=low, diameter=high     and the quarter of the images where a factor is lowest or highest
/// Throws UsageError, which names `option`, where no image is called that.
std::vector<std::int64_t> images_with(const nn::ImageSet& set, const std::string& data,
                                      const std::string& option, const std::string& name);

}  // namespace gesso::models
