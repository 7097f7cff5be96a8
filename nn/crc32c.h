// CRC-32C (Castagnoli): the checksum of TensorBoard records and of the tensors in our checkpoints.
#pragma once

#include <cstddef>
#include <cstdint>

namespace gesso::nn {

/// The CRC-32C of `size` bytes; with `previous`, of those bytes after the ones that `previous` is the
/// checksum of. crc32c("123456789", 9) = 0xe3069283.
std::uint32_t crc32c(const void* bytes, std::size_t size, std::uint32_t previous = 0);

}  // namespace gesso::nn
