#include "models/pictures.h"

#include "nn/png.h"

#include <algorithm>
#include <cmath>

namespace gesso::models {
namespace {

constexpr int kSheetSide = 12;  // images: steps small enough to see one thing turn into another

/// Four of the images x that differ much: the first, then each time the one farthest from all chosen before. Where there are
/// fewer than four, some twice.
Tensor far_apart(const Tensor& x) {
  const std::int64_t N = x.dim(0);
  std::vector<std::int64_t> chosen = {0};
  std::vector<double> nearest(static_cast<std::size_t>(N), HUGE_VAL);
  while (chosen.size() < 4) {
    const Tensor d =
        tensor::sum(tensor::binary(kernels::Binary::squared_difference, x, x[chosen.back()]), {1});
    for (std::size_t i = 0; i < nearest.size(); ++i)
      nearest[i] = std::min<double>(nearest[i], d.data<float>()[i]);
    chosen.push_back(std::ranges::max_element(nearest) - nearest.begin());
  }
  return tensor::take_rows(x, Tensor::from(chosen, {4}));
}

/// Films (N,D) as (N,frames,h,w,C) on the CPU.
Tensor as_frames(const Tensor& x, const Shape& image, std::int64_t frames) {
  return x.to(Device::cpu).reshape({x.dim(0), frames, image[0] / frames, image[1], image[2]});
}

constexpr std::int64_t kFilms = 8;  // as many as a page shows
Tensor few(const Tensor& x) { return x.slice(0, std::min(x.dim(0), kFilms)); }

Picture as_picture(const Tensor& y, std::string png) {
  return {.height = static_cast<int>(y.dim(0)),
          .width = static_cast<int>(y.dim(1)),
          .channels = static_cast<int>(y.dim(2)),
          .png = std::move(png)};
}

/// Films x over forecasts y, of which only what was not given is shown; a strip each, (N,D).
Picture strips(const Tensor& x, const Tensor& y, const Shape& image, std::int64_t frames) {
  const Tensor truth = as_frames(x, image, frames), forecast = as_frames(y, image, frames);
  const Tensor given = tensor::zeros(tensor::slice(forecast, 1, 0, frames / 2).shape());
  const Tensor all = tensor::concat({truth, given, tensor::slice(forecast, 1, frames / 2, frames)}, 1);
  const Tensor picture = nn::make_grid(all.reshape({-1, all.dim(2), all.dim(3), all.dim(4)}),
                                       {.nrow = static_cast<int>(frames), .pad_value = 0.3f});
  return as_picture(picture, nn::encode_png(picture));
}

}  // namespace

std::vector<float> slerp(std::span<const float> a, std::span<const float> b, double t) {
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += double{a[i]} * b[i];
    aa += double{a[i]} * a[i];
    bb += double{b[i]} * b[i];
  }
  const double w = std::acos(std::clamp(ab / std::sqrt(aa * bb), -1., 1.));
  double p = 1 - t, q = t;
  if (std::sin(w) > 1e-3) {  // of zeros the angle is NaN
    p = std::sin((1 - t) * w) / std::sin(w);
    q = std::sin(t * w) / std::sin(w);
  }
  std::vector<float> y(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) y[i] = static_cast<float>(p * a[i] + q * b[i]);
  return y;
}

Tensor sheet(const Tensor& corners, std::int64_t side) {
  check(corners.rank() == 2 && corners.dim(0) == 4 && side >= 2,
        "sheet: corners {} and {} a side; expected (4,L) and 2 or more", corners.shape(), side);
  const auto width = static_cast<std::size_t>(corners.dim(1));
  const Tensor here = corners.to(Device::cpu);
  const auto corner = [&](std::size_t i) { return std::span(here.data<float>() + i * width, width); };
  Tensor z({side * side, corners.dim(1)});
  float* out = z.mutable_data<float>();
  for (std::int64_t i = 0; i < side; ++i)
    for (std::int64_t j = 0; j < side; ++j) {
      const double v = static_cast<double>(i) / static_cast<double>(side - 1);
      const double u = static_cast<double>(j) / static_cast<double>(side - 1);
      out = std::ranges::copy(slerp(slerp(corner(0), corner(1), u), slerp(corner(2), corner(3), u), v), out)
                .out;
    }
  return z;
}

