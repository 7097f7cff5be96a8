// Pictures as the codes of a vq-vae, and the codes as the bits that their prior needs for them: `gesso compress`.
//
// A range coder (nn/range_coder.h) is driven by the prior: place by place it asks for p(k | codes before), so likely codes take
// few bits. Who unpacks asks the same prior the same questions, and must hear the same answers to the last bit of a float: a
// different rounding would send all that follows astray. Results do not depend on the number of threads (docs: determinism),
// but they do on the device, the instruction level and the build; so a file says where it was made, and the checksum of its codes
// tells when all agrees and the codes still do not.
//
//   "gesso\x1a\r\n", u32 CRC-32C of all that follows            little-endian; strings: u8 length, bytes
//   u32 version = 1, string machine, u32 CRC-32C of the weights
//   u32 H, W, C, count; a string for each name
//   u32 CRC-32C of the codes, u64 size and bytes of the range coder
#pragma once

#include "models/pixelcnn.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace gesso::models {

/// What a file of packed pictures says.
struct PackedPictures {
  std::string machine;                  // where it was packed, as computing_on() has it
  std::uint32_t weights;                // checksum of the model, as checksum_of() has it
  Shape image;                          // (H,W,C)
  std::vector<std::string> names = {};  // one a picture, names of files without their ending
  std::uint32_t codes = 0;              // checksum of the codes
  std::string bits = {};
};

/// Throws UsageError for names that are no good as names of files, or that two pictures share.
void save_packed(const std::filesystem::path& path, const PackedPictures& packed);
/// Throws FileError, with byte and reason, for anything that save_packed() does not write. Takes no more memory than the file is
/// long, times a small number.
PackedPictures load_packed(const std::filesystem::path& path);

/// "gesso 0.1.0, cpu v4": what rounding depends on.
std::string computing_on(Device device);
/// CRC-32C of all weights of a prior and of what it is built upon, names and shapes included.
std::uint32_t checksum_of(PixelCnn& prior);

struct PackedCodes {
  std::string bits;
  std::uint32_t checksum = 0;
  double ideal_bits = 0;  // -log2 p of all codes
};
/// codes: of N images, as prior.encode() has them.
PackedCodes pack(PixelCnn& prior, const std::vector<Tensor>& codes);
/// The codes of N images. Throws Error if they do not have the checksum.
std::vector<Tensor> unpack(PixelCnn& prior, std::int64_t N, const std::string& bits, std::uint32_t checksum);

/// `gesso compress`: pictures, or folders of pictures, of the size that the model is for, into one file; prints what it took.
void compress(const std::string& run, Device device, const std::vector<std::string>& pictures,
              const std::string& out);
/// `gesso decompress`: a PNG for each picture, under its name in the folder `out`.
void decompress(const std::string& run, Device device, const std::string& file, const std::string& out);

}  // namespace gesso::models
