#include "nn/atomic_file.h"

#include "tests/nn/files.h"

#include <chrono>
#include <fcntl.h>
#include <sys/stat.h>
#include <thread>

namespace gesso::nn {
namespace {

std::string pattern(int version) {
  return std::to_string(version) + ":" + std::string(3 << 18, "abcdefg"[version % 7]);
}

TEST_CASE("AtomicFile: the new file replaces the old one at commit, not before") {
  const TempFolder folder;
  const auto path = folder / "model";
  put_bytes(path, "old");
  {
    AtomicFile file(path);
    file.write("new ");
    CHECK(bytes_of(path) == "old");
    file.write("content");
    file.commit();
    CHECK(bytes_of(path) == "new content");
  }
  CHECK(folder.entries() == 1);
}

TEST_CASE("AtomicFile: without commit the old file stays and nothing else") {
  const TempFolder folder;
  put_bytes(folder / "model", "old");
  { AtomicFile(folder / "model").write("half"); }
  CHECK(bytes_of(folder / "model") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("AtomicFile: places that cannot be written are FileErrors") {
  const TempFolder folder;
  const auto missing = file_error([&] { write_file(folder / "no" / "model", "x"); });
  REQUIRE(missing);
  CHECK(missing->file == folder / "no" / "model");
  CHECK(missing->reason.find("No such file or directory") != std::string::npos);

  std::filesystem::create_directory(folder / "model");  // in the way of the rename
  CHECK(file_error([&] { write_file(folder / "model", "x"); }).has_value());
  CHECK(folder.entries() == 1);
}

TEST_CASE("AtomicFile: two writers of one file at once, the second is refused") {
  const TempFolder folder;
  AtomicFile first(folder / "model");
  CHECK(file_error([&] { AtomicFile second(folder / "model"); }).has_value());
  first.write("whole");
  first.commit();
  CHECK(bytes_of(folder / "model") == "whole");
}

TEST_CASE("AtomicFile: a file size limit is an error like any other") {
  const TempFolder folder;
  put_bytes(folder / "model", "old");
  const int result = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1 << 19, 1 << 19};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    const auto error = file_error([&] { write_file(folder / "model", pattern(1)); });
    return error && error->offset == 1 << 19 && error->reason.find("too large") != std::string::npos ? 0 : 1;
  });
  CHECK(result == 0);
  CHECK(bytes_of(folder / "model") == "old");
  CHECK(folder.entries() == 1);
}

TEST_CASE("AtomicFile: killed at any moment, the file is whole") {
  const TempFolder folder;
  const auto path = folder / "model";
  int replaced = 0, interrupted = 0;
  // Later and later, until enough of both has been seen however fast the disk is.
  for (int round = 0; round < 500 && (replaced < 4 || interrupted < 4); ++round) {
    put_bytes(path, pattern(0));
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
      for (int version = 1;; ++version) write_file(path, pattern(version));
    std::this_thread::sleep_for(std::chrono::microseconds(200 * round));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const std::string found = bytes_of(path);
    const int version = std::stoi(found);
    REQUIRE(found == pattern(version));
    replaced += version != 0;
    interrupted += remove_stale_temporaries(folder.path());
    CHECK(folder.entries() == 1);
  }
  CHECK(replaced >= 4);  // or the test has tested nothing
  CHECK(interrupted >= 4);
}

TEST_CASE("remove_stale_temporaries: only dead writers' files with our names") {
  const TempFolder folder;
  put_bytes(folder / "a.tmp.1", "left by a process that also was number 1, in a container");
  put_bytes(folder / "model.safetensors.tmp.99999999", "");
  put_bytes(folder / "a.tmp.", "");
  put_bytes(folder / "a.tmp.12b", "");
  put_bytes(folder / "notes.tmp", "");
  std::filesystem::create_directory(folder / "b.tmp.7");
  AtomicFile writing(folder / "live");
  CHECK(remove_stale_temporaries(folder.path()) == 2);
  CHECK(folder.entries() == 5);
  CHECK(std::filesystem::exists(folder / ("live.tmp." + std::to_string(::getpid()))));
  CHECK(remove_stale_temporaries(folder / "no such folder") == 0);

  // A leftover under the very name that a new file needs is in nobody's way.
  put_bytes(folder / ("again.tmp." + std::to_string(::getpid())), "leftover");
  write_file(folder / "again", "new");
  CHECK(bytes_of(folder / "again") == "new");
}

TEST_CASE("InputFile: only regular files, and never past the end") {
  const TempFolder folder;
  CHECK(file_error([&] { InputFile(folder / "missing"); })->reason.find("No such file") != std::string::npos);
  CHECK(file_error([&] { InputFile(folder.path()); })->reason == "not a regular file");
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  CHECK(file_error([&] { InputFile(folder / "pipe"); })->reason == "not a regular file");
  put_bytes(folder / "five", "12345");
  InputFile five(folder / "five");
  char buffer[8];
  five.read(buffer, 3);
  const auto error = file_error([&] { five.read(buffer, 3); });
  REQUIRE(error);
  CHECK(error->offset == 5);
  CHECK(std::string(error->what()) ==
        (folder / "five").string() + ": byte 5: the file ends here, 1 more bytes were expected");
}

TEST_CASE("AppendFile: a record that does not fit leaves no trace") {
  const TempFolder folder;
  const auto path = folder / "log";
  const int result = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{100, 100};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    AppendFile log(path);
    log.append(std::string(60, 'a'));
    if (!file_error([&] { log.append(std::string(60, 'b')); })) return 1;
    log.append(std::string(40, 'c'));
    return 0;
  });
  CHECK(result == 0);
  CHECK(bytes_of(path) == std::string(60, 'a') + std::string(40, 'c'));
}

TEST_CASE("AppendFile: a full disk is a FileError") {
  AppendFile full("/dev/full");
  const auto error = file_error([&] { full.append("x"); });
  REQUIRE(error);
  CHECK(error->reason.find("No space left") != std::string::npos);
}

}  // namespace
}  // namespace gesso::nn
