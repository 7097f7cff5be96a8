#include "nn/safetensors.h"

#include "tests/nn/files.h"

#include <algorithm>
#include <cstring>
#include <random>
#include <vector>

namespace gesso::nn {
namespace {

std::string file_of(std::string_view header, std::size_t data_bytes) {
  std::string bytes(8, '\0');
  const std::uint64_t N = header.size();
  std::memcpy(bytes.data(), &N, 8);
  bytes += header;
  for (std::size_t i = 0; i < data_bytes; ++i) bytes += static_cast<char>(i % 2);
  return bytes;
}

Safetensors sample() {
  Safetensors s;
  s.tensors["fc.weight"] = Tensor::from<float>({1.5f, -2.f, 0.f}).reshape({3, 1});
  s.tensors["n"] = Tensor::from<std::int64_t>({-7}).reshape({});
  s.tensors["mask"] = Tensor::from<bool>({true, false, true});
  s.tensors["none"] = Tensor({2, 0}, DType::f64);
  s.metadata = {{"step", "12"}, {"model", "mlp-vae"}};
  return s;
}

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}
bool same(const Safetensors& a, const Safetensors& b) {
  const auto equal = [](const auto& x, const auto& y) {
    return x.first == y.first && same(x.second, y.second);
  };
  return a.metadata == b.metadata &&
         std::equal(a.tensors.begin(), a.tensors.end(), b.tensors.begin(), b.tensors.end(), equal);
}

TEST_CASE("safetensors: what was saved is loaded") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  for (const bool checksums : {false, true}) {
    save_safetensors(path, sample(), {.checksums = checksums});
    CHECK(same(load_safetensors(path), sample()));
    std::uint64_t N = 0;
    std::memcpy(&N, bytes_of(path).data(), 8);
    CHECK(N % 8 == 0);
    CHECK((bytes_of(path).find("crc32c:fc.weight") != std::string::npos) == checksums);
  }
  save_safetensors(path, {});
  CHECK(same(load_safetensors(path), {}));
}

TEST_CASE("safetensors: byte for byte what the Python package writes, and its content") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  const Safetensors python = load_safetensors(golden("types.safetensors"));
  CHECK(python.metadata == std::map<std::string, std::string>{{"format", "pt"}});
  CHECK(same(python.tensors.at("fc1.weight"),
             Tensor::from<float>({0, 0.25f, 0.5f, 0.75f, 1, 1.25f}).reshape({2, 3})));
  CHECK(same(python.tensors.at("fc1.bias"), Tensor::from<float>({-1.5f, 0})));
  CHECK(same(python.tensors.at("double"), Tensor::from<double>({1. / 3, 1e300}).reshape({2, 1})));
  CHECK(same(python.tensors.at("steps"), Tensor::from<std::int64_t>({-1, std::int64_t{1} << 62})));
  CHECK(same(python.tensors.at("pixels"), Tensor::from<std::uint8_t>({0, 128, 255})));
  CHECK(same(python.tensors.at("mask"), Tensor::from<bool>({true, false})));
  CHECK(same(python.tensors.at("scalar"), Tensor::from<float>({2.5f}).reshape({})));
  CHECK(same(python.tensors.at("empty"), Tensor({3, 0, 2})));
  CHECK(same(python.tensors.at("sch\u00f6n \"quoted\"\\\t\x01"), Tensor::from<std::uint8_t>({7})));
  save_safetensors(path, python);
  CHECK(bytes_of(path) == bytes_of(golden("types.safetensors")));
}

TEST_CASE("safetensors: a header may describe types that no tensor can hold") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  put_bytes(path, file_of(R"({"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}})", 16));
  CHECK(bytes_of(path).substr(0, 8) == std::string("\x3c\0\0\0\0\0\0\0", 8));
  InputFile vector(path);
  const SafetensorsHeader header = read_safetensors_header(vector);
  REQUIRE(header.tensors.size() == 1);
  CHECK(header.tensors[0].name == "test");
  CHECK(header.tensors[0].dtype == "I32");
  CHECK(header.tensors[0].shape == Shape{2, 2});
  CHECK(header.tensors[0].end == 16);
  const auto error = file_error([&] { load_safetensors(path); });
  REQUIRE(error);
  CHECK(error->offset == 68);
  CHECK(error->reason == "safetensors: \"test\" has dtype I32, which is not supported");

  InputFile foreign(golden("foreign.safetensors"));
  CHECK(read_safetensors_header(foreign).tensors[1].dtype == "BF16");
  CHECK(file_error([&] { load_safetensors(golden("foreign.safetensors")); }).has_value());
}

