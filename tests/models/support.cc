#include "tests/models/support.h"

#include "nn/moving.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <fcntl.h>
#include <set>

namespace gesso::models {
namespace {

std::string idx(const Tensor& x, std::int64_t height, std::int64_t width) {
  std::string bytes = {0, 0, 8, 3};
  for (const std::int64_t extent : {x.dim(0), height, width})
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(extent >> shift);
  for (const float v : x.to_vector<float>()) bytes += static_cast<char>(std::lround(255 * v));
  return bytes;
}

std::int64_t places_of_squares(std::int64_t side) { return side - side / 2 + 1; }

void draw_square(float* pixel, std::int64_t side, std::int64_t top, std::int64_t left) {
  for (std::int64_t h = 0; h < side; ++h)
    for (std::int64_t w = 0; w < side; ++w)
      *pixel++ = h >= top && h < top + side / 2 && w >= left && w < left + side / 2 ? 0.9f : 0.1f;
}

void redirect(int to, const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ::dup2(fd, to) < 0) ::_exit(98);
}

}  // namespace

Tensor squares(std::int64_t n, std::int64_t side, std::uint64_t seed) {
  Generator g(seed);
  const auto places = static_cast<double>(places_of_squares(side));
  const std::vector<double> at = tensor::uniform(g, {n, 2}).to_vector<double>();
  Tensor x({n, side * side});
  for (std::int64_t i = 0; i < n; ++i)
    draw_square(x.mutable_data<float>() + i * side * side, side,
                static_cast<std::int64_t>(at[2 * i] * places),
                static_cast<std::int64_t>(at[2 * i + 1] * places));
  return x;
}

Likeness like_squares(const Tensor& x, std::int64_t side) {
  const std::int64_t places = places_of_squares(side), D = side * side;
  Tensor all({places * places, D});
  for (std::int64_t i = 0; i < places * places; ++i)
    draw_square(all.mutable_data<float>() + i * D, side, i / places, i % places);
  Likeness found;
  std::set<std::int64_t> kinds;
  for (std::int64_t i = 0; i < x.dim(0); ++i) {
    const std::vector<double> d =
        tensor::mean(tensor::binary(kernels::Binary::squared_difference, all, x[i]), {1}).to_vector<double>();
    const auto nearest = std::min_element(d.begin(), d.end());
    found.distance += std::sqrt(*nearest) / static_cast<double>(x.dim(0));
    kinds.insert(nearest - d.begin());
  }
  found.kinds = kinds.size();
  return found;
}

void check_same_state(const nn::State& a, const nn::State& b) {
  REQUIRE(a.size() == b.size());
  for (const auto& [name, t] : a) {
    CAPTURE(name);
    REQUIRE(b.contains(name));
    const Tensor& u = b.at(name);
    CHECK((t.shape() == u.shape() && t.dtype() == u.dtype() &&
           std::equal(t.raw(), t.raw() + t.bytes(), u.raw())));
  }
}

nn::State kept(const nn::State& s) {
  nn::State copy;
  for (const auto& [name, t] : s) copy.emplace(name, t.clone());
  return copy;
}

Shape small_image(const Entry& entry) {
  return entry.name == std::string("convlstm") ? Shape{32, 8, 1} : Shape{28, 28, 1};
}

Recipe recipe_of(const std::vector<Option>& options, const std::vector<std::string>& set, const Shape& image,
                 double lr, std::uint64_t seed) {
  Recipe r{.image = image, .options = Options(options), .lr = lr, .seed = seed};
  for (const std::string& assignment : set) r.options.set(assignment);
  return r;
}

void put_squares(const std::filesystem::path& folder, std::int64_t n, std::int64_t m, std::int64_t side) {
  std::filesystem::create_directories(folder);
  nn::put_bytes(folder / "train-images-idx3-ubyte", idx(squares(n, side, 1), side, side));
  nn::put_bytes(folder / "t10k-images-idx3-ubyte", idx(squares(m, side, 2), side, side));
}

Tensor films(std::int64_t n, std::int64_t frames, std::int64_t side, std::uint64_t seed) {
  const nn::ImageSet square{.name = "square",
                            .images = tensor::full({1, side / 2, side / 2, 1}, 230).to(DType::u8)};
  const nn::MovingOptions options{.count = n, .frames = frames, .size = side, .digits = 1, .seed = seed};
  return nn::to_float(nn::moving(square, options, nn::Split::train).images).reshape({n, -1});
}

void put_films(const std::filesystem::path& folder, std::int64_t n, std::int64_t m) {
  std::filesystem::create_directories(folder);
  nn::put_bytes(folder / "train-images-idx3-ubyte", idx(films(n, 4, 8, 1), 32, 8));
  nn::put_bytes(folder / "t10k-images-idx3-ubyte", idx(films(m, 4, 8, 2), 32, 8));
}

std::vector<double> slow_linear(const std::vector<double>& x, const nn::State& state, const std::string& name,
                                double slope) {
  const Tensor& weight = state.at(name + ".weight");
  const std::vector<double> w = weight.to_vector<double>(), b = state.at(name + ".bias").to_vector<double>();
  const auto out = static_cast<std::size_t>(weight.dim(0)), in = static_cast<std::size_t>(weight.dim(1));
  std::vector<double> y(x.size() / in * out);
  for (std::size_t i = 0; i < x.size() / in; ++i)
    for (std::size_t j = 0; j < out; ++j) {
      double sum = b[j];
      for (std::size_t k = 0; k < in; ++k) sum += x[i * in + k] * w[j * in + k];
      y[i * out + j] = sum > 0 ? sum : slope * sum;
    }
  return y;
}

Command::Command(const TempFolder& folder, const std::vector<std::string>& arguments,
                 std::uint64_t largest_file) {
  static std::atomic<int> count = 0;
  out_ = folder / fmt::format("out.{}", ++count);
  err_ = folder / fmt::format("err.{}", count);
  process_ = ::fork();
  REQUIRE(process_ >= 0);
  if (process_ > 0) return;
  redirect(STDOUT_FILENO, out_);
  redirect(STDERR_FILENO, err_);
  if (::chdir(folder.path().c_str()) != 0 || ::setenv("GESSO_DATA", folder.path().c_str(), 1) != 0)
    ::_exit(97);
  const rlimit limit{largest_file, largest_file};
  if (largest_file > 0 && ::setrlimit(RLIMIT_FSIZE, &limit) != 0) ::_exit(95);
  std::vector<char*> argv = {const_cast<char*>("gesso")};
  for (const std::string& a : arguments) argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  ::execv(GESSO_COMMAND, argv.data());
  ::_exit(96);
}

void Command::signal(int number) const { REQUIRE(::kill(process_, number) == 0); }

Outcome Command::wait() {
  int status = 0;
  REQUIRE(::waitpid(process_, &status, 0) == process_);
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
  return {code, nn::bytes_of(out_), nn::bytes_of(err_)};
}

Outcome run(const TempFolder& folder, const std::vector<std::string>& arguments) {
  return Command(folder, arguments).wait();
}

}  // namespace gesso::models