Tensor traversals(const Tensor& point, const std::vector<std::int64_t>& units, std::int64_t columns) {
  check(point.rank() == 1 && columns >= 2, "traversals: from {} in {} columns; expected (L) and 2 or more",
        point.shape(), columns);
  const std::int64_t L = point.dim(0), rows = static_cast<std::int64_t>(units.size());
  const Tensor here = point.to(Device::cpu);
  Tensor z({rows * columns, L});
  float* out = z.mutable_data<float>();
  for (const std::int64_t unit : units)
    for (std::int64_t j = 0; j < columns; ++j, out += L) {
      std::copy_n(here.data<float>(), L, out);
      out[unit] = static_cast<float>(6 * static_cast<double>(j) / static_cast<double>(columns - 1) - 3);
    }
  return z;
}

Tensor side_by_side(const Tensor& x, const Tensor& y) {
  const std::int64_t N = x.dim(0), D = x.dim(1);
  return tensor::concat({x.reshape({N, 1, D}), y.reshape({N, 1, D})}, 1).reshape({2 * N, D});
}

Picture grid(const Tensor& x, const Shape& image, int columns) {
  const Tensor picture = nn::make_grid(with_shape(x, image), {.nrow = columns, .scale = 3});
  return as_picture(picture, nn::encode_png(picture));
}

std::optional<Picture> samples(Model& model, const Shape& image, std::int64_t count, std::uint64_t seed) {
  Generator noise = random_stream(seed, Stream::pictures);
  // As square as it gets: 8 columns for 64, 4 for 16, ..
  const auto columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(count))));
  const Tensor y = model.sample(count, noise);
  if (!y.defined()) return std::nullopt;
  return grid(y, image, columns);
}

std::optional<Picture> reconstructions(Model& model, const Shape& image, const Tensor& x) {
  if (model.frames() > 1)
    return strips(few(x), model.reconstruct(few(x).to(model.device)), image, model.frames());
  const Tensor y = model.reconstruct(x.to(model.device)).to(Device::cpu);
  if (!y.defined()) return std::nullopt;
  return grid(side_by_side(x.to(Device::cpu), y), image, 16);
}

std::optional<Picture> walk(Model& model, const Shape& image, const Tensor& x, std::uint64_t seed) {
  if (model.frames() > 1) return std::nullopt;
  Generator noise = random_stream(seed, Stream::pictures);
  const Tensor y = model.walk(far_apart(x.to(Device::cpu)).to(model.device), noise, kSheetSide);
  if (!y.defined()) return std::nullopt;
  return grid(y, image, kSheetSide);
}

std::optional<Picture> forecasts(Model& model, const Shape& image, const Tensor& x) {
  constexpr int kPerSecond = 5;  // slow enough to follow a digit
  const std::int64_t frames = model.frames();
  if (frames == 1) return std::nullopt;
  const Tensor films = few(x), y = model.reconstruct(films.to(model.device));
  const Tensor all = tensor::concat({as_frames(films, image, frames), as_frames(y, image, frames)}, 1);
  std::vector<Tensor> pictures;
  for (std::int64_t t = 0; t < frames; ++t) {
    const Tensor pairs = tensor::concat(
        {tensor::slice(all, 1, t, t + 1), tensor::slice(all, 1, frames + t, frames + t + 1)}, 1);
    pictures.push_back(nn::make_grid(pairs.reshape({-1, all.dim(2), all.dim(3), all.dim(4)}),
                                     {.pad_value = t < frames / 2 ? 0.3f : 1.f}));
  }
  return as_picture(pictures[0], nn::encode_apng(pictures, kPerSecond));
}

std::optional<Picture> traversal(Model& model, const Shape& image, const Tensor& x) {
  constexpr std::int64_t kColumns = 13;  // half a standard deviation of the prior apart
  const Tensor y = model.traverse(x.to(model.device), kColumns).to(Device::cpu);
  if (!y.defined()) return std::nullopt;
  return grid(y, image, kColumns);
}

}  // namespace gesso::models
