#include "nn/crc32c.h"

#include <doctest/doctest.h>

#include <string>

namespace gesso::nn {
namespace {

/// One bit at a time, as the definition has it.
std::uint32_t reference(const std::string& bytes) {
  std::uint32_t crc = ~0u;
  for (char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
  }
  return ~crc;
}

TEST_CASE("crc32c: known answers") {
  CHECK(crc32c("123456789", 9) == 0xe3069283u);
  CHECK(crc32c("", 0) == 0);
  CHECK(crc32c(std::string(32, '\0').data(), 32) == 0x8a9136aau);  // RFC 3720, B.4
  CHECK(crc32c(std::string(32, '\xff').data(), 32) == 0x62a8ab43u);
}

TEST_CASE("crc32c: every length and split agrees with the definition") {
  std::string bytes;
  for (int i = 0; i < 70; ++i) {
    CHECK(crc32c(bytes.data(), bytes.size()) == reference(bytes));
    const std::size_t half = bytes.size() / 3;
    CHECK(crc32c(bytes.data() + half, bytes.size() - half, crc32c(bytes.data(), half)) == reference(bytes));
    bytes += static_cast<char>(i * 37 + 11);
  }
}

}  // namespace
}  // namespace gesso::nn
