#include "nn/npy.h"

#include "nn/atomic_file.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string>
#include <string_view>

namespace gesso::nn {
namespace {

using namespace std::string_view_literals;
static_assert(std::endian::native == std::endian::little, "elements go to the file as they are in memory");

constexpr std::string_view kMagic = "\x93NUMPY"sv;
constexpr std::array<std::pair<DType, std::string_view>, 5> kDescrs = {
    {{DType::f32, "<f4"}, {DType::f64, "<f8"}, {DType::i64, "<i8"}, {DType::u8, "|u1"}, {DType::b8, "|b1"}}};
constexpr std::int64_t kLongestOfV1 = 64 << 10;  // version 1.0's limit; longer ones hold names of fields

struct Header {
  std::string_view descr;
  std::optional<bool> fortran_order;
  std::optional<Shape> shape;
};

/// The Python dictionary {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }, its keys in any order.
class DictParser {
 public:
  DictParser(std::string_view text, const InputFile& file) : rest_(text), text_(text), file_(file) {}

  Header header() {
    Header h;
    expect("{");
    while (!skip("}")) {
      const std::string_view key = string();
      expect(":");
      if (key == "descr" && h.descr.empty())
        h.descr = string();
      else if (key == "fortran_order" && !h.fortran_order)
        h.fortran_order = boolean();
      else if (key == "shape" && !h.shape)
        h.shape = shape();
      else
        fail("an unknown or repeated key");
      if (!skip(",") && !rest_.starts_with("}")) fail("',' or '}' expected");
    }
    space();
    if (!rest_.empty()) fail("text after the dictionary");
    if (h.descr.empty() || !h.fortran_order || !h.shape) fail("descr, fortran_order or shape is missing");
    return h;
  }

 private:
  [[noreturn]] void fail(const std::string& reason) const {
    const std::int64_t begin = file_.offset() - static_cast<std::int64_t>(text_.size());
    throw FileError(file_.path(), begin + (rest_.data() - text_.data()), "npy header: " + reason);
  }
  void space() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t\n\r"), rest_.size())); }
  bool skip(std::string_view token) {
    space();
    const bool here = rest_.starts_with(token);
    if (here) rest_.remove_prefix(token.size());
    space();
    return here;
  }
  void expect(std::string_view token) {
    if (!skip(token)) fail(fmt::format("{} expected", token));
  }
  std::string_view string() {
    const char quote = skip("'") ? '\'' : skip("\"") ? '"' : '\0';
    const std::size_t end = rest_.find(quote);
    if (!quote || end == rest_.npos) fail("a string expected");
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return out;
  }
  bool boolean() {
    if (skip("True")) return true;
    expect("False");
    return false;
  }
  Shape shape() {
    Shape out;
    expect("(");
    while (!skip(")")) {
      if (out.rank() == kernels::kMaxDims) fail(fmt::format("more than {} dimensions", kernels::kMaxDims));
      out.push_back(number());
      // "(3)" is a number in Python; one dimension is "(3,)"
      if (!skip(",") && (out.rank() == 1 || !rest_.starts_with(")"))) fail("',' expected");
    }
    return out;
  }
  std::int64_t number() {
    const std::string_view digits = rest_;
    std::int64_t n = 0;
    if (rest_.empty() || rest_[0] < '0' || rest_[0] > '9') fail("a number expected");
    for (; !rest_.empty() && rest_[0] >= '0' && rest_[0] <= '9'; rest_.remove_prefix(1))
      if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, rest_[0] - '0', &n))
        fail("a number overflows");
    if (digits[0] == '0' && digits.size() > rest_.size() + 1) fail("a number with leading zeros");
    return n;
  }

  std::string_view rest_, text_;
  const InputFile& file_;
};

/// Magic, version, length, and the text of the header.
std::string read_header(InputFile& file) {
  std::array<unsigned char, 12> start{};
  const auto fail = [&](std::int64_t at, const std::string& reason) {
    throw FileError(file.path(), at, reason);
  };
  if (file.size() < 10) fail(file.size(), "no npy file: shorter than 10 bytes");
  file.read(start.data(), 8);
  if (std::string_view(reinterpret_cast<const char*>(start.data()), 6) != kMagic) fail(0, "no npy file");
  const int version = start[6];
  if (version < 1 || version > 3 || start[7] != 0)
    fail(6, fmt::format("npy version {}.{}", version, start[7]));
  file.read(start.data() + 8, version == 1 ? 2 : 4);
  std::int64_t length = start[8] | start[9] << 8;
  if (version > 1)
    length |= static_cast<std::int64_t>(start[10]) << 16 | static_cast<std::int64_t>(start[11]) << 24;
  if (length > kLongestOfV1 || length > file.size() - file.offset())
    fail(8, fmt::format("a header of {} bytes in a file of {}", length, file.size()));
  std::string text(static_cast<std::size_t>(length), '\0');
  file.read(text.data(), text.size());
  return text;
}

}  // namespace

void save_npy(const std::filesystem::path& path, const Tensor& x) {
  check(x.defined(), "save_npy: an undefined tensor");
  std::string shape;
  for (std::int64_t d : x.shape()) shape += fmt::format("{}{}", shape.empty() ? "" : ", ", d);
  if (x.rank() == 1) shape += ",";
  const auto type =
      std::find_if(kDescrs.begin(), kDescrs.end(), [&](const auto& t) { return t.first == x.dtype(); });
  std::string header =
      fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}), }}", type->second, shape);
  header.append(63 - (10 + header.size()) % 64, ' ');  // with "\n", the data begin at a multiple of 64
  header += '\n';

  AtomicFile file(path);
  const char length[] = {static_cast<char>(header.size()), static_cast<char>(header.size() >> 8)};
  file.write(fmt::format("{}{}{}", kMagic, "\x01\x00"sv, std::string_view(length, 2)));
  file.write(header);
  file.write(x.to(Device::cpu).raw(), x.bytes());
  file.commit();
}

Tensor load_npy(const std::filesystem::path& path) {
  InputFile file(path);
  const std::string text = read_header(file);
  const Header header = DictParser(text, file).header();
  const auto fail = [&](const std::string& reason) {
    throw FileError(path, file.offset(), "npy: " + reason);
  };
  const auto type =
      std::find_if(kDescrs.begin(), kDescrs.end(), [&](const auto& t) { return t.second == header.descr; });
  if (type == kDescrs.end()) fail(fmt::format("dtype '{}' is not supported", header.descr));
  if (*header.fortran_order && header.shape->rank() > 1)
    fail("column-major (Fortran) order is not supported");
  // An extent of 0 must not hide that the others overflow: strides are products of any of them.
  std::int64_t size = size_of(type->first);
  for (std::int64_t d : *header.shape)
    if (__builtin_mul_overflow(size, std::max<std::int64_t>(d, 1), &size)) fail("the size overflows");
  if (header.shape->size() == 0) size = 0;
  if (size != file.size() - file.offset())
    fail(fmt::format("{} of shape {} is {} bytes, but {} follow", header.descr, *header.shape, size,
                     file.size() - file.offset()));
  Tensor x(*header.shape, type->first);
  std::byte* data = x.mutable_raw();
  file.read(data, x.bytes());
  if (type->first == DType::b8 &&
      std::any_of(data, data + x.bytes(), [](std::byte b) { return b > std::byte{1}; }))
    fail("a bool that is neither 0 nor 1");
  return x;
}

}  // namespace gesso::nn
