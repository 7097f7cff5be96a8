// CIFAR-10 in its binary form: records of a label (one byte) and a 32x32 image as three planes, R, G, B.
#pragma once

#include "nn/data.h"

#include <optional>

namespace gesso::nn {

/// data_batch_1.bin to data_batch_5.bin, as many as there are, or test_batch.bin; nothing if `folder` has none of them. Throws a
/// FileError for a file that is no whole number of records, or has a label above 9.
std::optional<ImageSet> load_cifar10(const std::filesystem::path& folder, Split split);

}  // namespace gesso::nn
