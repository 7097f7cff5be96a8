#include "nn/utf8.h"

namespace gesso::nn {

std::size_t utf8_end(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  for (std::size_t i = 0; i < text.size();) {
    const unsigned b = byte(i);
    const std::size_t length = b < 0x80 ? 1 : b < 0xc2 ? 0 : b < 0xe0 ? 2 : b < 0xf0 ? 3 : b < 0xf5 ? 4 : 0;
    const unsigned low = b == 0xe0   ? 0xa0
                         : b == 0xf0 ? 0x90
                                     : 0x80,
                   high = b == 0xed   ? 0x9f
                          : b == 0xf4 ? 0x8f
                                      : 0xbf;
    if (length == 0 || (length > 1 && (byte(i + 1) < low || byte(i + 1) > high))) return i;
    for (std::size_t k = 2; k < length; ++k)
      if ((byte(i + k) & 0xc0) != 0x80) return i;
    i += length;
  }
  return text.size();
}

void put_utf8(std::string& out, unsigned code) {
  const auto put = [&](unsigned b) { out += static_cast<char>(b); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      put(0xe0 | code >> 12);
    } else {
      put(0xf0 | code >> 18);
      put(0x80 | (code >> 12 & 0x3f));
    }
    put(0x80 | (code >> 6 & 0x3f));
  }
  put(0x80 | (code & 0x3f));
}

}  // namespace gesso::nn
