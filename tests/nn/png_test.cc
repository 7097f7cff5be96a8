#include "nn/png.h"

#include "nn/safetensors.h"
#include "tests/nn/files.h"

#include <zlib.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace gesso::nn {
namespace {

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

std::uint32_t u32(std::string_view b) {
  std::uint32_t v = 0;
  for (std::size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<unsigned char>(b[i]);
  return v;
}

/// A decoder of the PNGs that encode_png writes, from the specification; checks all lengths and checksums.
struct Decoded {
  Tensor image;
  std::vector<int> filters;  // of each row
};
Decoded decode(std::string_view png) {
  REQUIRE(png.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  std::string types, header, deflated;
  for (png.remove_prefix(8); !png.empty();) {
    const std::size_t n = u32(png);
    const std::string_view type = png.substr(4, 4), data = png.substr(8, n);
    REQUIRE(u32(png.substr(8 + n)) ==
            ::crc32(0, reinterpret_cast<const Bytef*>(png.data() + 4), static_cast<uInt>(n + 4)));
    types += std::string(type) + " ";
    (type == "IHDR" ? header : deflated) += data;
    png.remove_prefix(12 + n);
  }
  REQUIRE(types == "IHDR IDAT IEND ");
  REQUIRE(header.size() == 13);
  const std::int64_t W = u32(header), H = u32(std::string_view(header).substr(4)), C = header[9] == 2 ? 3 : 1;
  REQUIRE(header[8] == 8);
  REQUIRE((header[9] == 0 || header[9] == 2));
  REQUIRE(header.substr(10) == std::string(3, '\0'));

  std::vector<unsigned char> rows(static_cast<std::size_t>(H * (W * C + 1)) + 1);
  uLongf size = rows.size();
  REQUIRE(::uncompress(rows.data(), &size, reinterpret_cast<const Bytef*>(deflated.data()),
                       deflated.size()) == Z_OK);
  REQUIRE(size == rows.size() - 1);
  Decoded out{Tensor({H, W, C}, DType::u8), {}};
  std::uint8_t* y = out.image.mutable_data<std::uint8_t>();
  const unsigned char* in = rows.data();
  for (std::int64_t h = 0; h < H; ++h) {
    out.filters.push_back(*in++);
    for (std::int64_t i = 0; i < W * C; ++i) {
      const auto at = [&](std::int64_t up, std::int64_t left) {
        return up > h || left > i ? 0 : static_cast<int>(y[(h - up) * W * C + i - left]);
      };
      const int a = at(0, C), b = at(1, 0), c = at(1, C);
      const int da = std::abs(b - c), db = std::abs(a - c), dc = std::abs(a + b - 2 * c);
      const int paeth = da <= db && da <= dc ? a : db <= dc ? b : c;
      const int predicted[] = {0, a, b, (a + b) / 2, paeth};
      REQUIRE(out.filters.back() < 5);
      y[h * W * C + i] = static_cast<std::uint8_t>(*in++ + predicted[out.filters.back()]);
    }
  }
  return out;
}

TEST_CASE("encode_png: a decoder gets the pixels back") {
  std::mt19937 random(0);
  for (const std::int64_t C : {1, 3})
    for (const auto& [H, W] : {std::pair{1, 1}, {1, 7}, {5, 1}, {28, 28}, {33, 65}}) {
      Tensor x({H, W, C}, DType::u8);
      for (std::int64_t i = 0; i < x.size(); ++i)
        x.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(random());
      CHECK(same(decode(encode_png(x)).image, x));
    }
}

/// The chunks of a PNG, whose lengths and checksums are right.
std::vector<std::pair<std::string, std::string>> chunks_of(std::string_view png) {
  std::vector<std::pair<std::string, std::string>> all;
  REQUIRE(png.substr(0, 8) == "\x89PNG\r\n\x1a\n");
  for (png.remove_prefix(8); !png.empty();) {
    const std::size_t n = u32(png);
    REQUIRE(u32(png.substr(8 + n)) ==
            ::crc32(0, reinterpret_cast<const Bytef*>(png.data() + 4), static_cast<uInt>(n + 4)));
    all.emplace_back(png.substr(4, 4), png.substr(8, n));
    png.remove_prefix(12 + n);
  }
  return all;
}

/// A PNG of the header and the pixels of one frame.
std::string still(const std::string& header, const std::string& data) {
  std::string png = "\x89PNG\r\n\x1a\n";
  for (const auto& [type, content] :
       {std::pair<std::string, std::string>{"IHDR", header}, {"IDAT", data}, {"IEND", ""}}) {
    const auto put = [&png](std::uint32_t v) {
      for (int shift = 24; shift >= 0; shift -= 8) png += static_cast<char>(v >> shift);
    };
    put(static_cast<std::uint32_t>(content.size()));
    const std::string body = type + content;
    png += body;
    put(static_cast<std::uint32_t>(
        ::crc32(0, reinterpret_cast<const Bytef*>(body.data()), static_cast<uInt>(body.size()))));
  }
  return png;
}

TEST_CASE("encode_apng: chunks in their order, counted through, and every frame comes back") {
  std::mt19937 random(0);
  for (const std::int64_t C : {1, 3})
    for (const std::size_t count : {1, 4}) {
      std::vector<Tensor> frames;
      for (std::size_t i = 0; i < count; ++i) {
        frames.emplace_back(Shape{6, 9, C}, DType::u8);
        for (std::int64_t k = 0; k < frames[i].size(); ++k)
          frames[i].mutable_data<std::uint8_t>()[k] = static_cast<std::uint8_t>(random());
      }
      const auto chunks = chunks_of(encode_apng(frames, 300));
      REQUIRE(chunks.size() == 3 + 2 * count);
      CHECK(chunks[0].first == "IHDR");
      CHECK(chunks[1] == std::pair<std::string, std::string>(
                             "acTL", std::string{0, 0, 0, static_cast<char>(count), 0, 0, 0, 0}));
      CHECK(chunks.back().first == "IEND");
      std::uint32_t number = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const auto& [control, how] = chunks[2 + 2 * i];
        const auto& [type, data] = chunks[3 + 2 * i];
        CHECK(control == "fcTL");
        REQUIRE(how.size() == 26);
        CHECK(u32(how) == number++);
        CHECK((u32(std::string_view(how).substr(4)) == 9 && u32(std::string_view(how).substr(8)) == 6));
        CHECK(how.substr(12) == std::string{0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 44, 0, 0});  // at (0,0), 1/300 s
        CHECK(type == (i == 0 ? "IDAT" : "fdAT"));
        if (i > 0) CHECK(u32(data) == number++);
        CHECK(same(decode(still(chunks[0].second, data.substr(i == 0 ? 0 : 4))).image, frames[i]));
      }
    }
  const Tensor one({2, 2, 1}, DType::u8);
  CHECK_THROWS_AS(encode_apng({}, 5), Error);
  CHECK_THROWS_AS(encode_apng({one}, 0), Error);
  CHECK_THROWS_AS(encode_apng({one, Tensor({2, 3, 1}, DType::u8)}, 5), Error);
}

TEST_CASE("encode_png: each filter is chosen where it predicts best, and none is wrong") {
  Tensor x({60, 31, 1}, DType::u8);
  std::uint8_t* p = x.mutable_data<std::uint8_t>();
  std::mt19937 random(0);
  for (int h = 0; h < 60; ++h)
    for (int w = 0; w < 31; ++w) {
      const int noise = static_cast<int>(random() % 251), up = h ? p[-31] : 0, left = w ? p[-1] : 0;
      const int corner = h && w ? p[-32] : 0;
      const int kinds[] = {noise % 2 ? 1 : 255, left + 1 + noise % 2, up + noise % 3,
                           (up + left) / 2 + noise % 2, std::max(up, left) == up ? up + left - corner : left};
      *p++ = static_cast<std::uint8_t>(kinds[h / 12] + (h % 12 == 0 ? noise : 0));
    }
  const Decoded d = decode(encode_png(x));
  CHECK(same(d.image, x));
  std::vector<int> used(5);
  for (const int f : d.filters) ++used[static_cast<std::size_t>(f)];
  for (const int n : used) CHECK(n > 0);

  Tensor smooth({256, 256, 3}, DType::u8);
  for (std::int64_t i = 0; i < smooth.size(); ++i)
    smooth.mutable_data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i / 768 / 2 + i / 3 % 256 / 2);
  CHECK(encode_png(smooth).size() < 4096);  // 196,608 bytes of pixels; unfiltered they deflate to 14,000
}

TEST_CASE("make_grid: the pixels of torchvision's picture") {
  const auto golden_tensors = load_safetensors(golden("grids.safetensors")).tensors;
  const Tensor &grey = golden_tensors.at("grey"), &rgb = golden_tensors.at("rgb");
  CHECK(same(make_grid(grey), golden_tensors.at("grey grid")));
  CHECK(same(make_grid(rgb, {.nrow = 3, .padding = 1, .pad_value = 0.4f, .value_range = {{-1.f, 1.f}}}),
             golden_tensors.at("rgb grid")));
  CHECK(same(make_grid(rgb.slice(0, 1)), golden_tensors.at("one grid")));
  CHECK(same(make_grid(rgb[0]), golden_tensors.at("one grid")));
  CHECK(same(make_grid(grey.slice(0, 3), {.nrow = 1, .padding = 0}), golden_tensors.at("column grid")));
}

TEST_CASE("make_grid: bytes, scale, and values that are no colours") {
  const Tensor x = Tensor::from<std::uint8_t>({10, 20, 30, 40}).reshape({2, 1, 2, 1});
  const Tensor grid = make_grid(x, {.padding = 1, .pad_value = 1, .scale = 2});
  CHECK(grid.shape() == Shape{6, 14, 1});
  const std::vector<std::uint8_t> row = {255, 255, 10, 10, 20, 20, 255, 255, 30, 30, 40, 40, 255, 255};
  const auto all = grid.to_vector<std::uint8_t>();
  CHECK(std::vector(all.begin() + 28, all.begin() + 42) == row);
  CHECK(std::vector(all.begin() + 42, all.begin() + 56) == row);
  CHECK(std::vector(all.begin(), all.begin() + 14) == std::vector<std::uint8_t>(14, 255));

  const float inf = std::numeric_limits<float>::infinity();
  CHECK(to_bytes(Tensor::from<float>({std::nanf(""), inf, -inf, 1e30f, 0.5f, 1 / 510.f, 0.99f / 510}))
            .to_vector<std::uint8_t>() == std::vector<std::uint8_t>{0, 255, 0, 255, 128, 1, 0});
}

TEST_CASE("save_image: a file with the grid; unsuitable tensors are refused") {
  const TempFolder folder;
  const Tensor x = Tensor::from<std::uint8_t>({10, 20, 30, 40}).reshape({4, 1, 1, 1});
  save_image(x, folder / "x.png", {.nrow = 3, .scale = 3});
  CHECK(same(decode(bytes_of(folder / "x.png")).image, make_grid(x, {.nrow = 3, .scale = 3})));

  CHECK_THROWS_AS(encode_png(Tensor({4, 4}, DType::u8)), Error);
  CHECK_THROWS_AS(encode_png(Tensor({4, 4, 2}, DType::u8)), Error);
  CHECK_THROWS_AS(encode_png(Tensor({0, 4, 1}, DType::u8)), Error);
  CHECK_THROWS_AS(encode_png(Tensor({4, 4, 1}, DType::f64)), Error);
  CHECK_THROWS_AS(make_grid(x, {.nrow = 0}), Error);
  CHECK_THROWS_AS(make_grid(x, {.padding = -1}), Error);
  CHECK_THROWS_AS(make_grid(x, {.scale = 0}), Error);
  CHECK_THROWS_AS(make_grid(x, {.value_range = {{0.f, 1.f}}}), Error);
  CHECK_THROWS_AS(make_grid(Tensor({1, 1, 1, 1}), {.value_range = {{1.f, 1.f}}}), Error);
  CHECK_THROWS_AS(save_image(x, folder / "no" / "x.png"), FileError);
}

}  // namespace
}  // namespace gesso::nn
