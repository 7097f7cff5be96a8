#include "nn/data.h"

#include "tests/nn/golden.h"

#include <zlib.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <numeric>
#include <set>

namespace gesso::nn {
namespace {

/// Sets an environment variable for as long as it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    if (const char* old = std::getenv(name)) before_ = old;
    ::setenv(name, value.c_str(), 1);
  }
  ~Environment() { before_ ? ::setenv(name_, before_->c_str(), 1) : ::unsetenv(name_); }

 private:
  const char* name_;
  std::optional<std::string> before_;
};

std::string idx(const std::vector<std::int64_t>& extents, std::string elements) {
  std::string bytes{0, 0, 8, static_cast<char>(extents.size())};
  for (const std::int64_t n : extents) bytes += std::string{0, 0, 0, static_cast<char>(n)};
  return bytes + elements;
}

void put_set(const std::filesystem::path& folder, char mark) {
  std::filesystem::create_directories(folder);
  put_bytes(folder / "train-images-idx3-ubyte", idx({2, 1, 3}, {mark, 1, 2, 3, 4, 5}));
  put_bytes(folder / "train-labels-idx1-ubyte", idx({2}, {7, 9}));
  put_bytes(folder / "t10k-images.idx3-ubyte", idx({1, 1, 3}, {mark, 8, 9}));
}

TEST_CASE("data: a folder of IDX files, with labels and without") {
  const TempFolder folder;
  put_set(folder.path(), 42);
  const ImageSet train = load_images(folder.path(), Split::train),
                 test = load_images(folder.path(), Split::test);
  train.wait_for(2), test.wait_for(1);
  CHECK(train.images.shape() == Shape{2, 1, 3, 1});
  CHECK(train.images.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{42, 1, 2, 3, 4, 5});
  CHECK(train.labels.to_vector<std::int64_t>() == std::vector<std::int64_t>{7, 9});
  CHECK(train.size() == 2);
  CHECK(train.folder == folder.path());
  CHECK(test.images.to_vector<std::uint8_t>() == std::vector<std::uint8_t>{42, 8, 9});
  CHECK_FALSE(test.labels);

  put_bytes(folder / "train-labels-idx1-ubyte", idx({3}, {7, 9, 1}));
  CHECK(error_of([&] {
          load_images(folder.path(), Split::train);
        }).ends_with("train-labels-idx1-ubyte: u8 (3) are no labels of 2 images"));
  put_bytes(folder / "train-images-idx3-ubyte", "xx");
  CHECK(file_error([&] { load_images(folder.path(), Split::train); }).has_value());
  put_bytes(folder / "t10k-images.idx3-ubyte", idx({3}, {1, 2, 3}));
  CHECK(error_of([&] { load_images(folder.path(), Split::test); }).ends_with("not images (N,H,W), but (3)"));
  put_bytes(folder / "t10k-images.idx3-ubyte", std::string("\0\0\x0d\3\0\0\0\1\0\0\0\1\0\0\0\1\0\0\0\0", 20));
  CHECK(error_of([&] { load_images(folder.path(), Split::test); }).ends_with("not bytes, but f32"));
}

