#include "nn/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gesso::nn {
namespace {

std::string place(std::int64_t offset) {
  return offset == FileError::kWhole ? "" : fmt::format(" byte {}:", offset);
}

}  // namespace

FileError::FileError(std::filesystem::path path, std::int64_t at, std::string why)
    : Error({}, fmt::format("{}:{} {}", path.string(), place(at), why)),
      file(std::move(path)),
      offset(at),
      reason(std::move(why)) {}

bool Descriptor::close() {
  const int fd = std::exchange(fd_, -1);
  return fd < 0 || ::close(fd) == 0 || errno == EINTR;  // Linux has closed the file when it says EINTR
}

void write_all(const Descriptor& to, std::string_view bytes, const std::filesystem::path& file,
               std::int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(to.fd(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0)
      throw FileError(file, offset, fmt::format("cannot write: {}", n ? std::strerror(errno) : "no space"));
    bytes.remove_prefix(static_cast<std::size_t>(n));
    offset += n;
  }
}

InputFile::InputFile(std::filesystem::path path)
    : path_(std::move(path)),
      // O_NONBLOCK: opening a named pipe must not wait for a writer; regular files ignore it
      file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status;
  if (file_.fd() < 0 || ::fstat(file_.fd(), &status) != 0)
    throw FileError(path_, FileError::kWhole, fmt::format("cannot open: {}", std::strerror(errno)));
  if (!S_ISREG(status.st_mode)) throw FileError(path_, FileError::kWhole, "not a regular file");
  size_ = status.st_size;
}

void InputFile::read(void* to, std::size_t n) {
  auto* out = static_cast<char*>(to);
  while (n > 0) {
    const ssize_t got = ::read(file_.fd(), out, n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw FileError(path_, offset_, fmt::format("cannot read: {}", std::strerror(errno)));
    if (got == 0)
      throw FileError(path_, offset_, fmt::format("the file ends here, {} more bytes were expected", n));
    out += got;
    n -= static_cast<std::size_t>(got);
    offset_ += got;
  }
}

AppendFile::AppendFile(std::filesystem::path path)
    : path_(std::move(path)), file_(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666)) {
  struct stat status;
  if (file_.fd() < 0 || ::fstat(file_.fd(), &status) != 0)
    throw FileError(path_, FileError::kWhole,
                    fmt::format("cannot open for writing: {}", std::strerror(errno)));
  size_ = status.st_size;
}

void AppendFile::append(std::string_view record) {
  try {
    write_all(file_, record, path_, size_);
  } catch (const FileError&) {
    // Half a record would spoil the next one as well. If even this fails, the torn end is all that can be
    // left.
    [[maybe_unused]] const int ignored = ::ftruncate(file_.fd(), size_);
    throw;
  }
  size_ += static_cast<std::int64_t>(record.size());
}

}  // namespace gesso::nn
