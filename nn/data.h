// Images to train on: finding and loading them, and turning them into shuffled batches.
#pragma once

#include "nn/prefetch.h"
#include "tensor/tensor.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gesso::nn {

/// A file of images that a thread of its own unpacks, from front to back.
class Unpacking;

struct ImageSet {
  std::string name;
  Tensor images;                              // (N,H,W,C) u8
  Tensor labels = {};                         // (N) i64; undefined where there are none
  std::vector<std::string> class_names = {};  // by label; may be empty
  std::filesystem::path folder = {};          // where it was found; empty if it was made
  std::shared_ptr<Unpacking> unpacking = {};  // absent: all images are there

  std::int64_t size() const { return images.dim(0); }
  /// Returns when the first n images are there, and throws what went wrong with their file. Batches call it
  /// themselves.
  void wait_for(std::int64_t n) const;
};

enum class Split { train, test };

/// Loads the set that has the name "mnist", "fashion" or "cifar10"; makes "sprites", "sprites:SIZE", "sprites:SIZExCHANNELS"
/// (nn/sprites.h), "moving" or "moving:SET" (nn/moving.h, from MNIST or a set of grey images); or loads what the folder that
/// `data` names has: IDX files under MNIST's names (train-images-idx3-ubyte, t10k-labels-idx1-ubyte, ..), plain or .gz, whose
/// labels may be missing; CIFAR-10's binary files; or PNG and JPEG pictures, at a size of choice with "DIR@SIZE"
/// (nn/picture_folder.h).
///
/// Of IDX files it returns when the shape is known, while the images are still being unpacked: all of MNIST takes longer than
/// a hundred training steps. Throws an Error that says where it looked and what to do, or a FileError about a file that is not
/// well.
ImageSet load_images(const std::string& data, Split split);

/// Whether `data` is the name of a set, and not a folder.
bool has_name(const std::string& data);

/// Where load_images looks, in this order; nowhere for sets that are made. For a set known by name:
/// $GESSO_DATA/NAME, $GESSO_DATA, /usr/share/datasets/NAME, data/NAME; anything else is a folder itself.
std::vector<std::filesystem::path> image_folders(const std::string& data);

/// y = low + (high - low) x / 255, x u8 of any shape; in [0,1] the very floats of PyTorch's ToTensor.
Tensor to_float(const Tensor& x, float low = 0, float high = 1);

struct Batch {
  Tensor images;       // (B,H,W,C) f32
  Tensor labels = {};  // (B) i64, or undefined
  std::int64_t epoch = 0, index = 0;
};

struct BatchOptions {
  std::int64_t batch_size = 128;
  std::uint64_t seed = 0;
  bool shuffle = true;
  bool drop_last = false;   // whether an epoch leaves out its last batch if that is smaller
  float low = 0, high = 1;  // what the pixels 0 and 255 become
  /// Whether epoch 0 takes its first batches from the front of the set, so that training begins before all is
  /// unpacked. Not for sets that are sorted.
  bool early_start = false;
  /// Batches made ahead by a background thread. 0: none, and next() does the work, which for images in memory
  /// costs less than waking a thread.
  int prefetch = 0;
  /// Called with each batch, in the background thread if there is one; to be resumable, it may depend on
  /// nothing else.
  std::function<void(Batch&)> transform = {};
};

/// What next() returns next: batch `batch` of epoch `epoch`, both from 0.
struct BatchPosition {
  std::int64_t epoch = 0, batch = 0;
  friend bool operator==(const BatchPosition&, const BatchPosition&) = default;
};

/// Batches without end, epoch after epoch. The order of the images depends on (seed, epoch) alone, so that a
/// run resumed at position() sees what an uninterrupted one does. Each batch is a tensor of its own
/// (its memory comes from the caching allocator, so that a step takes none from the system) and stays valid
/// for as long as it is held.
class Batches {
 public:
  Batches(ImageSet set, BatchOptions options, BatchPosition start = {});

  Batch next();
  BatchPosition position() const { return position_; }
  void seek(BatchPosition to);

  std::int64_t per_epoch() const;
  const ImageSet& set() const { return set_; }

 private:
  Batch make(BatchPosition at, const std::vector<std::int64_t>& order) const;
  BatchPosition after(BatchPosition p) const;

  const ImageSet set_;
  const BatchOptions options_;
  BatchPosition position_;
  std::unique_ptr<Prefetch<Batch>> ahead_;
};

/// The order of n images in an epoch: a permutation of 0 .. n-1 that depends on nothing but the arguments.
/// With early_start, number p of epoch 0 is one of the first 4 p + 2048 images.
std::vector<std::int64_t> shuffled(std::int64_t n, std::uint64_t seed, std::int64_t epoch,
                                   bool early_start = false);

}  // namespace gesso::nn
