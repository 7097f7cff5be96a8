// Files as the rest of nn/ reads and writes them: every call checked, every failure a FileError.
#pragma once

#include "tensor/error.h"

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace gesso::nn {

/// "FILE: byte OFFSET: REASON", or "FILE: REASON" where no byte is to blame.
class FileError : public Error {
 public:
  static constexpr std::int64_t kWhole = -1;
  FileError(std::filesystem::path path, std::int64_t at, std::string why);

  std::filesystem::path file;
  std::int64_t offset;  // kWhole: none
  std::string reason;
};

/// An open file descriptor and its owner.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }

  int fd() const { return fd_; }
  /// True if the system reported no error: the last moment at which it may report that data were lost.
  bool close();

 private:
  int fd_;
};

/// Writes all of `bytes`, which lie at `offset` of `file`; throws FileError.
void write_all(const Descriptor& to, std::string_view bytes, const std::filesystem::path& file,
               std::int64_t offset);

/// A regular file, read from front to back.
class InputFile {
 public:
  explicit InputFile(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  std::int64_t size() const { return size_; }
  std::int64_t offset() const { return offset_; }
  /// The next n bytes; throws FileError unless there are so many.
  void read(void* to, std::size_t n);

 private:
  std::filesystem::path path_;
  Descriptor file_;
  std::int64_t size_ = 0, offset_ = 0;
};

/// A log that grows by whole records: a record that cannot be written is taken back, and append throws
/// FileError.
class AppendFile {
 public:
  explicit AppendFile(std::filesystem::path path);
  void append(std::string_view record);

 private:
  std::filesystem::path path_;
  Descriptor file_;
  std::int64_t size_ = 0;
};

}  // namespace gesso::nn
