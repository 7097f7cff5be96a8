#include "nn/event_file.h"

#include "nn/crc32c.h"
#include "tests/nn/files.h"

#include <bit>
#include <cstring>
#include <ctime>
#include <vector>

namespace gesso::nn {
namespace {

template <class T>
T take(std::string_view& bytes) {
  REQUIRE(bytes.size() >= sizeof(T));
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes.remove_prefix(sizeof value);
  return value;
}

std::uint32_t masked(std::string_view bytes) {
  const std::uint32_t c = crc32c(bytes.data(), bytes.size());
  return ((c >> 15) | (c << 17)) + 0xa282ead8u;
}

/// The messages of an event file, its checksums verified.
std::vector<std::string> records(std::string_view bytes) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    const std::string_view length_bytes = bytes.substr(0, 8);
    const auto length = take<std::uint64_t>(bytes);
    REQUIRE(take<std::uint32_t>(bytes) == masked(length_bytes));
    REQUIRE(bytes.size() >= length);
    out.emplace_back(bytes.substr(0, length));
    bytes.remove_prefix(length);
    REQUIRE(take<std::uint32_t>(bytes) == masked(out.back()));
  }
  return out;
}

std::string only_file(const TempFolder& folder) {
  REQUIRE(folder.entries() == 1);
  return bytes_of(*std::filesystem::directory_iterator(folder.path()));
}

std::string after_wall_time(std::string record) {
  REQUIRE(record.size() > 9);
  REQUIRE(record[0] == 0x09);  // field 1, eight bytes
  double wall_time = 0;
  std::memcpy(&wall_time, record.data() + 1, 8);
  CHECK(std::abs(wall_time - static_cast<double>(std::time(nullptr))) < 60);
  return record.substr(9);
}

TEST_CASE("masked checksum: the known answer") { CHECK(masked("123456789") == 0xc78ab0e5u); }

TEST_CASE("EventFile: records and messages, byte by byte") {
  const TempFolder folder;
  EventFile events(folder.path());
  events.scalar("loss", 300, 1.5);
  events.image("x", 1, 28, 200, 3, "PNG");
  const auto all = records(only_file(folder));
  REQUIRE(all.size() == 3);
  using namespace std::string_literals;
  CHECK(after_wall_time(all[0]) == "\x1a\x0d"s + "brain.Event:2");
  CHECK(after_wall_time(all[1]) == "\x10\xac\x02\x2a\x0d\x0a\x0b\x0a\x04loss\x15\0\0\xc0\x3f"s);
  CHECK(after_wall_time(all[2]) ==
        "\x10\x01\x2a\x13\x0a\x11\x0a\x01x\x22\x0c\x08\x1c\x10\xc8\x01\x18\x03\x22\x03PNG"s);
}

TEST_CASE("EventFile: a resumed run says so, and has a file of its own") {
  const TempFolder folder;
  { EventFile first(folder.path()); }
  const auto record = records(only_file(folder));
  CHECK(record.size() == 1);
  const std::string name = std::filesystem::directory_iterator(folder.path())->path().filename();
  CHECK(name.starts_with("events.out.tfevents."));
  CHECK(name.ends_with(fmt::format(".{}.0", ::getpid())));
  std::filesystem::remove(folder / name);
  EventFile second(folder.path(), 5);
  using namespace std::string_literals;
  CHECK(after_wall_time(records(only_file(folder)).at(1)) == "\x10\x06\x3a\x02\x08\x01"s);
  EventFile third(folder.path(), 6);
  CHECK(folder.entries() == 2);
  CHECK_THROWS_AS(EventFile(folder / "no"), FileError);
}

}  // namespace
}  // namespace gesso::nn
