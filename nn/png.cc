#include "nn/png.h"

#include "nn/atomic_file.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

namespace gesso::nn {
namespace {

constexpr std::int64_t kLargest = 0x7fffffff;  // of a PNG's width, height and chunk length

void check_image(const char* op, const Tensor& x, int rank) {
  const bool fits = x.rank() == rank && (x.dim(-1) == 1 || x.dim(-1) == 3) && x.size() > 0;
  check(fits, "{}: an image has shape {}(H,W,C) with C = 1 or 3 and at least one pixel, not {}", op,
        rank == 4 ? "(N,H,W,C) or " : "", x.shape());
  check(x.dtype() == DType::f32 || x.dtype() == DType::u8, "{}: an image has dtype f32 or u8, not {}", op,
        name(x.dtype()));
}

std::uint8_t to_byte(float x) {
  const float y = x * 255 + 0.5f;
  return y > 0 ? static_cast<std::uint8_t>(std::min(y, 255.f)) : std::uint8_t{0};  // NaN fails the comparison
}

Tensor normalised(const Tensor& x, float low, float high) {
  check(low < high, "make_grid: value_range is ({}, {}); the first must be less", low, high);
  check(x.dtype() == DType::f32, "make_grid: value_range is for f32 images, not {}", name(x.dtype()));
  Tensor y(x.shape(), DType::f32);
  const float* in = x.data<float>();
  std::transform(in, in + x.size(), y.mutable_data<float>(),
                 [=](float v) { return (v - low) / std::max(high - low, 1e-5f); });
  return y;
}

/// y (scale H, scale W, C): each pixel repeated.
Tensor enlarged(const Tensor& x, int scale) {
  const std::int64_t H = x.dim(0), W = x.dim(1), C = x.dim(2);
  Tensor y({H * scale, W * scale, C}, DType::u8);
  const std::uint8_t* in = x.data<std::uint8_t>();
  std::uint8_t* out = y.mutable_data<std::uint8_t>();
  for (std::int64_t h = 0; h < H * scale; ++h)
    for (std::int64_t w = 0; w < W * scale; ++w)
      for (std::int64_t c = 0; c < C; ++c) *out++ = in[((h / scale) * W + w / scale) * C + c];
  return y;
}

void put_u32(std::string& out, std::uint64_t value) {  // big-endian
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift);
}

/// u32 length, four letters, data, u32 CRC-32 of letters and data.
void put_chunk(std::string& out, std::string_view type, std::string_view data) {
  put_u32(out, data.size());
  const std::size_t begin = out.size();
  out.append(type).append(data);
  put_u32(out, crc32_z(0, reinterpret_cast<const Bytef*>(out.data() + begin), out.size() - begin));
}

/// What PNG's filter 0..4 predicts for a byte from those to the left (a), above (b) and above left (c).
int predict(int filter, int a, int b, int c) {
  switch (filter) {
    case 1:
      return a;
    case 2:
      return b;
    case 3:
      return (a + b) / 2;
    case 4: {
      const int p = a + b - c, pa = std::abs(p - a), pb = std::abs(p - b), pc = std::abs(p - c);
      return pa <= pb && pa <= pc ? a : pb <= pc ? b : c;
    }
    default:
      return 0;
  }
}

/// Each row after the number of its filter: the one with the least sum of |differences|, which deflates well.
std::vector<std::uint8_t> filtered(const std::uint8_t* pixels, std::size_t rows, std::size_t row_bytes,
                                   std::size_t C) {
  std::vector<std::uint8_t> out(rows * (row_bytes + 1));
  const std::vector<std::uint8_t> zeros(row_bytes, 0);
  std::vector<std::uint8_t> trial(row_bytes);
  for (std::size_t r = 0; r < rows; ++r) {
    const std::uint8_t* row = pixels + r * row_bytes;
    const std::uint8_t* above = r > 0 ? row - row_bytes : zeros.data();
    std::uint8_t* best = out.data() + r * (row_bytes + 1);
    std::uint64_t least = ~std::uint64_t{0};
    for (int filter = 0; filter < 5; ++filter) {
      std::uint64_t cost = 0;
      for (std::size_t i = 0; i < row_bytes; ++i) {
        const int a = i < C ? 0 : row[i - C], c = i < C ? 0 : above[i - C];
        trial[i] = static_cast<std::uint8_t>(row[i] - predict(filter, a, above[i], c));
        cost += static_cast<std::uint64_t>(std::abs(static_cast<std::int8_t>(trial[i])));
      }
      if (cost >= least) continue;
      least = cost;
      best[0] = static_cast<std::uint8_t>(filter);
      std::copy(trial.begin(), trial.end(), best + 1);
    }
  }
  return out;
}

}  // namespace

Tensor to_bytes(const Tensor& image) {
  if (image.dtype() == DType::u8) return image;
  Tensor y(image.shape(), DType::u8);
  const float* x = image.data<float>();
  std::transform(x, x + image.size(), y.mutable_data<std::uint8_t>(), to_byte);
  return y;
}

