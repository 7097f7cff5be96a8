// The header of a safetensors file: the small part of JSON that it may consist of, and what must hold of it.
#include "nn/safetensors.h"
#include "nn/utf8.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <set>
#include <utility>

namespace gesso::nn {
namespace {

constexpr std::uint64_t kLongestHeader = 100'000'000;  // the limit of the reference implementation

/// A reader of exactly the JSON that a header may be; a general one would need many times the file's size,
/// and the common ones drop duplicate keys without a word.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const InputFile& file) : text_(text), file_(file) {}

  SafetensorsHeader header() {
    SafetensorsHeader h;
    std::set<std::string> names;
    members([&](std::string key) {
      if (!names.insert(key).second) fail("duplicate key \"" + key + "\"");
      if (key == "__metadata__")
        metadata(h.metadata);
      else
        h.tensors.push_back(entry(std::move(key)));
    });
    space();
    if (at_ != text_.size()) fail("text after the header's object");
    return h;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    throw FileError(file_.path(), 8 + static_cast<std::int64_t>(at_), "safetensors header: " + reason);
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void space() {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  bool skip(char c) {
    space();
    return peek() == c && ++at_;
  }
  void expect(char c) {
    if (!skip(c)) fail(fmt::format("'{}' expected", c));
  }

  /// {"key": value, ..}; `value(key)` reads the value.
  template <class Value>
  void members(Value value) {
    expect('{');
    if (skip('}')) return;
    do {
      std::string key = string();
      expect(':');
      value(std::move(key));
    } while (skip(','));
    expect('}');
  }

  /// [number, ..]
  template <class Element>
  void numbers(Element element) {
    expect('[');
    if (skip(']')) return;
    do element(number());
    while (skip(','));
    expect(']');
  }

  void metadata(std::map<std::string, std::string>& out) {
    members([&](const std::string& key) {
      if (!out.emplace(key, string()).second) fail("duplicate metadata key \"" + key + "\"");
    });
  }

  SafetensorsEntry entry(std::string name) {
    SafetensorsEntry e{.name = std::move(name)};
    unsigned seen = 0;
    const auto once = [&](unsigned field) {
      if (std::exchange(seen, seen | field) & field) fail("the same field twice in \"" + e.name + "\"");
    };
    members([&](const std::string& key) {
      if (key == "dtype") {
        once(1);
        e.dtype = string();
      } else if (key == "shape") {
        once(2);
        numbers([&](std::int64_t n) {
          if (e.shape.rank() == kernels::kMaxDims)
            fail(fmt::format("\"{}\" has more than {} dimensions", e.name, kernels::kMaxDims));
          e.shape.push_back(n);
        });
      } else if (key == "data_offsets") {
        once(4);
        std::array<std::int64_t, 2> offsets{};
        std::size_t count = 0;
        numbers([&](std::int64_t n) {
          if (count == 2) fail("data_offsets has more than two numbers");
          offsets[count++] = n;
        });
        if (count != 2) fail("data_offsets has less than two numbers");
        e.begin = offsets[0];
        e.end = offsets[1];
      } else {
        fail("unknown field \"" + key + "\"");
      }
    });
    if (seen != 7) fail("\"" + e.name + "\" lacks dtype, shape or data_offsets");
    return e;
  }

  std::int64_t number() {
    space();
    const std::size_t begin = at_;
    std::int64_t n = 0;
    for (; peek() >= '0' && peek() <= '9'; ++at_)
      if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, peek() - '0', &n))
        fail("a number overflows");
    if (at_ == begin) fail("a number without sign, fraction or exponent expected");
    if (text_[begin] == '0' && at_ > begin + 1) fail("a number with leading zeros");
    return n;
  }

  std::string string() {
    expect('"');
    std::string out;
    // A string is at most as long as its JSON text: no growing, hence no allocation larger than the header.
    const std::size_t quote = text_.find('"', at_);
    out.reserve(quote == text_.npos ? 0 : quote - at_);
    while (peek() != '"') {
      if (static_cast<unsigned char>(peek()) < 0x20)
        fail("a string that does not end, or with a control character");
      if (peek() == '\\')
        escape(out);
      else
        out += text_[at_++];
    }
    ++at_;
    return out;
  }

