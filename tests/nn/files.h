// What the tests of readers and writers share: temporary folders, damaged files, limits set in a child.
#pragma once

#include "nn/file.h"

#include <doctest/doctest.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace gesso::nn {

/// A folder that goes with its owner; in memory where the system offers that: tests write thousands of files.
class TempFolder {
 public:
  TempFolder() {
    const bool memory = ::access("/dev/shm", W_OK) == 0;
    const std::filesystem::path parent = memory ? "/dev/shm" : std::filesystem::temp_directory_path();
    std::string name = (parent / "gesso.XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }
  const std::filesystem::path& path() const { return path_; }
  /// The number of entries.
  std::ptrdiff_t entries() const {
    return std::distance(std::filesystem::directory_iterator(path_), std::filesystem::directory_iterator());
  }

 private:
  std::filesystem::path path_;
};

inline void put_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::remove(
      path);  // ext4 waits for the disk when a truncated file is closed, not when a new one is
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(out.good());
}

inline std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

inline std::filesystem::path golden(std::string_view name) {
  return std::filesystem::path(GESSO_SOURCE_DIR) / "tests" / "golden" / name;
}

/// The FileError that f() throws, if it throws one; anything else it throws ends the test.
inline std::optional<FileError> file_error(const std::function<void()>& f) {
  try {
    f();
  } catch (const FileError& e) {
    return e;
  }
  return std::nullopt;
}

/// Every proper prefix of `bytes`, the empty one too, must be a FileError that names the file.
inline void check_truncations(const std::filesystem::path& path, std::string_view bytes,
                              const std::function<void()>& load) {
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    put_bytes(path, bytes.substr(0, n));
    const auto error = file_error(load);
    CAPTURE(n);
    REQUIRE(error.has_value());
    REQUIRE(error->file == path);
    REQUIRE(error->offset <= static_cast<std::int64_t>(n));
  }
}

/// Calls f(byte, bit) with `bytes`, one bit flipped, in the file.
inline void each_bit_flip(const std::filesystem::path& path, std::string bytes,
                          const std::function<void(std::size_t, int)>& f) {
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
      put_bytes(path, bytes);
      f(i, bit);
      bytes[i] = static_cast<char>(bytes[i] ^ (1 << bit));
    }
}

/// What f returns in a child process, or 256 + the signal that ended it. No doctest assertions in f.
inline int in_child(const std::function<int()>& f) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      ::_exit(f());
    } catch (const std::exception& e) {
      std::fprintf(stderr, "in the child: %s\n", e.what());
    } catch (...) {
    }
    ::_exit(99);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/// True if load() throws a FileError in a process that may take only `budget` more bytes than it has.
inline bool fails_within(std::size_t budget, const std::function<void()>& load) {
  return in_child([&] {
#if !defined(__SANITIZE_ADDRESS__) && \
    !defined(__SANITIZE_THREAD__)  // their shadow memory is beyond every limit
           std::size_t pages = 0;
           std::ifstream("/proc/self/statm") >> pages;
           const rlim_t now = pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
           const rlimit limit{now + budget, now + budget};
           if (::setrlimit(RLIMIT_AS, &limit) != 0) return 2;
#else
           (void)budget;
#endif
           return file_error(load) ? 0 : 1;
         }) == 0;
}

}  // namespace gesso::nn
