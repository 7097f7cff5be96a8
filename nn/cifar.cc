#include "nn/cifar.h"

#include "nn/file.h"

namespace gesso::nn {
namespace {

constexpr std::int64_t kSide = 32, kPixels = kSide * kSide, kRecord = 1 + 3 * kPixels;

std::vector<std::filesystem::path> batch_files(const std::filesystem::path& folder, Split split) {
  std::vector<std::filesystem::path> files;
  const auto add = [&](const std::string& name) {
    std::error_code ignored;  // a folder that cannot be looked into has no file
    if (std::filesystem::is_regular_file(folder / name, ignored)) files.push_back(folder / name);
  };
  if (split == Split::test) add("test_batch.bin");
  if (split == Split::train)
    for (int i = 1; i <= 5; ++i) add("data_batch_" + std::to_string(i) + ".bin");
  return files;
}

/// Reads all records of a file to x (n,32,32,3) and label (n).
void read_records(InputFile& file, std::uint8_t* x, std::int64_t* label) {
  std::vector<std::uint8_t> record(kRecord);
  for (std::int64_t i = 0; i < file.size() / kRecord; ++i) {
    file.read(record.data(), record.size());
    label[i] = record[0];
    if (label[i] > 9)
      throw FileError(file.path(), i * kRecord, fmt::format("label {}; CIFAR-10 has 0 to 9", label[i]));
    for (std::int64_t p = 0; p < kPixels; ++p)
      for (std::int64_t c = 0; c < 3; ++c)
        x[(i * kPixels + p) * 3 + c] = record[static_cast<std::size_t>(1 + c * kPixels + p)];
  }
}

}  // namespace

std::optional<ImageSet> load_cifar10(const std::filesystem::path& folder, Split split) {
  std::vector<InputFile> files;
  std::int64_t n = 0;
  for (const std::filesystem::path& path : batch_files(folder, split)) {
    const std::int64_t size = files.emplace_back(path).size();
    if (size == 0 || size % kRecord != 0)
      throw FileError(path, FileError::kWhole, fmt::format("{} bytes are no records of {}", size, kRecord));
    n += size / kRecord;
  }
  if (n == 0) return std::nullopt;
  ImageSet set{.name = "cifar10",
               .images = Tensor({n, kSide, kSide, 3}, DType::u8),
               .labels = Tensor({n}, DType::i64),
               .class_names = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse",
                               "ship", "truck"},
               .folder = folder};
  std::uint8_t* x = set.images.mutable_data<std::uint8_t>();
  std::int64_t* label = set.labels.mutable_data<std::int64_t>();
  for (InputFile& file : files) {
    read_records(file, x, label);
    x += file.size() / kRecord * 3 * kPixels;
    label += file.size() / kRecord;
  }
  return set;
}

}  // namespace gesso::nn
