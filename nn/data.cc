#include "nn/data.h"

#include "nn/cifar.h"
#include "nn/idx.h"
#include "nn/moving.h"
#include "nn/picture_folder.h"
#include "nn/sprites.h"

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

namespace gesso::nn {

class Unpacking {
 public:
  explicit Unpacking(const std::filesystem::path& file) : thread_([this, file] { run(file); }) {}
  ~Unpacking() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    thread_.join();
  }

  /// (N,H,W,1), as soon as the shape is known; the pixels come later.
  Tensor images() {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [this] { return images_.defined() || failure_; });
    if (!images_.defined()) std::rethrow_exception(failure_);
    return images_;
  }
  void wait_for(std::int64_t n) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return there_ >= n || failure_; });
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  void run(const std::filesystem::path& file) {
    try {
      const Tensor all =
          read_idx(file, [&](const Tensor& x, std::int64_t elements) { take(file, x, elements); });
      check(all.dtype() == DType::u8, "{}: not bytes, but {}", file.string(), name(all.dtype()));
      const std::lock_guard lock(mutex_);
      there_ = all.dim(0);  // only now is the file known to be well to its end
    } catch (...) {
      const std::lock_guard lock(mutex_);
      failure_ = std::current_exception();
    }
    arrived_.notify_all();
  }

  void take(const std::filesystem::path& file, const Tensor& x, std::int64_t elements) {
    check(x.rank() == 3, "{}: not images (N,H,W), but {}", file.string(), x.shape());
    const std::lock_guard lock(mutex_);
    check(!stopping_, "{}: nobody needs the rest", file.string());
    images_ = x.reshape({x.dim(0), x.dim(1), x.dim(2), 1});
    if (x.size() > 0) there_ = std::min(elements / (x.dim(1) * x.dim(2)), x.dim(0) - 1);
    arrived_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  Tensor images_;
  std::int64_t there_ = 0;
  std::exception_ptr failure_;
  bool stopping_ = false;
  std::thread thread_;
};

void ImageSet::wait_for(std::int64_t n) const {
  if (unpacking) unpacking->wait_for(n);
}

namespace {

namespace fs = std::filesystem;

struct KnownSet {
  std::string name;
  std::vector<std::string> folders;  // how its folder is called: by us, by Debian, by torchvision
  std::vector<std::string> class_names;
  std::string advice, instead;  // where there is none: what to do, and which set to take in its place
};

const std::vector<KnownSet>& known_sets() {
  static const std::vector<KnownSet> sets{
      {"fashion",
       {"fashion-mnist", "fashion", "FashionMNIST/raw"},
       {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag",
        "Ankle boot"},
       "install it by `apt install dataset-fashion-mnist`, or set GESSO_DATA to the folder that has it",
       ""},
      {"mnist",
       {"mnist", "MNIST/raw"},
       {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
       "set GESSO_DATA to the folder that has it",
       "fashion"},
      {"cifar10",
       {"cifar10", "cifar-10-batches-bin"},
       {},
       "set GESSO_DATA to the folder that has cifar-10-batches-bin (the binary version)",
       "sprites"}};
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

/// The set that moving digits are made from, for "moving" or "moving:SET".
std::optional<std::string> moving_from(const std::string& data) {
  const std::string prefix = "moving:";
  if (data == "moving") return "mnist";
  return data.starts_with(prefix) ? std::optional(data.substr(prefix.size())) : std::nullopt;
}

/// Images (N,H,W,1) from the IDX files of a folder, if it has them.
std::optional<ImageSet> load_idx(const fs::path& folder, Split split) {
  const std::string stem = split == Split::train ? "train" : "t10k";
  const std::optional<fs::path> images = idx_file(folder, stem + "-images", "idx3-ubyte");
  if (!images) return std::nullopt;
  auto unpacking = std::make_shared<Unpacking>(*images);
  ImageSet found{.name = {}, .images = unpacking->images(), .folder = folder, .unpacking = unpacking};
  if (const std::optional<fs::path> labels = idx_file(folder, stem + "-labels", "idx1-ubyte")) {
    const Tensor y = read_idx(*labels);
    check(y.dtype() == DType::u8 && y.shape() == Shape{found.size()}, "{}: {} {} are no labels of {} images",
          labels->string(), name(y.dtype()), y.shape(), found.size());
    found.labels = y.to(DType::i64);
  }
  return found;
}

}  // namespace

bool has_name(const std::string& data) { return known(data) || moving_from(data) || sprite_options(data); }

std::vector<fs::path> image_folders(const std::string& data) {
  const KnownSet* set = known(data);
  if (!set) return has_name(data) ? std::vector<fs::path>{} : std::vector{sized_folder(data).folder};
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

namespace {

/// `prefix` is what stands before `data` on the command line: "moving:" where films are made of it.
ImageSet load_images(const std::string& data, Split split, const std::string& prefix) {
  if (const auto options = sprite_options(data)) return sprites(*options, split);
  if (const auto from = moving_from(data)) return moving(load_images(*from, split, "moving:"), {}, split);
  const KnownSet* set = known(data);
  const std::vector<fs::path> folders = image_folders(data);
  for (const fs::path& folder : folders) {
    std::optional<ImageSet> found = load_idx(folder, split);
    if (!found) found = load_cifar10(folder, split);
    if (!found && !set) found = load_picture_folder(folder, split, sized_folder(data).size);
    if (!found) continue;
    found->name = data;
    if (set && !set->class_names.empty()) found->class_names = set->class_names;
    return *found;
  }
  std::string looked;
  for (const fs::path& folder : folders) looked += (looked.empty() ? "" : ", ") + folder.string();
  const std::string other = set && !set->instead.empty() ? ", or try --data " + prefix + set->instead : "";
  throw Error(
      "no data \"{}\": looked for {}CIFAR-10's .bin files and {}-images-idx3-ubyte[.gz] in {}; {}{}", data,
      set ? "" : "PNG and JPEG pictures, ", split == Split::train ? "train" : "t10k", looked,
      set ? set->advice
          : "give a folder that has some, or the name of a set (fashion, mnist, cifar10, sprites, moving)",
      other);
}

}  // namespace

ImageSet load_images(const std::string& data, Split split) { return load_images(data, split, ""); }

}  // namespace gesso::nn
