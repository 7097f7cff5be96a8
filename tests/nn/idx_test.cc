#include "nn/idx.h"

#include "tests/nn/files.h"

#include <zlib.h>

#include <cstring>
#include <vector>

namespace gesso::nn {
namespace {

std::string header(int type, const std::vector<std::uint32_t>& extents) {
  std::string bytes = {0, 0, static_cast<char>(type), static_cast<char>(extents.size())};
  for (const std::uint32_t n : extents)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(n >> shift);
  return bytes;
}

std::string gzip(const std::string& bytes) {
  z_stream z{};
  REQUIRE(::deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  ::deflateEnd(&z);
  return out;
}

const std::string kPixels = "\x01\x02\x03\x04\x05\xff";

TEST_CASE("idx: u8 and f32, plain and compressed") {
  const TempFolder folder;
  const auto path = folder / "x";
  for (const std::string& bytes :
       {header(8, {1, 2, 3}) + kPixels, gzip(header(8, {1, 2, 3}) + kPixels),
        gzip(header(8, {1, 2, 3})) + gzip(kPixels)}) {  // two gzip members are one file
    put_bytes(path, bytes);
    const Tensor x = read_idx(path);
    CHECK(x.shape() == Shape{1, 2, 3});
    CHECK(x.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{1, 2, 3, 4, 5, 255});
  }
  for (const bool compressed : {false, true}) {
    const std::string bytes = header(13, {2}) + std::string("\x3f\xc0\0\0\xc2\x2a\0\0", 8);
    put_bytes(path, compressed ? gzip(bytes) : bytes);
    CHECK(read_idx(path).to_vector<float>() == std::vector<float>{1.5f, -42.5f});
    put_bytes(path, compressed ? gzip(header(8, {0, 28})) : header(8, {0, 28}));
    CHECK(read_idx(path).shape() == Shape{0, 28});
  }
}

TEST_CASE("idx: data that compress a thousandfold") {
  const TempFolder folder;
  const auto path = folder / "x";
  put_bytes(path, gzip(header(8, {4, 1 << 20}) + std::string(4 << 20, '\7')));
  REQUIRE(bytes_of(path).size() < 8192);
  const Tensor x = read_idx(path);
  CHECK(x.shape() == Shape{4, 1 << 20});
  CHECK(x.data<std::uint8_t>()[(4 << 20) - 1] == 7);
}

TEST_CASE("idx: what is wrong, and where") {
  const TempFolder folder;
  const auto path = folder / "x";
  const std::vector<std::tuple<std::string, std::int64_t, std::string>> all = {
      {"", 0, "end here"},
      {"PNG etc.", 4, "first two bytes"},
      {header(9, {6}) + kPixels, 4, "type 0x09"},
      {header(8, {}), 4, "0 dimensions"},
      {header(8, {1, 1, 1, 1, 1, 1, 6}) + kPixels, 4, "7 dimensions"},
      {header(8, {7}) + kPixels, 8, "needs 7 bytes, but 6 follow"},
      {header(8, {5}) + kPixels, 8, "needs 5 bytes, but 6 follow"},
      {header(8, {~0u, ~0u, ~0u}) + kPixels, 12, "larger than any memory"},
      {header(8, {0, ~0u, ~0u, ~0u}) + kPixels, 16, "larger than any memory"},
      {gzip(header(8, {7}) + kPixels), 14, "end here, 1 more"},
      {gzip(header(8, {5}) + kPixels), 14, "more data than"},
      {gzip(header(13, {2}) + kPixels), 14, "end here, 2 more"},
      {gzip(""), 0, "end here"},
  };
  for (const auto& [bytes, offset, reason] : all) {
    put_bytes(path, bytes);
    const auto error = file_error([&] { read_idx(path); });
    REQUIRE(error.has_value());
    CHECK(error->file == path);
    CHECK_MESSAGE(error->offset == offset, error->what());
    CHECK_MESSAGE(error->reason.find(reason) != std::string::npos, error->what());
  }
  CHECK(file_error([&] { read_idx(folder / "missing"); }).has_value());
  CHECK(file_error([&] { read_idx(folder.path()); }).has_value());
}

TEST_CASE("idx: truncations and flipped bits, plain and compressed") {
  const TempFolder folder;
  const auto path = folder / "x";
  const auto load = [&] { read_idx(path); };
  const std::string plain = header(8, {1, 2, 3}) + kPixels;
  for (const bool compressed : {false, true}) {
    const std::string bytes = compressed ? gzip(plain) : plain;
    CAPTURE(compressed);
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      put_bytes(path, bytes.substr(0, n));
      CAPTURE(n);
      REQUIRE(file_error(load).has_value());
    }
    int unnoticed = 0;
    each_bit_flip(path, bytes, [&](std::size_t i, int bit) {
      Tensor x;
      if (file_error([&] { x = read_idx(path); })) return;
      const bool same = x.shape() == Shape{1, 2, 3} && std::memcmp(x.raw(), kPixels.data(), 6) == 0;
      // In gzip's header (10 bytes) a text flag, a time, a level and a system say nothing of the data; nor do
      // the bits that fill the last byte before the checksum and the size (8 bytes).
      const bool says_nothing = (i == 3 && bit == 0) || (i >= 4 && i < 10) || i == bytes.size() - 9;
      CHECK(same == compressed);
      CHECK(says_nothing == compressed);
      unnoticed += same;
    });
    CHECK(unnoticed >= (compressed ? 49 : 0));
    CHECK(unnoticed <= (compressed ? 56 : 0));
  }
}

TEST_CASE("idx: claims take no memory, data do") {
  const TempFolder folder;
  const auto path = folder / "x";
  const auto load = [&] { read_idx(path); };
  for (const auto& extents : {std::vector<std::uint32_t>{1u << 30}, {65535, 65535}, {~0u, 1u << 30}}) {
    put_bytes(path, header(8, extents) + kPixels);
    CHECK(fails_within(16 << 20, load));
    put_bytes(path, gzip(header(8, extents) + kPixels));
    CHECK(fails_within(16 << 20, load));
  }
  // A bomb: 32 MiB behind a header that says six bytes, and behind one that says more than there are.
  for (const std::uint32_t claimed : {6u, 1u << 26}) {
    const std::string bomb = gzip(header(8, {claimed}) + std::string(32 << 20, '\0'));
    put_bytes(path, bomb);
    CHECK(fails_within(16 << 20, load));
  }
}

TEST_CASE("idx: images and their labels") {
  const TempFolder folder;
  const auto images = folder / "images", labels = folder / "labels";
  put_bytes(images, gzip(header(8, {2, 1, 3}) + kPixels));
  put_bytes(labels, header(8, {2}) + "\x07\x09");
  const LabelledImages data = read_idx_images(images, labels);
  CHECK(data.images.shape() == Shape{2, 1, 3, 1});
  CHECK(data.labels.to_vector<std::int64_t>() == std::vector<std::int64_t>{7, 9});

  put_bytes(labels, header(8, {3}) + "\x07\x09\x01");
  const auto error = file_error([&] { read_idx_images(images, labels); });
  REQUIRE(error);
  CHECK(error->file == labels);
  CHECK(error->reason == "3 labels for the 2 images of " + images.string());
  CHECK(file_error([&] { read_idx_images(images, images); })->reason.find("labels are") == 0);
  CHECK(file_error([&] { read_idx_images(labels, labels); })->reason.find("images are") == 0);
}

}  // namespace
}  // namespace gesso::nn
