// gesso edit RUN WHAT: pictures of test images that a VAE restores or changes (edit.h).
#pragma once

#include "models/edit.h"

#include <optional>
#include <string>

namespace gesso::models {

/// What all of them take; absent things have the default of each.
struct EditRequest {
  std::string run, out;
  std::optional<std::string> data;  // another data set than the run's own
  std::optional<std::int64_t> count;
  std::uint64_t seed = 0;
  bool json = false;
  Device device = Device::cpu;
};

/// Rows: originals, spoiled, encoded and decoded, found. Prints the PSNR of the last three.
void denoise(const EditRequest& request, const std::string& kind, double amount);
/// Rows: originals, what is given (grey where hidden), completed, found. Prints the errors where hidden, and
/// that of the mean image.
void inpaint(const EditRequest& request, const std::string& hidden);
/// Three rows for each pair of images: along the line, along the arc, cross-faded. With properties
/// (properties.h), a pair is an image that has one and an image that has the other; without, images that
/// follow each other.
void interpolate(const EditRequest& request, const std::optional<std::string>& from,
                 const std::optional<std::string>& to);
/// A row for each image: itself, and steps towards what distinguishes images with property `add` from those
/// with `subtract`, or from all. The images are the first with `subtract`, or of all; the means are over all
/// test images.
void attribute(const EditRequest& request, const std::string& add, const std::optional<std::string>& subtract,
               double strength);

}  // namespace gesso::models