Tensor make_grid(const Tensor& images, const GridOptions& o) {
  const bool single = images.rank() == 3;
  check_image("make_grid", images, single ? 3 : 4);
  check(o.nrow > 0 && o.padding >= 0 && o.scale > 0,
        "make_grid: nrow {}, padding {}, scale {}: the least are 1, 0, 1", o.nrow, o.padding, o.scale);
  const Tensor here = images.to(Device::cpu);
  const Tensor x =
      to_bytes(o.value_range ? normalised(here, o.value_range->first, o.value_range->second) : here);
  if (single || x.dim(0) == 1) return enlarged(single ? x : x[0], o.scale);

  const std::int64_t N = x.dim(0), H = x.dim(1), W = x.dim(2), C = x.dim(3), pad = o.padding;
  const std::int64_t columns = std::min<std::int64_t>(o.nrow, N), rows = (N + columns - 1) / columns;
  const std::int64_t width = columns * (W + pad) + pad;
  Tensor grid({rows * (H + pad) + pad, width, C}, DType::u8);
  std::uint8_t* out = grid.mutable_data<std::uint8_t>();
  std::memset(out, to_byte(o.pad_value), grid.bytes());
  for (std::int64_t n = 0; n < N; ++n) {
    const std::uint8_t* in = x.data<std::uint8_t>() + n * H * W * C;
    const std::int64_t top = n / columns * (H + pad) + pad, left = n % columns * (W + pad) + pad;
    for (std::int64_t h = 0; h < H; ++h)
      std::memcpy(out + ((top + h) * width + left) * C, in + h * W * C, static_cast<std::size_t>(W * C));
  }
  return enlarged(grid, o.scale);
}

namespace {

/// The pixels as IDAT has them: filtered and deflated.
std::string deflated(const char* op, const Tensor& image) {
  check_image(op, image, 3);
  const Tensor x = to_bytes(image.to(Device::cpu));
  const std::int64_t H = x.dim(0), W = x.dim(1), C = x.dim(2);
  check(H * (W * C + 1) <= kLargest, "{}: an image of shape {} is too large", op, x.shape());

  const auto rows = filtered(x.data<std::uint8_t>(), static_cast<std::size_t>(H),
                             static_cast<std::size_t>(W * C), static_cast<std::size_t>(C));
  uLongf size = compressBound(rows.size());
  std::string data(size, '\0');
  const int status = compress(reinterpret_cast<Bytef*>(data.data()), &size, rows.data(), rows.size());
  check(status == Z_OK, "{}: zlib failed with status {}", op, status);
  data.resize(size);
  return data;
}

/// Signature and header.
std::string png_of(const Shape& image) {
  std::string header;
  put_u32(header, static_cast<std::uint64_t>(image[1]));
  put_u32(header, static_cast<std::uint64_t>(image[0]));
  const char kGrey = 0, kRgb = 2;
  header.append({8, image[2] == 1 ? kGrey : kRgb, 0, 0,
                 0});  // 8 bits a channel; deflate, adaptive filters, not interlaced
  std::string png = "\x89PNG\r\n\x1a\n";
  put_chunk(png, "IHDR", header);
  return png;
}

}  // namespace

std::string encode_png(const Tensor& image) {
  const std::string data = deflated("encode_png", image);
  std::string png = png_of(image.shape());
  put_chunk(png, "IDAT", data);
  put_chunk(png, "IEND", "");
  return png;
}

// acTL: frames, and 0 for no last repetition. fcTL before each frame: number, size, place, seconds as a fraction, and that a frame
// replaces the one before. fdAT is IDAT behind a number; fcTL and fdAT are counted together.
std::string encode_apng(const std::vector<Tensor>& frames, int frames_per_second) {
  check(!frames.empty() && frames_per_second > 0 && frames_per_second <= 0xffff,
        "encode_apng: {} frames, {} a second; it takes one of each at least", frames.size(),
        frames_per_second);
  const Shape shape = frames[0].shape();
  std::string control, png;
  put_u32(control, frames.size());
  put_u32(control, 0);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    check(frames[i].shape() == shape, "encode_apng: frame {} of {} behind one of {}", i, frames[i].shape(),
          shape);
    const std::string data = deflated("encode_apng", frames[i]);
    if (i == 0) {
      png = png_of(shape);
      put_chunk(png, "acTL", control);
    }
    std::string frame, numbered;
    put_u32(frame, number++);
    for (const std::int64_t n : {shape[1], shape[0], std::int64_t{0}, std::int64_t{0}})
      put_u32(frame, static_cast<std::uint64_t>(n));
    frame.append(
        {0, 1, static_cast<char>(frames_per_second >> 8), static_cast<char>(frames_per_second), 0, 0});
    put_chunk(png, "fcTL", frame);
    if (i > 0) put_u32(numbered, number++);
    put_chunk(png, i == 0 ? "IDAT" : "fdAT", numbered + data);
  }
  put_chunk(png, "IEND", "");
  return png;
}

void save_image(const Tensor& images, const std::filesystem::path& path, const GridOptions& options) {
  write_file(path, encode_png(make_grid(images, options)));
}

}  // namespace gesso::nn