TEST_CASE("safetensors: legal though unusual") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  const auto loads = [&](std::string_view header, std::size_t data) {
    put_bytes(path, file_of(header, data));
    return load_safetensors(path);
  };
  CHECK(loads("{}", 0).tensors.empty());
  CHECK(loads(" \n\t{ }\r ", 0).tensors.empty());
  CHECK(loads(R"({"__metadata__":{}})", 0).metadata.empty());
  CHECK(loads(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}})", 1).tensors.at("a").rank() == 0);
  // Data in another order than the names, fields in another order, white space.
  const auto two = loads(R"( {"b" : {"shape":[1], "data_offsets":[2,3],"dtype":"U8"},
                             "a" : {"data_offsets":[0,2],"dtype":"U8","shape":[2]} } )",
                         3);
  CHECK(same(two.tensors.at("a"), Tensor::from<std::uint8_t>({0, 1})));
  CHECK(same(two.tensors.at("b"), Tensor::from<std::uint8_t>({0})));
  const auto escaped = loads(R"({"__metadata__":{"\u00e9\ud83d\ude00\/\"\\\b\f\n\r\t\u20AC":"\u0041"}})", 0);
  CHECK(escaped.metadata.begin()->first == "\u00e9\U0001f600/\"\\\b\f\n\r\t\u20ac");
  CHECK(escaped.metadata.begin()->second == "A");
}

struct Broken {
  std::string header;
  std::size_t data;
  std::int64_t offset;  // of the blame
  std::string reason;   // a part of it
};

