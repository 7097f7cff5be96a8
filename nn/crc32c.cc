#include "nn/crc32c.h"

#include <array>
#include <bit>
#include <cstring>

namespace gesso::nn {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // Castagnoli's 0x1edc6f41, bits reversed

/// table[k][b] is the effect of byte b followed by k zero bytes, so that eight bytes need eight independent
/// look-ups instead of a chain of eight: a checkpoint is hashed five times as fast as byte by byte.
constexpr std::array<std::array<std::uint32_t, 256>, 8> make_table() {
  std::array<std::array<std::uint32_t, 256>, 8> table{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? kPolynomial : 0);
    table[0][b] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t b = 0; b < 256; ++b)
      table[k][b] = (table[k - 1][b] >> 8) ^ table[0][table[k - 1][b] & 0xff];
  return table;
}
constexpr auto kTable = make_table();
static_assert(std::endian::native == std::endian::little, "eight bytes are read as one little-endian number");

}  // namespace

std::uint32_t crc32c(const void* bytes, std::size_t size, std::uint32_t previous) {
  const auto* p = static_cast<const unsigned char*>(bytes);
  std::uint32_t crc = ~previous;
  for (; size >= 8; size -= 8, p += 8) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    word ^= crc;
    crc = 0;
    for (std::size_t k = 0; k < 8; ++k) crc ^= kTable[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; size > 0; --size, ++p) crc = (crc >> 8) ^ kTable[0][(crc ^ *p) & 0xff];
  return ~crc;
}

}  // namespace gesso::nn
