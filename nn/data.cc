#include "nn/data.h"

#include "nn/idx.h"

#include <cstdlib>
#include <optional>

namespace gesso::nn {
namespace {

namespace fs = std::filesystem;

struct KnownSet {
  std::string name;
  std::vector<std::string> folders;  // how its folder is called: by us, by Debian, by torchvision
  std::vector<std::string> class_names;
  std::string advice;
};

const std::vector<KnownSet>& known_sets() {
  static const std::vector<KnownSet> sets{
      {"fashion",
       {"fashion-mnist", "fashion", "FashionMNIST/raw"},
       {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot"},
       "install it by `apt install dataset-fashion-mnist`, or set GESSO_DATA to the folder that has it"},
      {"mnist",
       {"mnist", "MNIST/raw"},
       {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
       "set GESSO_DATA to the folder that has it, or try --data fashion"}};
  return sets;
}

const KnownSet* known(const std::string& data) {
  for (const KnownSet& s : known_sets())
    if (s.name == data) return &s;
  return nullptr;
}

/// The file of `folder` that is called STEM-idxD-ubyte or STEM.idxD-ubyte, plain or compressed.
std::optional<fs::path> idx_file(const fs::path& folder, const std::string& stem, const std::string& kind) {
  for (const char* separator : {"-", "."})
    for (const char* suffix : {"", ".gz"}) {
      const fs::path file = folder / (stem + separator + kind + suffix);
      std::error_code ignored;  // a folder that cannot be looked into has no file
      if (fs::is_regular_file(file, ignored)) return file;
    }
  return std::nullopt;
}

}  // namespace

std::vector<fs::path> image_folders(const std::string& data) {
  const KnownSet* set = known(data);
  if (!set) return {data};
  std::vector<fs::path> folders;
  const auto add_below = [&](const fs::path& root) {
    for (const std::string& name : set->folders) folders.push_back(root / name);
  };
  if (const char* root = std::getenv("GESSO_DATA"); root && *root) {
    add_below(root);
    folders.emplace_back(root);
  }
  add_below("/usr/share/datasets");
  add_below("data");
  return folders;
}

ImageSet load_images(const std::string& data, Split split) {
  const KnownSet* set = known(data);
  const std::string stem = split == Split::train ? "train" : "t10k";
  const std::vector<fs::path> folders = image_folders(data);
  for (const fs::path& folder : folders) {
    const std::optional<fs::path> images = idx_file(folder, stem + "-images", "idx3-ubyte");
    if (!images) continue;
    ImageSet found{data, {}, {}, set ? set->class_names : std::vector<std::string>{}, folder};
    if (const std::optional<fs::path> labels = idx_file(folder, stem + "-labels", "idx1-ubyte")) {
      LabelledImages both = read_idx_images(*images, *labels);
      found.images = std::move(both.images);
      found.labels = std::move(both.labels);
    } else {
      const Tensor x = read_idx(*images);
      check(x.rank() == 3 && x.dtype() == DType::u8, "{}: not images (N,H,W) of bytes, but {} {}",
            images->string(), name(x.dtype()), x.shape());
      found.images = x.reshape({x.dim(0), x.dim(1), x.dim(2), 1});
    }
    return found;
  }
  std::string looked;
  for (const fs::path& folder : folders) looked += (looked.empty() ? "" : ", ") + folder.string();
  throw Error("no data \"{}\": looked for {}-images-idx3-ubyte[.gz] in {}; {}", data, stem, looked,
              set ? set->advice : "give a folder that has it, or the name of a known set (fashion, mnist)");
}

}  // namespace gesso::nn
