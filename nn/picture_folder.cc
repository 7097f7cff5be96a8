#include "nn/picture_folder.h"

#include "nn/decode.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gesso::nn {

namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kUsualSize = 64;

/// Entries that `wanted` accepts, by name: folders list theirs in any order.
template <class F>
std::vector<fs::path> entries(const fs::path& folder, const F& wanted) {
  std::vector<fs::path> found;
  std::error_code wrong;  // a folder that cannot be looked into has nothing
  for (fs::directory_iterator it(folder, wrong), end; !wrong && it != end; it.increment(wrong))
    if (wanted(*it)) found.push_back(it->path());
  std::sort(found.begin(), found.end());
  return found;
}
std::vector<fs::path> pictures(const fs::path& folder) {
  return entries(folder,
                 [](const fs::directory_entry& e) { return e.is_regular_file() && is_picture(e.path()); });
}

struct Listing {
  std::vector<fs::path> files;
  std::vector<std::int64_t> labels;  // as many, or none
  std::vector<std::string> class_names;
};

Listing list(const fs::path& folder) {
  Listing all{pictures(folder), {}, {}};
  if (!all.files.empty()) return all;
  for (const fs::path& sub : entries(folder, [](const fs::directory_entry& e) { return e.is_directory(); })) {
    const std::vector<fs::path> files = pictures(sub);
    if (files.empty()) continue;
    all.files.insert(all.files.end(), files.begin(), files.end());
    all.labels.insert(all.labels.end(), files.size(), static_cast<std::int64_t>(all.class_names.size()));
    all.class_names.push_back(sub.filename().string());
  }
  return all;
}

/// Every tenth file for the tests, the others to learn from.
Listing part(const Listing& all, Split split) {
  Listing some{{}, {}, all.class_names};
  for (std::size_t i = 0; i < all.files.size(); ++i) {
    if ((i % 10 == 9) != (split == Split::test)) continue;
    some.files.push_back(all.files[i]);
    if (!all.labels.empty()) some.labels.push_back(all.labels[i]);
  }
  return some;
}

Listing find(const fs::path& folder, Split split) {
  const Listing test = list(folder / "test");
  if (test.files.empty()) return part(list(folder), split);
  if (split == Split::test) return test;
  const Listing train = list(folder / "train");
  return train.files.empty() ? list(folder) : train;
}

}  // namespace

std::optional<ImageSet> load_picture_folder(const fs::path& folder, Split split, std::int64_t size) {
  const Listing found = find(folder, split), learned = find(folder, Split::train);
  check(!found.files.empty() || learned.files.empty(),
        "{}: {} pictures are too few: every tenth is kept for tests, so 10 are the fewest; or put some into "
        "a subfolder "
        "\"test\"",
        folder.string(), learned.files.size());
  if (found.files.empty()) return std::nullopt;
  check(size >= 0 && size <= 1024, "{}: pictures of {} pixels; 1 to 1024 are possible", folder.string(),
        size);
  if (size == 0) {  // the same for both parts
    const Tensor first = read_picture((learned.files.empty() ? found : learned).files[0]);
    size = first.dim(0) == first.dim(1) && first.dim(0) <= 1024 ? first.dim(0) : kUsualSize;
  }
  const auto n = static_cast<std::int64_t>(found.files.size());
  ImageSet set{.name = folder.filename().string(),
               .images = Tensor({n, size, size, 3}, DType::u8),
               .class_names = found.class_names,
               .folder = folder};
  std::uint8_t* to = set.images.mutable_data<std::uint8_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    const Tensor y = square(read_picture(found.files[static_cast<std::size_t>(i)]), size);
    std::memcpy(to + i * y.size(), y.raw(), y.bytes());
  }
  if (!found.labels.empty()) set.labels = Tensor::from(found.labels, {n});
  return set;
}

SizedFolder sized_folder(const std::string& data) {
  const std::size_t at = data.rfind('@');
  std::int64_t size = 0;
  if (at == std::string::npos) return {data};
  const auto [rest, wrong] = std::from_chars(data.data() + at + 1, data.data() + data.size(), size);
  if (wrong != std::errc() || rest != data.data() + data.size()) return {data};
  check(size > 0, "data \"{}\": pictures of {} pixels; 1 to 1024 are possible", data, size);
  return {data.substr(0, at), size};
}

}  // namespace gesso::nn
