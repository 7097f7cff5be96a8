// Files that are either the old one or the new one, whole, whenever the process or the machine dies.
#pragma once

#include "nn/file.h"

#include <cstdint>
#include <filesystem>
#include <string_view>

namespace gesso::nn {

/// A file written beside its final place, as NAME.tmp.<pid> in the same folder, and moved there by commit().
/// Without commit() (an exception, a full disk) the old file stays and the temporary one is removed. Errors
/// are FileErrors; a process that ignores SIGXFSZ gets one for its file size limit too.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile();

  void write(std::string_view bytes);
  void write(const void* bytes, std::size_t n) { write({static_cast<const char*>(bytes), n}); }
  /// The file is on the disk, under its name, when this returns.
  void commit();

 private:
  std::filesystem::path path_, temporary_;
  Descriptor file_;
  std::int64_t written_ = 0;
};

/// The whole of a small file at once.
void write_file(const std::filesystem::path& path, std::string_view bytes);

/// Removes the temporaries that dead processes left in a folder of ours; returns how many. A temporary that
/// is being written is locked by its writer and stays.
int remove_stale_temporaries(const std::filesystem::path& folder);

}  // namespace gesso::nn