TEST_CASE("safetensors: every check of the header, with the byte to blame") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"({"a":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}}";
  };
  const std::string one = R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]})";
  const std::string bytes = R"("dtype":"U8","shape":[1])";
  const std::vector<Broken> all = {
      {"", 0, 8, "'{' expected"},
      {"\xef\xbb\xbf{}", 0, 8, "'{' expected"},  // a byte order mark
      {"[]", 0, 8, "'{' expected"},
      {"{\"\xff\":1}", 0, 10, "not UTF-8"},
      {"{\"\xc0\xaf\":1}", 0, 10, "not UTF-8"},          // overlong
      {"{\"\xed\xa0\x80\":1}", 0, 10, "not UTF-8"},      // a surrogate
      {"{\"\xf4\x90\x80\x80\":1}", 0, 10, "not UTF-8"},  // above U+10FFFF
      {"{} x", 0, 11, "text after"},
      {std::string("{}\0{", 4), 0, 10, "text after"},  // some JSON parsers take NUL for the end
      {"{,}", 0, 9, "'\"' expected"},
      {"{\"a\":1}", 0, 13, "'{' expected"},
      {"{\"a", 0, 11, "a string that does not end"},
      {"{\"a\n\":{}}", 0, 11, "control character"},
      {R"({"\x":{}})", 0, 11, "unknown escape"},
      {R"({"\ud800":{}})", 0, 16, "surrogate"},
      {R"({"\ud800\u0041":{}})", 0, 22, "surrogate"},
      {R"({"\udc00":{}})", 0, 16, "surrogate"},
      {R"({"\u12g4":{}})", 0, 14, "hexadecimal"},
      {"{" + one + "," + one + "}", 1, 65, "duplicate key \"a\""},
      {"{" + one + R"(,"\u0061":{}})", 1, 70, "duplicate key \"a\""},
      {"{" + one + ",}", 1, 61, "'\"' expected"},
      {R"({"__metadata__":{"k":"1","k":"2"}})", 0, 40, "duplicate metadata key"},
      {R"({"__metadata__":{"k":1}})", 0, 29, "'\"' expected"},
      {R"({"__metadata__":{},"__metadata__":{}})", 0, 42, "duplicate key"},
      {R"({"a":{)" + bytes + "}}", 1, 39, "lacks"},
      {R"({"a":{)" + bytes + R"(,"dtype":"U8","data_offsets":[0,1]}})", 1, 47, "twice"},
      {R"({"a":{)" + bytes + R"(,"color":"red","data_offsets":[0,1]}})", 1, 47, "unknown field"},
      {R"({"a":{)" + bytes + R"(,"data_offsets":[0]}})", 1, 57, "less than two"},
      {R"({"a":{)" + bytes + R"(,"data_offsets":[0,1,2]}})", 1, 60, "more than two"},
      {tensor("U8", "[-1]", "[0,1]"), 1, 36, "number"},
      {tensor("U8", "[1.0]", "[0,1]"), 1, 37, "']' expected"},
      {tensor("U8", "[1e0]", "[0,1]"), 1, 37, "']' expected"},
      {tensor("U8", "[01]", "[0,1]"), 1, 38, "leading zeros"},
      {tensor("U8", "[1", "[0,1]"), 1, 38, "number"},
      {tensor("U8", "[1,1,1,1,1,1,1]", "[0,1]"), 1, 49, "more than 6 dimensions"},
      {tensor("U8", "[9223372036854775808]", "[0,1]"), 1, 54, "overflows"},
      {tensor("U8", "[1]", "[0,99999999999999999999]"), 1, 75, "overflows"},
      {tensor("U8", "[4294967296,4294967296]", "[0,0]"), 0, 81, "overflows"},
      {tensor("U8", "[4294967296,4294967296,0]", "[0,0]"), 0, 83, "overflows"},
      {tensor("F64", "[2305843009213693952]", "[0,0]"), 0, 80, "overflows"},
      {tensor("F33", "[1]", "[0,4]"), 4, 62, "unknown dtype \"F33\""},
      {tensor("F4", "[1]", "[0,0]"), 0, 61, "not a whole number of bytes"},
      {tensor("F32", "[1]", "[0,3]"), 3, 62, "needs 4 bytes"},
      {tensor("U8", "[]", "[0,0]"), 0, 60, "needs 1 bytes"},
      {tensor("U8", "[1]", "[1,0]"), 1, 61, "gap or an overlap"},
      {tensor("U8", "[1]", "[1,2]"), 2, 61, "gap or an overlap"},
      {tensor("U8", "[0]", "[1,1]"), 1, 61, "gap or an overlap"},
      {R"({"a":{)" + bytes + R"(,"data_offsets":[0,1]},"b":{)" + bytes + R"(,"data_offsets":[0,1]}})", 1, 114,
       "overlap"},
      {R"({"a":{)" + bytes + R"(,"data_offsets":[0,1]},"b":{)" + bytes + R"(,"data_offsets":[2,3]}})", 3, 114,
       "gap"},
      {tensor("U8", "[1]", "[0,1]"), 2, 62, "2 bytes of data where the header describes 1"},
      {tensor("U8", "[1]", "[0,1]"), 0, 61, "0 bytes of data where the header describes 1"},
      {tensor("BOOL", "[4]", "[0,4]"), 4, 63, "neither 0 nor 1"},
  };
  for (const Broken& b : all) {
    std::string bytes_with_two = file_of(b.header, b.data);
    if (b.reason == "neither 0 nor 1") bytes_with_two.back() = 2;
    put_bytes(path, bytes_with_two);
    CAPTURE(b.header);
    const auto error = file_error([&] { load_safetensors(path); });
    REQUIRE(error.has_value());
    CHECK(error->file == path);
    CHECK_MESSAGE(error->reason.find(b.reason) != std::string::npos, error->reason);
    CHECK_MESSAGE(error->offset == b.offset, error->reason);
  }
}

