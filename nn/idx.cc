#include "nn/idx.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

namespace gesso::nn {
namespace {

constexpr std::size_t kChunk = 1 << 20;

/// A plain or gzip-compressed file, read from front to back; offsets count uncompressed bytes.
class GzFile {
 public:
  explicit GzFile(const InputFile& file) : file_(file), gz_(::gzopen(file.path().c_str(), "rb")) {
    if (!gz_) fail(std::strerror(errno));
    ::gzbuffer(gz_, 128 << 10);
  }
  GzFile(const GzFile&) = delete;
  GzFile& operator=(const GzFile&) = delete;
  ~GzFile() { ::gzclose_r(gz_); }

  [[noreturn]] void fail(const std::string& reason) const { throw FileError(file_.path(), offset_, reason); }
  std::int64_t offset() const { return offset_; }
  bool compressed() { return !::gzdirect(gz_); }

  /// Up to n bytes; fewer only at the end.
  std::size_t read_some(void* to, std::size_t n) {
    std::size_t got = 0;
    while (got < n) {
      const int r =
          ::gzread(gz_, static_cast<char*>(to) + got, static_cast<unsigned>(std::min(n - got, kChunk)));
      int error = Z_OK;
      const char* message = ::gzerror(gz_, &error);
      if (r < 0 || error != Z_OK)
        fail(fmt::format("cannot read: {}", error == Z_ERRNO ? std::strerror(errno) : message));
      if (r == 0) break;
      got += static_cast<std::size_t>(r);
      offset_ += r;
    }
    return got;
  }
  void read(void* to, std::size_t n) {
    if (const std::size_t got = read_some(to, n); got < n)
      fail(fmt::format("the data end here, {} more bytes were expected", n - got));
  }
  /// The end must be here. Reading up to it is also what makes zlib verify the checksum.
  void finish() {
    char more;
    if (read_some(&more, 1)) fail("more data than the header says");
  }

 private:
  const InputFile& file_;
  gzFile gz_;
  std::int64_t offset_ = 0;
};

struct Header {
  DType dtype;
  Shape shape;
  std::int64_t bytes;
};

std::uint32_t read_u32(GzFile& in) {
  std::array<unsigned char, 4> b;
  in.read(b.data(), 4);
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

Header read_header(GzFile& in) {
  const std::uint32_t magic = read_u32(in), type = magic >> 8 & 0xff, rank = magic & 0xff;
  if (magic >> 16) in.fail("no IDX file: the first two bytes are not 0");
  if (type != 0x08 && type != 0x0d)
    in.fail(fmt::format("IDX element type 0x{:02x} is not supported (0x08 u8 and 0x0d f32 are)", type));
  if (rank < 1 || rank > kernels::kMaxDims)
    in.fail(fmt::format("an IDX file of {} dimensions; 1 to {} are supported", rank, kernels::kMaxDims));
  Header h{.dtype = type == 0x08 ? DType::u8 : DType::f32, .shape = {}, .bytes = type == 0x08 ? 1 : 4};
  std::int64_t positive = h.bytes;  // an extent of 0 must not hide that the others overflow
  for (std::uint32_t i = 0; i < rank; ++i) {
    h.shape.push_back(read_u32(in));
    h.bytes *= std::min<std::int64_t>(h.shape[static_cast<int>(i)], 1);
    if (__builtin_mul_overflow(positive, std::max<std::int64_t>(h.shape[static_cast<int>(i)], 1), &positive))
      in.fail(fmt::format("shape {} is larger than any memory", h.shape));
  }
  h.bytes = h.bytes ? positive : 0;
  return h;
}

/// A first pass without memory: that the data are really there, before so much is allocated for them.
void check_length(const InputFile& file) {
  GzFile in(file);
  const Header h = read_header(in);
  std::vector<char> buffer(kChunk);
  for (std::int64_t left = h.bytes; left > 0;) {
    const std::int64_t n = std::min<std::int64_t>(left, kChunk);
    in.read(buffer.data(), static_cast<std::size_t>(n));
    left -= n;
  }
  in.finish();
}

}  // namespace

Tensor read_idx(const std::filesystem::path& path, const IdxArrived& arrived) {
  const InputFile file(path);
  GzFile in(file);
  const Header h = read_header(in);
  if (!in.compressed() && h.bytes != file.size() - in.offset())
    in.fail(fmt::format("shape {} of {} needs {} bytes, but {} follow", h.shape, name(h.dtype), h.bytes,
                        file.size() - in.offset()));
  // Pictures compress to a quarter or so, rarely to a tenth: beyond 16, look first. Deflate can pretend up to
  // 1032.
  if (h.bytes / 16 > file.size()) check_length(file);
  Tensor x(h.shape, h.dtype);
  std::byte* data = x.mutable_raw();
  const bool tell = arrived && h.dtype == DType::u8;
  if (tell) arrived(x, 0);
  // Steps of a few batches of small images: the first ones are there at once.
  const std::size_t step = tell ? 256 << 10 : x.bytes();
  for (std::size_t at = 0; at < x.bytes(); at += step) {
    const std::size_t n = std::min(step, x.bytes() - at);
    in.read(data + at, n);
    if (tell) arrived(x, static_cast<std::int64_t>(at + n));
  }
  in.finish();
  if (h.dtype == DType::f32)
    for (std::size_t i = 0; i < x.bytes(); i += 4) std::reverse(data + i, data + i + 4);
  return x;
}

LabelledImages read_idx_images(const std::filesystem::path& images, const std::filesystem::path& labels) {
  const Tensor x = read_idx(images), y = read_idx(labels);
  const auto fail = [](const std::filesystem::path& file, const std::string& reason) {
    throw FileError(file, FileError::kWhole, reason);
  };
  if (x.rank() != 3 || x.dtype() != DType::u8)
    fail(images, fmt::format("images are u8 of shape (N,H,W), not {} of {}", name(x.dtype()), x.shape()));
  if (y.rank() != 1 || y.dtype() != DType::u8)
    fail(labels, fmt::format("labels are u8 of shape (N), not {} of {}", name(y.dtype()), y.shape()));
  if (x.dim(0) != y.dim(0))
    fail(labels, fmt::format("{} labels for the {} images of {}", y.dim(0), x.dim(0), images.string()));
  return {x.reshape({x.dim(0), x.dim(1), x.dim(2), 1}), y.to(DType::i64)};
}

}  // namespace gesso::nn
