// safetensors: named tensors in one file, as PyTorch's users exchange weights. Nothing in a file is ever
// executed.
//
//   u64 N, N bytes of JSON, the elements of all tensors, little-endian and row-major
//   {"__metadata__": {"key": "text"}, "fc1.weight": {"dtype": "F32", "shape": [400,784], "data_offsets":
//   [0,1254400]}}
#pragma once

#include "nn/file.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gesso::nn {

struct Safetensors {
  std::map<std::string, Tensor> tensors = {};
  std::map<std::string, std::string> metadata = {};
};

struct SafetensorsOptions {
  /// Adds to the metadata, as "crc32c:NAME", the checksum of each tensor's bytes, and as
  /// "crc32c:__metadata__" that of the rest of the header, so that load_safetensors notices every flipped
  /// bit; other readers see a few more strings.
  bool checksums = false;
};

/// Writes the file, whole or not at all (AtomicFile).
void save_safetensors(const std::filesystem::path& path, const Safetensors& content,
                      const SafetensorsOptions& options = {});

/// Reads and verifies a file; a FileError names the byte that is to blame. Checksums, when present, must
/// cover all tensors and match; they are not among the metadata returned. No allocation is larger than the
/// file + 1 MiB.
Safetensors load_safetensors(const std::filesystem::path& path);

/// One tensor as the header describes it.
struct SafetensorsEntry {
  std::string name = {}, dtype = {};
  Shape shape = {};
  std::int64_t begin = 0, end = 0;  // bytes, counted from the end of the header
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> tensors = {};  // in the order of their data
  std::map<std::string, std::string> metadata = {};
  std::int64_t data_offset = 8;  // where the data begin in the file
};

/// Reads and verifies what stands before the data, and that the data fill the file exactly. All dtypes of the
/// format are understood, also those that no Tensor can hold.
SafetensorsHeader read_safetensors_header(InputFile& file);

}  // namespace gesso::nn
