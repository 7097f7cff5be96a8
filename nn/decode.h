// Reading PNG and JPEG pictures. libpng and libjpeg decode; what is checked before is how large the picture says it is.
#pragma once

#include "tensor/tensor.h"

#include <filesystem>

namespace gesso::nn {

/// The largest pictures that are decoded: pixels of a side, and in all.
inline constexpr std::int64_t kLargestSide = 16'384, kLargestPicture = std::int64_t{1} << 26;

/// Whether the name ends in .png, .jpg or .jpeg, in whatever case.
bool is_picture(const std::filesystem::path& file);

/// y (H,W,3) u8: the picture in RGB; grey becomes three equal channels, what is transparent shows black. Throws a FileError with
/// the reason for a file that is neither PNG nor JPEG by its first bytes, is damaged or cut off, or is too large.
Tensor read_picture(const std::filesystem::path& file);

/// y (size,size,3) u8: the shorter side scaled to `size` (means of areas, or linear interpolation where it grows), and the middle
/// of the longer one.
Tensor square(const Tensor& picture, std::int64_t size);

}  // namespace gesso::nn
