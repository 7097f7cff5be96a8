#include "nn/atomic_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string>
#include <sys/file.h>
#include <unistd.h>

namespace gesso::nn {
namespace {

namespace fs = std::filesystem;
constexpr std::string_view kTemporary = ".tmp.";

/// Removes a temporary that nobody holds open for writing. A process id in the name would not tell: in a
/// container the next process often has the same one.
bool remove_if_stale(const fs::path& temporary) {
  const Descriptor file(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  return file.fd() >= 0 && ::flock(file.fd(), LOCK_EX | LOCK_NB) == 0 && ::unlink(temporary.c_str()) == 0;
}

Descriptor create_locked(const fs::path& temporary) {
  const auto create = [&] {
    return ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  };
  int fd = create();
  if (fd < 0 && errno == EEXIST && remove_if_stale(temporary)) fd = create();
  if (fd >= 0) ::flock(fd, LOCK_EX | LOCK_NB);  // file systems without locks: stale temporaries stay there
  return Descriptor(fd);
}

void sync_folder(const fs::path& file) {
  const fs::path folder = file.has_parent_path() ? file.parent_path() : ".";
  Descriptor open_folder(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // EINVAL: a file system that cannot, and needs not, sync folders
  if (open_folder.fd() < 0 || (::fsync(open_folder.fd()) != 0 && errno != EINVAL))
    throw FileError(folder, FileError::kWhole,
                    fmt::format("cannot sync the folder: {}", std::strerror(errno)));
}

}  // namespace

AtomicFile::AtomicFile(fs::path path)
    : path_(std::move(path)),
      temporary_(path_.string() + std::string(kTemporary) + std::to_string(::getpid())),
      file_(create_locked(temporary_)) {
  if (file_.fd() < 0)
    throw FileError(
        path_, FileError::kWhole,
        fmt::format("cannot create {}: {}", temporary_.filename().string(), std::strerror(errno)));
}

AtomicFile::~AtomicFile() {
  if (file_.fd() >= 0) ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  write_all(file_, bytes, path_, written_);
  written_ += static_cast<std::int64_t>(bytes.size());
}

void AtomicFile::commit() {
  const bool synced = ::fsync(file_.fd()) == 0;
  const int sync_error = errno;
  const bool closed = file_.close();
  if (synced && closed && ::rename(temporary_.c_str(), path_.c_str()) == 0) return sync_folder(path_);
  const int error = synced ? errno : sync_error;
  ::unlink(temporary_.c_str());
  throw FileError(path_, FileError::kWhole,
                  fmt::format("cannot complete the file: {}", std::strerror(error)));
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

int remove_stale_temporaries(const fs::path& folder) {
  int removed = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    const std::size_t mark = name.rfind(kTemporary);
    if (mark == std::string::npos || mark + kTemporary.size() == name.size()) continue;
    const bool digits = std::all_of(name.begin() + static_cast<std::ptrdiff_t>(mark + kTemporary.size()),
                                    name.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (digits && remove_if_stale(entry.path())) ++removed;
  }
  return removed;
}

}  // namespace gesso::nn
