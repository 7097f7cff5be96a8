// NumPy's .npy files: one array, for exchange with Python.
#pragma once

#include "nn/file.h"
#include "tensor/tensor.h"

#include <filesystem>

namespace gesso::nn {

/// Writes x as format version 1.0, row-major ("<f4", "<f8", "<i8", "|u1" or "|b1"), whole or not at all.
void save_npy(const std::filesystem::path& path, const Tensor& x);

/// Reads a row-major array of those types (format versions 1 to 3); anything else is a FileError that names
/// the byte and the reason. The file must end with its last element.
Tensor load_npy(const std::filesystem::path& path);

}  // namespace gesso::nn
