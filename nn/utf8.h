// UTF-8, as far as headers of files need it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace gesso::nn {

/// Where `text` stops being UTF-8 (no overlong forms, no surrogates, nothing above U+10FFFF), or its size.
std::size_t utf8_end(std::string_view text);

/// Appends the character of number `code`, at most 0x10ffff.
void put_utf8(std::string& out, unsigned code);

}  // namespace gesso::nn
