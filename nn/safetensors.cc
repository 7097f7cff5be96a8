#include "nn/safetensors.h"

#include "nn/atomic_file.h"
#include "nn/crc32c.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <bit>

namespace gesso::nn {
namespace {

static_assert(std::endian::native == std::endian::little, "tensors go to the file as they are in memory");

const std::string kChecksum = "crc32c:", kMetadata = "__metadata__";

/// In the order in which the format's own writer sorts tensors: by alignment, then as its list of types has
/// them.
constexpr std::array<std::pair<DType, const char*>, 5> kTypes = {
    {{DType::i64, "I64"}, {DType::f64, "F64"}, {DType::f32, "F32"}, {DType::u8, "U8"}, {DType::b8, "BOOL"}}};

std::size_t rank_of(DType dtype) {
  const auto is = [=](const auto& type) { return type.first == dtype; };
  return static_cast<std::size_t>(std::find_if(kTypes.begin(), kTypes.end(), is) - kTypes.begin());
}

std::string hex(std::uint32_t crc) { return fmt::format("{:08x}", crc); }

/// Of all the header says that no tensor's checksum covers.
std::string header_checksum(const SafetensorsHeader& h) {
  std::string said;
  for (const auto& [key, value] : h.metadata)
    if (!key.starts_with(kChecksum))
      said += fmt::format("{}:{}={}:{};", key.size(), key, value.size(), value);
  for (const SafetensorsEntry& e : h.tensors)
    said += fmt::format("{}:{} {} {};", e.name.size(), e.name, e.dtype, e.shape);
  return hex(crc32c(said.data(), said.size()));
}

std::string header_text(const SafetensorsHeader& h) {
  using Json = nlohmann::ordered_json;
  Json json = Json::object();
  if (!h.metadata.empty()) json[kMetadata] = h.metadata;
  for (const SafetensorsEntry& e : h.tensors)
    json[e.name] = {{"dtype", e.dtype},
                    {"shape", std::vector<std::int64_t>(e.shape.begin(), e.shape.end())},
                    {"data_offsets", {e.begin, e.end}}};
  std::string text;
  try {
    text = json.dump();
  } catch (const Json::exception& e) {
    throw Error("save_safetensors: a name or metadata value is not UTF-8: {}", e.what());
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

}  // namespace

void save_safetensors(const std::filesystem::path& path, const Safetensors& content,
                      const SafetensorsOptions& options) {
  using Named = std::pair<std::string, Tensor>;
  std::vector<Named> order;
  for (const auto& [name, tensor] : content.tensors) {
    check(tensor.defined(), "save_safetensors: \"{}\" is an undefined tensor", name);
    check(name != kMetadata, "save_safetensors: no tensor may be called {}", kMetadata);
    order.emplace_back(name, tensor.to(Device::cpu));
  }
  std::stable_sort(order.begin(), order.end(), [](const Named& a, const Named& b) {
    return rank_of(a.second.dtype()) < rank_of(b.second.dtype());
  });

  for (const auto& [key, value] : content.metadata)
    check(!key.starts_with(kChecksum), "save_safetensors: metadata key \"{}\" is kept for checksums", key);
  SafetensorsHeader header{.metadata = content.metadata};
  std::int64_t offset = 0;
  for (const auto& [name, tensor] : order) {
    const std::int64_t end = offset + static_cast<std::int64_t>(tensor.bytes());
    header.tensors.push_back({name, kTypes[rank_of(tensor.dtype())].second, tensor.shape(), offset, end});
    if (options.checksums) header.metadata[kChecksum + name] = hex(crc32c(tensor.raw(), tensor.bytes()));
    offset = end;
  }
  if (options.checksums) header.metadata[kChecksum + kMetadata] = header_checksum(header);

  const std::string text = header_text(header);
  const std::uint64_t N = text.size();
  AtomicFile file(path);
  file.write(&N, sizeof N);
  file.write(text);
  for (const auto& [name, tensor] : order) file.write(tensor.raw(), tensor.bytes());
  file.commit();
}

Safetensors load_safetensors(const std::filesystem::path& path) {
  InputFile file(path);
  const SafetensorsHeader header = read_safetensors_header(file);
  const auto& metadata = header.metadata;
  const bool checksums = std::any_of(metadata.begin(), metadata.end(),
                                     [](const auto& item) { return item.first.starts_with(kChecksum); });
  const auto verify = [&](const std::string& name, const std::string& found, std::int64_t at) {
    const auto expected = metadata.find(kChecksum + name);
    if (checksums && (expected == metadata.end() || expected->second != found))
      throw FileError(path, at,
                      fmt::format("safetensors: the checksum of \"{}\" is missing or does not match", name));
  };
  if (checksums) verify(kMetadata, header_checksum(header), 8);

  Safetensors out;
  for (const auto& [key, value] : metadata)
    if (!key.starts_with(kChecksum)) out.metadata.emplace(key, value);
  for (const SafetensorsEntry& e : header.tensors) {
    const auto type =
        std::find_if(kTypes.begin(), kTypes.end(), [&](const auto& t) { return e.dtype == t.second; });
    const std::int64_t at = header.data_offset + e.begin;
    if (type == kTypes.end())
      throw FileError(
          path, at, fmt::format("safetensors: \"{}\" has dtype {}, which is not supported", e.name, e.dtype));
    Tensor tensor(e.shape, type->first);
    std::byte* data = tensor.mutable_raw();
    file.read(data, tensor.bytes());
    if (type->first == DType::b8 &&
        std::any_of(data, data + tensor.bytes(), [](std::byte b) { return b > std::byte{1}; }))
      throw FileError(path, at,
                      fmt::format("safetensors: \"{}\" has a BOOL that is neither 0 nor 1", e.name));
    verify(e.name, hex(crc32c(data, tensor.bytes())), at);
    out.tensors.emplace(e.name, std::move(tensor));
  }
  return out;
}

}  // namespace gesso::nn
