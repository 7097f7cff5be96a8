#include "nn/npy.h"

#include "tests/nn/files.h"

#include <cstring>
#include <vector>

namespace gesso::nn {
namespace {

bool same(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && std::memcmp(a.raw(), b.raw(), a.bytes()) == 0;
}

/// A version 1.0 file with this dictionary.
std::string file_of(const std::string& dict, std::size_t data_bytes, int version = 1) {
  std::string bytes = "\x93NUMPY";
  bytes +=
      {static_cast<char>(version), 0, static_cast<char>(dict.size()), static_cast<char>(dict.size() >> 8)};
  if (version > 1) bytes += std::string(2, '\0');
  return bytes + dict + std::string(data_bytes, '\1');
}

TEST_CASE("npy: what NumPy wrote, and the same bytes written again") {
  const TempFolder folder;
  const std::vector<std::pair<const char*, Tensor>> files = {
      {"f4.npy", Tensor::from<float>({0, 0.25f, 0.5f, 0.75f, 1, 1.25f}).reshape({2, 3})},
      {"f8_scalar.npy", Tensor::from<double>({1. / 3}).reshape({})},
      {"i8.npy", Tensor::from<std::int64_t>({-1, std::int64_t{1} << 62})},
      {"u1_empty.npy", Tensor({3, 0, 2}, DType::u8)},
      {"b1.npy", Tensor::from<bool>({true, false}).reshape({2, 1})},
  };
  for (const auto& [name, x] : files) {
    CAPTURE(name);
    CHECK(same(load_npy(golden(name)), x));
    save_npy(folder / name, x);
    CHECK(bytes_of(folder / name) == bytes_of(golden(name)));
  }
}

TEST_CASE("npy: arrays that are not ours say why") {
  CHECK(file_error([] { load_npy(golden("fortran.npy")); })->reason.find("column-major") !=
        std::string::npos);
  CHECK(file_error([] { load_npy(golden("big_endian.npy")); })->reason.find("'>f4'") != std::string::npos);
}

TEST_CASE("npy: other versions and spellings") {
  const TempFolder folder;
  const auto path = folder / "x.npy";
  for (const int version : {1, 2, 3}) {
    put_bytes(path, file_of("{\"shape\":(2,1),\"fortran_order\":False,\"descr\":\"|u1\"}", 2, version));
    CHECK(load_npy(path).shape() == Shape{2, 1});
  }
  put_bytes(path, file_of("{'descr': '|u1', 'fortran_order': True, 'shape': (2,), }\n", 2));
  CHECK(load_npy(path).shape() == Shape{2});
}

TEST_CASE("npy: every check of the header") {
  const TempFolder folder;
  const auto path = folder / "x.npy";
  const std::string rest = "'fortran_order': False, ";
  const std::vector<std::pair<std::string, std::string>> all = {
      {"", "{ expected"},
      {"{'descr': '|u1', " + rest, "a string expected"},
      {"{'descr': '|u1', " + rest + "}", "missing"},
      {"{'descr': '|u1', 'descr': '|u1', " + rest + "'shape': (2,)}", "repeated"},
      {"{'descr': '|u1', 'flavour': '|u1', " + rest + "'shape': (2,)}", "unknown"},
      {"{'descr': '|u1', " + rest + "'shape': (2)}", "',' expected"},
      {"{'descr': '|u1', " + rest + "'shape': (2 1)}", "',' expected"},
      {"{'descr': '|u1', " + rest + "'shape': (-2,)}", "number expected"},
      {"{'descr': '|u1', " + rest + "'shape': (1,1,1,1,1,1,2)}", "more than 6"},
      {"{'descr': '|u1', " + rest + "'shape': (02,)}", "leading zeros"},
      {"{'descr': '|u1', " + rest + "'shape': (99999999999999999999,)}", "overflows"},
      {"{'descr': '|u1', " + rest + "'shape': (4294967296,4294967296)}", "overflows"},
      {"{'descr': '|u1', " + rest + "'shape': (4294967296,4294967296,0)}", "overflows"},
      {"{'descr': '<f8', " + rest + "'shape': (1152921504606846976,)}", "overflows"},
      {"{'descr': '|u1', " + rest + "'shape': (2,)} x", "text after"},
      {"{'descr': '|u1' 'shape': (2,), " + rest + "}", "',' or '}' expected"},
      {"{'descr': '|u1, " + rest + "}", "',' or '}' expected"},
      {"{'descr': '|u1', 'fortran_order': 0, 'shape': (2,)}", "False expected"},
      {"{'descr': '|O', " + rest + "'shape': (2,)}", "'|O' is not supported"},
      {"{'descr': '|u1', " + rest + "'shape': (3,)}", "is 3 bytes, but 2 follow"},
      {"{'descr': '|u1', " + rest + "'shape': (1,)}", "is 1 bytes, but 2 follow"},
  };
  for (const auto& [dict, reason] : all) {
    put_bytes(path, file_of(dict, 2));
    CAPTURE(dict);
    const auto error = file_error([&] { load_npy(path); });
    REQUIRE(error.has_value());
    CHECK_MESSAGE(error->reason.find(reason) != std::string::npos, error->reason);
    CHECK(error->offset >= 10);
  }
  put_bytes(path, file_of("{'descr': '|b1', " + rest + "'shape': (2,)}", 1) + "\2");
  CHECK(file_error([&] { load_npy(path); })->reason.find("neither 0 nor 1") != std::string::npos);
}

TEST_CASE("npy: truncations, flipped bits and absurd sizes") {
  const TempFolder folder;
  const auto path = folder / "x.npy";
  const Tensor x = Tensor::from<float>({1, 2, 3}).reshape({3, 1});
  const auto load = [&] { load_npy(path); };
  save_npy(path, x);
  const std::string bytes = bytes_of(path);
  check_truncations(path, bytes, load);
  int unnoticed = 0;
  each_bit_flip(path, bytes, [&](std::size_t, int) {
    Tensor loaded;
    unnoticed += !file_error([&] { loaded = load_npy(path); }) && same(loaded, x);
  });
  CHECK(unnoticed == 0);
  put_bytes(path, file_of("{'descr': '<f4', 'fortran_order': False, 'shape': (1073741824,)}", 4));
  CHECK(fails_within(16 << 20, load));
  put_bytes(path, std::string("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14));
  CHECK(fails_within(16 << 20, load));
}

}  // namespace
}  // namespace gesso::nn