TEST_CASE("data: images that are still being unpacked") {
  // 3 MB in steps of 256 KiB: images arrive in several pieces.
  const TempFolder folder;
  std::string pixels;
  for (int i = 0; i < 12'000; ++i) pixels += std::string(256, static_cast<char>(i));
  const std::string file = std::string("\0\0\x08\3\0\0\x2e\xe0\0\0\0\x10\0\0\0\x10", 16) + pixels;
  put_bytes(folder / "train-images-idx3-ubyte", file);
  {
    const ImageSet set = load_images(folder.path(), Split::train);
    CHECK(set.images.shape() == Shape{12'000, 16, 16, 1});
    for (const std::int64_t n : {1, 5000, 12'000}) {
      set.wait_for(n);
      CHECK(set.images.data<std::uint8_t>()[256 * n - 1] == static_cast<std::uint8_t>(n - 1));
    }
  }
  for (int i = 0; i < 20; ++i) load_images(folder.path(), Split::train);  // nobody waits

  // A damaged gzip file shows only after a while; what was good before it is not an error yet.
  const auto path = folder / "train-images-idx3-ubyte.gz";
  REQUIRE(std::filesystem::remove(folder / "train-images-idx3-ubyte"));
  gzFile gz = ::gzopen(path.c_str(), "wb0");
  REQUIRE(::gzwrite(gz, file.data(), static_cast<unsigned>(file.size())) == static_cast<int>(file.size()));
  ::gzclose(gz);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 300'000);
  const ImageSet set = load_images(folder.path(), Split::train);
  CHECK(file_error([&] { set.wait_for(12'000); }).has_value());
  Batches b(set, {.batch_size = 12'000, .prefetch = 1});
  CHECK(file_error([&] { b.next(); }).has_value());
}

TEST_CASE("data: a known set is looked for in GESSO_DATA first, its own folder before the whole") {
  const TempFolder root;
  const Environment data("GESSO_DATA", root.path());
  const std::vector<std::filesystem::path> folders = image_folders("mnist");
  REQUIRE(folders.size() >= 4);
  CHECK(folders[0] == root / "mnist");
  CHECK(folders[2] == root.path());
  CHECK(folders[3] == "/usr/share/datasets/mnist");
  CHECK(folders.back().parent_path().parent_path() == "data");

  put_set(root.path(), 1);
  const auto first_pixel = [](const ImageSet& set) {
    set.wait_for(1);
    return set.images.data<std::uint8_t>()[0];
  };
  const ImageSet found = load_images("mnist", Split::train);
  CHECK(first_pixel(found) == 1);
  CHECK(found.name == "mnist");
  CHECK(found.class_names.size() == 10);
  put_set(root / "mnist", 2);
  CHECK(first_pixel(load_images("mnist", Split::train)) == 2);
}

TEST_CASE("data: what is not there") {
  const TempFolder root;
  const Environment data("GESSO_DATA", root.path());
  const std::string folder = error_of([&] { load_images((root / "none").string(), Split::train); });
  CHECK(folder.find("train-images-idx3-ubyte[.gz] in " + (root / "none").string() + "; give a folder") !=
        std::string::npos);
  if (!std::filesystem::exists("/usr/share/datasets/mnist")) {
    const std::string message = error_of([] { load_images("mnist", Split::test); });
    CHECK(message.find("t10k-images-idx3-ubyte[.gz] in " + (root / "mnist").string()) != std::string::npos);
    CHECK(message.find("set GESSO_DATA") != std::string::npos);
  }
}

TEST_CASE("data: Fashion-MNIST, where Debian's package puts it") {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    MESSAGE("dataset-fashion-mnist is not installed: skipped");
    return;
  }
  const Environment data("GESSO_DATA", "");
  const ImageSet test = load_images("fashion", Split::test);
  CHECK(test.images.shape() == Shape{10000, 28, 28, 1});
  CHECK(test.folder == "/usr/share/datasets/fashion-mnist");
  std::vector<int> count(10);
  for (const std::int64_t label : test.labels.to_vector<std::int64_t>())
    ++count.at(static_cast<std::size_t>(label));
  CHECK(count == std::vector<int>(10, 1000));
  CHECK(test.class_names.at(9) == "Ankle boot");
}

TEST_CASE("data: floats of pixels are x / 255, correctly rounded") {
  std::vector<std::uint8_t> all(256);
  std::iota(all.begin(), all.end(), std::uint8_t{0});
  const Tensor x = Tensor::from(all, {256});
  const std::vector<float> unit = to_float(x).to_vector<float>(),
                           centred = to_float(x, -1, 1).to_vector<float>();
  for (int i = 0; i < 256; ++i) {
    CAPTURE(i);
    const float want = static_cast<float>(i) / 255.0f;
    CHECK(unit[static_cast<std::size_t>(i)] == want);
    CHECK(centred[static_cast<std::size_t>(i)] == (want - 0.5f) / 0.5f);  // torchvision's Normalize(0.5, 0.5)
  }
  CHECK(error_of([] { to_float(tensor::ones({1})); }) != "");
}

}  // namespace
}  // namespace gesso::nn
