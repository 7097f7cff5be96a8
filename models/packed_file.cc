// The file of packed pictures.
#include "models/compress.h"
#include "nn/atomic_file.h"
#include "nn/crc32c.h"

#include <bit>
#include <cstring>
#include <limits>
#include <set>

namespace gesso::models {
namespace {

using nn::FileError;

static_assert(std::endian::native == std::endian::little, "numbers go to the file as they are in memory");

constexpr std::string_view kMagic = "gesso\x1a\r\n";  // damaged where line ends are changed on the way
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kAfterChecksum = kMagic.size() + 4;

template <class T>
void put(std::string& to, T value) {
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}
void put_string(std::string& to, const std::string& s) {
  to += static_cast<char>(s.size());
  to += s;
}

/// What is wrong with a name of which decompress makes NAME.png in a folder; nothing if it is fine.
std::string mistake_in(const std::string& name) {
  if (name.empty() || name.size() > 250) return "is empty or longer than 250 bytes";
  if (name.find('/') != std::string::npos || name.find('\0') != std::string::npos || name.starts_with('.'))
    return "is no plain name of a file";
  return "";
}

/// The bytes of a file, each taken once.
class Reader {
 public:
  Reader(const std::filesystem::path& file, std::string_view bytes) : file_(file), bytes_(bytes) {}

  std::string_view take(std::uint64_t n, const char* what) {
    if (n > bytes_.size() - at_)
      fail(fmt::format("the file ends within {}, {} bytes early", what, n - (bytes_.size() - at_)));
    at_ += n;
    return bytes_.substr(at_ - n, n);
  }
  template <class T>
  T number(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof value, what).data(), sizeof value);
    return value;
  }
  std::string string(const char* what) { return std::string(take(number<std::uint8_t>(what), what)); }
  std::string_view rest() const { return bytes_.substr(at_); }
  [[noreturn]] void fail(const std::string& why) const {
    throw FileError(file_, static_cast<std::int64_t>(at_), "packed pictures: " + why);
  }

 private:
  const std::filesystem::path& file_;
  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace

void save_packed(const std::filesystem::path& path, const PackedPictures& p) {
  std::string body;
  put(body, kVersion);
  put_string(body, p.machine);
  put(body, p.weights);
  for (const std::int64_t extent : p.image) put(body, static_cast<std::uint32_t>(extent));
  put(body, static_cast<std::uint32_t>(p.names.size()));
  std::set<std::string> seen;
  for (const std::string& name : p.names) {
    if (const std::string mistake = mistake_in(name); !mistake.empty())
      throw UsageError("the name \"{}\" {}", name, mistake);
    if (!seen.insert(name).second) throw UsageError("two of the pictures are called \"{}\"", name);
    put_string(body, name);
  }
  put(body, p.codes);
  put(body, static_cast<std::uint64_t>(p.bits.size()));
  body += p.bits;
  std::string all(kMagic);
  put(all, nn::crc32c(body.data(), body.size()));
  nn::write_file(path, all + body);
}

PackedPictures load_packed(const std::filesystem::path& path) {
  nn::InputFile file(path);
  std::string bytes(static_cast<std::size_t>(file.size()), '\0');
  file.read(bytes.data(), bytes.size());
  Reader from(path, bytes);
  if (from.rest().substr(0, kMagic.size()) != kMagic) from.fail("it does not begin as such a file does");
  from.take(kMagic.size(), "the first bytes");
  const auto checksum = from.number<std::uint32_t>("its checksum");
  if (nn::crc32c(bytes.data() + kAfterChecksum, bytes.size() - kAfterChecksum) != checksum)
    from.fail("the checksum does not match: the file is damaged or cut off");
  if (const auto version = from.number<std::uint32_t>("the version"); version != kVersion)
    from.fail(fmt::format("version {}; this program knows {}", version, kVersion));

  PackedPictures p;
  p.machine = from.string("the machine");
  p.weights = from.number<std::uint32_t>("the model's checksum");
  for (int i = 0; i < 3; ++i) p.image.push_back(from.number<std::uint32_t>("the size of the pictures"));
  const auto count = from.number<std::uint32_t>("the number of pictures");
  if (count == 0) from.fail("no pictures");
  std::set<std::string> seen;
  for (std::uint32_t i = 0; i < count; ++i) {
    p.names.push_back(from.string("the names"));
    if (const std::string mistake = mistake_in(p.names.back()); !mistake.empty())
      from.fail(fmt::format("a name {}", mistake));
    if (!seen.insert(p.names.back()).second) from.fail("a name that comes twice");
  }
  p.codes = from.number<std::uint32_t>("the checksum of the codes");
  const auto size = from.number<std::uint64_t>("the size of the codes");
  p.bits = from.take(size, "the codes");
  if (!from.rest().empty()) from.fail(fmt::format("{} bytes after its end", from.rest().size()));
  return p;
}

}  // namespace gesso::models
