// IDX files, the format of MNIST and its relatives, plain or compressed by gzip.
//
//   00 00 TT ND, ND big-endian u32 extents, the elements big-endian; TT = 08 is u8, 0D is f32
#pragma once

#include "nn/file.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <filesystem>
#include <functional>

namespace gesso::nn {

/// x (extents), u8 or f32. A FileError names the byte (of the uncompressed data) and the reason. The memory
/// taken is at most 16 times the file, or else what a first pass over the data has found to be there.
/// For bytes, a reader who cannot wait is told on the way: arrived(x, n) when x has its shape (n = 0), and then whenever
/// more is there, the first n elements of x. What arrived throws ends the reading.
using IdxArrived = std::function<void(const Tensor& x, std::int64_t n)>;
Tensor read_idx(const std::filesystem::path& path, const IdxArrived& arrived = {});

struct LabelledImages {
  Tensor images;  // (N,H,W,1) u8
  Tensor labels;  // (N) i64
};

/// Images (N,H,W) and as many labels (N).
LabelledImages read_idx_images(const std::filesystem::path& images, const std::filesystem::path& labels);

}  // namespace gesso::nn