  void escape(std::string& out) {
    constexpr std::string_view kLetters = "\"\\/bfnrt", kMeanings = "\"\\/\b\f\n\r\t";
    ++at_;
    const std::size_t which = kLetters.find(peek());
    if (peek() != 'u') {
      if (which == kLetters.npos) fail("unknown escape");
      ++at_;
      out += kMeanings[which];
      return;
    }
    unsigned code = hex4();
    if (code >= 0xd800 && code < 0xdc00) {  // half of a character above U+FFFF
      if (peek() != '\\') fail("half a surrogate pair");
      ++at_;
      const unsigned low = hex4();
      if (low < 0xdc00 || low > 0xdfff) fail("half a surrogate pair");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code < 0xe000) {
      fail("half a surrogate pair");
    }
    put_utf8(out, code);
  }

  /// u and four hexadecimal digits.
  unsigned hex4() {
    if (peek() != 'u') fail("\\u expected");
    ++at_;
    unsigned code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = peek();
      const bool digit = c >= '0' && c <= '9', letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'f';
      if (!digit && !letter) fail("four hexadecimal digits expected");
      code = code << 4 | static_cast<unsigned>(digit ? c - '0' : (c | 0x20) - 'a' + 10);
    }
    return code;
  }

  std::string_view text_;
  const InputFile& file_;
  std::size_t at_ = 0;
};

/// Bits an element; nothing for unknown names.
std::optional<std::int64_t> bits_of(std::string_view dtype) {
  constexpr std::pair<std::string_view, int> kBits[] = {
      {"BOOL", 8},    {"U8", 8},   {"I8", 8},      {"F8_E4M3", 8}, {"F8_E5M2", 8},
      {"F8_E8M0", 8}, {"F4", 4},   {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"I16", 16},
      {"U16", 16},    {"F16", 16}, {"BF16", 16},   {"I32", 32},    {"U32", 32},
      {"F32", 32},    {"C64", 64}, {"F64", 64},    {"I64", 64},    {"U64", 64}};
  for (const auto& [name, bits] : kBits)
    if (dtype == name) return bits;
  return std::nullopt;
}

/// Offsets contiguous from 0, sizes as dtype and shape say, the last byte the file's last.
void check_layout(const SafetensorsHeader& h, const InputFile& file) {
  const std::int64_t present = file.size() - h.data_offset;
  std::int64_t next = 0;
  for (const SafetensorsEntry& e : h.tensors) {
    const auto fail = [&](const std::string& reason) {
      throw FileError(file.path(), h.data_offset + next,
                      fmt::format("safetensors: \"{}\" {}", e.name, reason));
    };
    if (e.begin != next || e.end < e.begin)
      fail(fmt::format("has its data at [{}, {}) where {} was next: a gap or an overlap", e.begin, e.end,
                       next));
    const auto bits = bits_of(e.dtype);
    if (!bits) fail(fmt::format("has the unknown dtype \"{}\"", e.dtype));
    // An extent of 0 must not hide that the others overflow: strides are products of any of them.
    std::int64_t size = *bits;
    for (std::int64_t d : e.shape)
      if (__builtin_mul_overflow(size, std::max<std::int64_t>(d, 1), &size))
        fail("has a size that overflows");
    if (std::find(e.shape.begin(), e.shape.end(), 0) != e.shape.end()) size = 0;
    if (size % 8) fail(fmt::format("of {} {} is not a whole number of bytes", e.dtype, e.shape));
    if (e.end - e.begin != size / 8)
      fail(fmt::format("of {} {} needs {} bytes, but has {}", e.dtype, e.shape, size / 8, e.end - e.begin));
    next = e.end;
  }
  if (next != present)
    throw FileError(
        file.path(), h.data_offset + std::min(next, present),
        fmt::format("safetensors: {} bytes of data where the header describes {}", present, next));
}

}  // namespace

SafetensorsHeader read_safetensors_header(InputFile& file) {
  const auto fail = [&](std::int64_t at, const std::string& reason) {
    throw FileError(file.path(), at, reason);
  };
  if (file.size() < 8) fail(file.size(), "no safetensors file: shorter than 8 bytes");
  std::uint64_t N = 0;
  file.read(&N, 8);
  if (N > kLongestHeader) fail(0, fmt::format("no safetensors file: a header of {} bytes is too long", N));
  if (static_cast<std::int64_t>(N) > file.size() - 8)
    fail(0, fmt::format("safetensors: a header of {} bytes in a file of {}", N, file.size()));
  std::string text(N, '\0');
  file.read(text.data(), N);
  if (const std::size_t end = utf8_end(text); end != N)
    fail(8 + static_cast<std::int64_t>(end), "safetensors header: not UTF-8");

  SafetensorsHeader header = HeaderParser(text, file).header();
  header.data_offset = 8 + static_cast<std::int64_t>(N);
  std::sort(header.tensors.begin(), header.tensors.end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  check_layout(header, file);
  return header;
}

}  // namespace gesso::nn
