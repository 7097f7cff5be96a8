// Data sets by name or folder, and their images, which are usable while the file is still being unpacked.
#pragma once

#include "tensor/ops.h"

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace gesso::models {

struct DatasetFiles {
  std::filesystem::path train, test;
};

/// Finds "fashion", "mnist" or a folder with IDX files: first in $GESSO_DATA, then in /usr/share/datasets. Throws UsageError for
/// a name that means nothing, Error for files that are missing.
DatasetFiles find_dataset(const std::string& data);

/// What to call the data set later, from another folder: a name stays, a path becomes absolute.
std::string dataset_name(const std::string& data);

/// The images of an IDX file (N,H,W) or (N,H,W,C), u8, which a thread of its own reads from front to back. Unpacking all of
/// MNIST takes longer than starting up and making a hundred steps, so training begins with the images at the front.
class Images {
 public:
  explicit Images(std::filesystem::path file);
  ~Images();
  Images(const Images&) = delete;
  Images& operator=(const Images&) = delete;

  std::int64_t count() const { return images_.dim(0); }
  Shape shape() const;  // (H,W,C)
  /// x (n,D) f32 in [0,1]: the images with these numbers. Waits until they are there; throws what reading threw.
  Tensor take(const std::int64_t* numbers, std::int64_t n);
  /// x (end-begin,D): a run of images.
  Tensor range(std::int64_t begin, std::int64_t end);
  /// Waits for the end of the file, and throws what reading it threw.
  void finish() { wait_for(count()); }

 private:
  void read();
  void wait_for(std::int64_t n);

  std::filesystem::path file_;
  Tensor images_;
  std::int64_t there_ = 0;
  std::exception_ptr failure_;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::thread reader_;
};

/// The order of n images in one epoch: a random one. In epoch 0 it starts near the front of the file: number p of the order is
/// less than 4 (p + batch), so that the first batch needs 8 batches of images unpacked and not all.
std::vector<std::int64_t> shuffled(std::int64_t n, std::int64_t batch, std::int64_t epoch,
                                   std::uint64_t seed);

}  // namespace gesso::models
