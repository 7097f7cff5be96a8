#include "models/dataset.h"

#include "models/model.h"
#include "nn/data.h"
#include "nn/idx.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace gesso::models {
namespace {

namespace fs = std::filesystem;

struct Known {
  const char *name, *folder, *package;
};
constexpr Known kKnown[] = {{"fashion", "fashion-mnist", "dataset-fashion-mnist"},
                            {"mnist", "mnist", nullptr}};

/// NAME-images-idx3-ubyte or the like in `folder`, unpacked or not; empty if there is none.
fs::path images_file(const fs::path& folder, const std::string& name) {
  for (const char* ending : {"-images-idx3-ubyte", "-images.idx3-ubyte", "-images-idx4-ubyte"})
    for (const char* packed : {"", ".gz"})
      if (fs::path file = folder / (name + ending + packed); fs::exists(file)) return file;
  return {};
}

DatasetFiles files_in(const fs::path& folder) {
  DatasetFiles found{images_file(folder, "train"), images_file(folder, "t10k")};
  for (const auto& [file, name] : {std::pair(found.train, "train"), {found.test, "t10k"}})
    check(!file.empty(), "{}: there is no {}-images-idx3-ubyte or {}-images-idx3-ubyte.gz in this folder",
          folder.string(), name, name);
  return found;
}

DatasetFiles find_known(const Known& known) {
  std::vector<fs::path> places;
  if (const char* root = std::getenv("GESSO_DATA"); root && *root)
    places = {fs::path(root) / known.folder, fs::path(root) / known.name};
  places.push_back(fs::path("/usr/share/datasets") / known.folder);
  for (const fs::path& place : places)
    if (fs::is_directory(place)) return files_in(place);
  const std::string help = known.package
                               ? fmt::format("install it with  sudo apt-get install {}", known.package)
                               : fmt::format(
                                     "put its four IDX files in a folder DIR and pass --data DIR, or set "
                                     "GESSO_DATA to the folder that "
                                     "holds {}/",
                                     known.folder);
  std::string looked;
  for (const fs::path& place : places) looked += (looked.empty() ? "" : " or ") + place.string();
  throw Error("data set \"{}\" is not in {}: {}", known.name, looked, help);
}

}  // namespace

DatasetFiles find_dataset(const std::string& data) {
  for (const Known& known : kKnown)
    if (data == known.name) return find_known(known);
  if (fs::is_directory(data)) return files_in(data);
  std::vector<std::string> names;
  for (const Known& known : kKnown) names.emplace_back(known.name);
  throw UsageError("--data {}: neither a data set nor a folder{}", data, suggestion(data, names));
}

std::string dataset_name(const std::string& data) {
  for (const Known& known : kKnown)
    if (data == known.name) return data;
  std::error_code missing;
  const fs::path folder = fs::canonical(data, missing);
  return missing ? data : folder.string();
}

Images::Images(fs::path file) : file_(std::move(file)), reader_([this] { read(); }) {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [this] { return images_.defined() || failure_; });
  if (failure_) {
    lock.unlock();
    reader_.join();
    std::rethrow_exception(failure_);
  }
}

Images::~Images() {
  if (reader_.joinable()) reader_.join();
}

void Images::read() {
  try {
    nn::read_idx(file_, [this](const Tensor& x, std::int64_t elements) {
      if (elements == 0) {
        const bool images = x.dtype() == DType::u8 && (x.rank() == 3 || x.rank() == 4) && x.size() > 0;
        check(images, "{}: expected images (N,H,W) or (N,H,W,C) of bytes, found {} {}", file_.string(),
              name(x.dtype()), x.shape());
      }
      const std::lock_guard lock(mutex_);
      images_ = x;
      there_ = elements / (x.size() / x.dim(0));
      arrived_.notify_all();
    });
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    arrived_.notify_all();
  }
}

void Images::wait_for(std::int64_t n) {
  std::unique_lock lock(mutex_);
  arrived_.wait(lock, [&] { return there_ >= n || failure_; });
  if (failure_) std::rethrow_exception(failure_);
}

Shape Images::shape() const {
  return {images_.dim(1), images_.dim(2), images_.rank() == 4 ? images_.dim(3) : 1};
}

Tensor Images::take(const std::int64_t* numbers, std::int64_t n) {
  wait_for(1 + *std::max_element(numbers, numbers + n));
  const Tensor index = Tensor::from(std::span(numbers, static_cast<std::size_t>(n)), {n});
  return nn::to_float(tensor::take_rows(images_, index)).reshape({n, -1});
}

Tensor Images::range(std::int64_t begin, std::int64_t end) {
  wait_for(end);
  return nn::to_float(images_.slice(begin, end)).reshape({end - begin, -1});
}

std::vector<std::int64_t> shuffled(std::int64_t n, std::int64_t batch, std::int64_t epoch,
                                   std::uint64_t seed) {
  Generator g = random_stream(seed, Stream::shuffle);
  g.state.offset += static_cast<std::uint64_t>(epoch * n);
  const Tensor draws = tensor::uniform(g, {n}, 0, 1, DType::f64);
  const double* u = draws.data<double>();
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (std::int64_t p = 0; p < n; ++p) {
    const std::int64_t end = epoch == 0 ? std::min(n, 4 * (p + batch)) : n;
    const auto other = p + static_cast<std::int64_t>(u[p] * static_cast<double>(end - p));
    std::swap(order[static_cast<std::size_t>(p)], order[static_cast<std::size_t>(other)]);
  }
  return order;
}

}  // namespace gesso::models
