// What the tests of models and commands share: small data sets, slow layers in float64, and the program itself.
#pragma once

#include "models/model.h"
#include "tests/nn/files.h"

#include <string>
#include <vector>

namespace gesso::models {

using nn::TempFolder;

/// n pictures (N,side*side) in [0,1] of a bright square somewhere on a dim ground: the same for the same seed.
Tensor squares(std::int64_t n, std::int64_t side, std::uint64_t seed);

/// How much pictures (N,side*side) are like those of squares(): the root mean square of a pixel's distance from the nearest of
/// them, and how many different ones are the nearest of some picture.
struct Likeness {
  double distance = 0;
  std::size_t kinds = 0;
};
Likeness like_squares(const Tensor& x, std::int64_t side);

/// Images that are small for a model: films of 4 frames of 8x8, otherwise pictures of 28x28.
Shape small_image(const Entry& entry);

/// What the command line makes of `--set` for each assignment.
Recipe recipe_of(const std::vector<Option>& options, const std::vector<std::string>& set, const Shape& image,
                 double lr = 2e-4, std::uint64_t seed = 3);

/// train-images-idx3-ubyte with n pictures and t10k-images-idx3-ubyte with m, in `folder`, which is made.
void put_squares(const std::filesystem::path& folder, std::int64_t n, std::int64_t m, std::int64_t side = 8);

/// Films (n, frames side side) in [0,1] of a bright square of side / 2 that bounces around: the same for the same seed.
Tensor films(std::int64_t n, std::int64_t frames, std::int64_t side, std::uint64_t seed);
/// The same files with films of 4 frames of 8x8 below each other.
void put_films(const std::filesystem::path& folder, std::int64_t n, std::int64_t m);

/// Tensor by tensor, bit by bit.
void check_same_state(const nn::State& a, const nn::State& b);
/// A copy that does not change when the original does.
nn::State kept(const nn::State& s);

/// act(x (N,in) w (out,in)^T + b (out)) in loops, float64; slope 1 is no activation.
std::vector<double> slow_linear(const std::vector<double>& x, const nn::State& state, const std::string& name,
                                double slope);

struct Outcome {
  int code = 0;  // 256 + signal for a process that one ended
  std::string out, err;
};
/// A running `gesso ARGUMENTS..` in `folder`, with GESSO_DATA = folder.
class Command {
 public:
  /// `largest_file`: bytes that no file it writes may exceed (RLIMIT_FSIZE), 0 for no limit.
  Command(const TempFolder& folder, const std::vector<std::string>& arguments,
          std::uint64_t largest_file = 0);
  void signal(int number) const;
  Outcome wait();

 private:
  std::filesystem::path out_, err_;
  int process_;
};
Outcome run(const TempFolder& folder, const std::vector<std::string>& arguments);

}  // namespace gesso::models
