#include "nn/decode.h"

#include "nn/file.h"
#include "nn/png.h"
#include "tensor/image.h"
#include "tensor/ops.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <csetjmp>
#include <cstdio>
#include <jerror.h>
#include <jpeglib.h>
#include <png.h>

namespace gesso::nn {
namespace {

std::vector<std::uint8_t> contents(const std::filesystem::path& path) {
  InputFile file(path);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(file.size()));
  file.read(bytes.data(), bytes.size());
  return bytes;
}

[[noreturn]] void fail(const std::filesystem::path& file, const std::string& reason) {
  throw FileError(file, FileError::kWhole, reason);
}

void check_extents(const std::filesystem::path& file, std::int64_t width, std::int64_t height) {
  if (width < 1 || height < 1 || std::max(width, height) > kLargestSide || width * height > kLargestPicture)
    fail(file, fmt::format("{} x {} pixels; pictures have up to {} a side and {} in all", width, height,
                           kLargestSide, kLargestPicture));
}

Tensor read_png(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  struct Free {
    png_image* image;
    ~Free() { png_image_free(image); }
  } const free{&image};
  const auto good = [&](int done) {
    if (!done) fail(file, fmt::format("a damaged PNG file: {}", image.message));
  };
  good(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
  check_extents(file, image.width, image.height);
  constexpr unsigned char kEnd[] = {0,   0,   0,    0,    'I',  'E',
                                    'N', 'D', 0xae, 0x42, 0x60, 0x82};  // libpng stops before it
  if (std::search(bytes.begin(), bytes.end(), std::begin(kEnd), std::end(kEnd)) == bytes.end())
    fail(file, "a damaged PNG file: the end is missing");
  image.format = PNG_FORMAT_RGB;
  Tensor y({image.height, image.width, 3}, DType::u8);
  const png_color black{0, 0, 0};
  good(png_image_finish_read(&image, &black, y.mutable_data<std::uint8_t>(), 0, nullptr));
  return y;
}

/// libjpeg reports errors by a function that must not return, and leaves it to us where it goes. It is C, so no exception may
/// pass through it: longjmp to decode_jpeg, which owns nothing at that time.
struct JpegErrors {
  jpeg_error_mgr manager;  // first, so that a pointer to it is one to this
  std::jmp_buf back;
  char message[JMSG_LENGTH_MAX];
};

[[noreturn]] void give_up(j_common_ptr info) {
  auto* errors = reinterpret_cast<JpegErrors*>(info->err);
  info->err->format_message(info, errors->message);
  std::longjmp(errors->back, 1);
}

/// Warnings that tell of lost data are errors; bytes between the parts of a file (level 0 and others) are not.
void see_warning(j_common_ptr info, int level) {
  const int code = info->err->msg_code;
  if (level < 0 && code != JWRN_EXTRANEOUS_DATA && code != JWRN_ADOBE_XFORM) give_up(info);
}

/// allocate(width, height) gives the memory for the picture, or null to stop. False after an error.
bool decode_jpeg(const std::vector<std::uint8_t>& bytes, JpegErrors& errors,
                 std::uint8_t* (*allocate)(void*, std::int64_t, std::int64_t), void* to) {
  jpeg_decompress_struct info{};
  info.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = give_up;
  errors.manager.emit_message = see_warning;
  if (setjmp(errors.back)) {
    jpeg_destroy_decompress(&info);
    return false;
  }
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, bytes.data(), bytes.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = JCS_RGB;
  info.dct_method = JDCT_ISLOW;
  std::uint8_t* const y = allocate(to, info.image_width, info.image_height);
  if (y) {
    jpeg_start_decompress(&info);
    while (info.output_scanline < info.output_height) {
      JSAMPROW row = y + std::int64_t{info.output_scanline} * info.output_width * 3;
      jpeg_read_scanlines(&info, &row, 1);
    }
    jpeg_finish_decompress(&info);
  }
  jpeg_destroy_decompress(&info);
  return true;
}

Tensor read_jpeg(const std::filesystem::path& file, const std::vector<std::uint8_t>& bytes) {
  struct Picture {
    Tensor pixels;
    std::int64_t width = 0, height = 0;
  } picture;
  JpegErrors errors{};
  const auto allocate = [](void* to, std::int64_t width, std::int64_t height) -> std::uint8_t* {
    auto& p = *static_cast<Picture*>(to);
    p.width = width, p.height = height;
    if (std::max(width, height) > kLargestSide || width * height > kLargestPicture) return nullptr;
    p.pixels = Tensor({height, width, 3}, DType::u8);
    return p.pixels.mutable_data<std::uint8_t>();
  };
  if (!decode_jpeg(bytes, errors, allocate, &picture))
    fail(file, fmt::format("a damaged JPEG file: {}", errors.message));
  check_extents(file, picture.width, picture.height);
  return picture.pixels;
}

}  // namespace

bool is_picture(const std::filesystem::path& file) {
  std::string kind = file.extension().string();
  std::transform(kind.begin(), kind.end(), kind.begin(), [](unsigned char c) { return std::tolower(c); });
  return kind == ".png" || kind == ".jpg" || kind == ".jpeg";
}

Tensor read_picture(const std::filesystem::path& file) {
  const std::vector<std::uint8_t> bytes = contents(file);
  if (bytes.size() >= 8 && png_sig_cmp(bytes.data(), 0, 8) == 0) return read_png(file, bytes);
  if (bytes.size() >= 3 && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff)
    return read_jpeg(file, bytes);
  fail(file, "neither a PNG nor a JPEG file");
}

Tensor square(const Tensor& picture, std::int64_t size) {
  const std::int64_t H = picture.dim(0), W = picture.dim(1);
  if (H == size && W == size) return picture;
  const auto scaled = [&](std::int64_t side) {
    return std::max(size, std::int64_t{std::lround(static_cast<double>(side * size) /
                                                   static_cast<double>(std::min(H, W)))});
  };
  const auto map = [](std::int64_t from, std::int64_t to) {
    return to < from ? area_means(from, to) : linear_interpolation(from, to);
  };
  const std::int64_t h = scaled(H), w = scaled(W);
  Tensor y = tensor::resample(picture.to(DType::f32).reshape({1, H, W, 3}), map(H, h), map(W, w));
  y = tensor::slice(tensor::slice(y, 1, (h - size) / 2, (h - size) / 2 + size), 2, (w - size) / 2,
                    (w - size) / 2 + size);
  return to_bytes(tensor::mul(y, 1 / 255.0)).reshape({size, size, 3});
}

}  // namespace gesso::nn