TEST_CASE("safetensors: absurd header lengths and sizes take no memory") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  const auto load = [&] { load_safetensors(path); };
  for (const std::uint64_t N : {std::uint64_t{3}, std::uint64_t{100'000'000}, std::uint64_t{100'000'001},
                                std::uint64_t{1} << 63, ~std::uint64_t{0}, ~std::uint64_t{0} - 7}) {
    std::string bytes = file_of("{}", 0);
    std::memcpy(bytes.data(), &N, 8);
    put_bytes(path, bytes);
    CAPTURE(N);
    CHECK(fails_within(16 << 20, load));  // 16 MiB: a few blocks of the allocator, far from what is claimed
    CHECK(file_error(load)->offset == 0);
  }
  put_bytes(path, file_of(R"({"a":{"dtype":"F32","shape":[268435456],"data_offsets":[0,1073741824]}})", 16));
  CHECK(fails_within(16 << 20, load));
  // Headers that a general JSON parser would blow up.
  std::string numbers(8 << 20, '1');
  for (std::size_t i = 1; i < numbers.size(); i += 2) numbers[i] = ',';
  put_bytes(path, file_of(R"({"a":{"dtype":"U8","data_offsets":[0,1],"shape":[)" + numbers + "]}}", 1));
  CHECK(fails_within((8 << 20) + (16 << 20), load));
  put_bytes(path, file_of("{\"a\":" + std::string(8 << 20, '['), 0));
  CHECK(fails_within((8 << 20) + (16 << 20), load));
}

TEST_CASE("safetensors: each truncation is an error") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  for (const bool checksums : {false, true}) {
    save_safetensors(path, sample(), {.checksums = checksums});
    const std::string bytes = bytes_of(path);
    check_truncations(path, bytes, [&] { load_safetensors(path); });
    put_bytes(path, bytes + '\0');
    CHECK(file_error([&] { load_safetensors(path); }).has_value());
  }
}

TEST_CASE(
    "safetensors: each flipped bit is an error with checksums, an error or a visible difference without") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  for (const bool checksums : {false, true}) {
    save_safetensors(path, sample(), {.checksums = checksums});
    each_bit_flip(path, bytes_of(path), [&](std::size_t byte, int bit) {
      CAPTURE(byte);
      CAPTURE(bit);
      Safetensors loaded;
      const bool refused = file_error([&] { loaded = load_safetensors(path); }).has_value();
      REQUIRE((refused || (!checksums && !same(loaded, sample()))));
    });
  }
}

TEST_CASE("safetensors: a tensor taken away together with its checksum is noticed") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  Safetensors s;
  s.tensors["a"] = Tensor::from<std::uint8_t>({1});
  s.tensors["b"] = Tensor({0}, DType::u8);
  save_safetensors(path, s, {.checksums = true});
  std::string bytes = bytes_of(path);
  const auto blank = [&](const std::string& part) {
    REQUIRE(bytes.find(part) != std::string::npos);
    bytes.replace(bytes.find(part), part.size(), part.size(), ' ');
  };
  blank(R"(,"crc32c:b":"00000000")");
  put_bytes(path, bytes);
  CHECK(file_error([&] { load_safetensors(path); })->reason.find("checksum of \"b\"") != std::string::npos);
  blank(R"(,"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]})");
  put_bytes(path, bytes);
  CHECK(file_error([&] { load_safetensors(path); })->reason.find("\"__metadata__\"") != std::string::npos);
}

TEST_CASE("safetensors: random damage never does more than throw") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  std::mt19937 random(1);
  const std::string whole = bytes_of(golden("types.safetensors"));
  int refused = 0;
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = whole;
    for (int k = 0; k < 4; ++k) {
      const std::size_t at = random() % bytes.size(), n = random() % 9;
      if (random() % 2)
        bytes.replace(at, n, bytes.substr(random() % bytes.size(), random() % 9));
      else
        bytes[at] = static_cast<char>(random());
    }
    put_bytes(path, bytes);
    refused += file_error([&] { load_safetensors(path); }).has_value();
  }
  CHECK(refused > 2000);
}

TEST_CASE("save_safetensors: what no file may say") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  const Tensor x({1});
  CHECK_THROWS_AS(save_safetensors(path, {.tensors = {{"__metadata__", x}}}), Error);
  CHECK_THROWS_AS(save_safetensors(path, {.tensors = {{"\xff", x}}}), Error);
  CHECK_THROWS_AS(save_safetensors(path, {.tensors = {{"a", Tensor()}}}), Error);
  CHECK_THROWS_AS(save_safetensors(path, {.metadata = {{"crc32c:a", ""}}}), Error);
  CHECK(folder.entries() == 0);
}

}  // namespace
}  // namespace gesso::nn
