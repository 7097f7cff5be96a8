#include "models/edit.h"

#include "models/pictures.h"
#include "nn/optim.h"
#include "nn/schedule.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace gesso::models {
namespace {

using kernels::Binary;
using kernels::Compare;

/// The mean of p(x|z), without derivatives.
Tensor decoded(Model& model, const Tensor& z) {
  const NoGrad off;
  return model.image(z).value();
}

/// y where seen, otherwise x; exactly, for seen is 0 or 1.
Tensor put_together(const Tensor& seen, const Tensor& y, const Tensor& x) {
  return tensor::where(tensor::compare(Compare::gt, seen, 0.5), y, x);
}

struct Region {
  std::string name;
  std::int64_t top, bottom, left, right;
};

/// The number in (0,1) that stands where a region might.
double share_of(const std::string& text, const std::vector<Region>& regions) {
  if (text.empty() || std::isalpha(static_cast<unsigned char>(text[0]))) {
    std::vector<std::string> names;
    for (const Region& r : regions) names.push_back(r.name);
    throw UsageError("--hide {}: neither a region nor a number{}", text, suggestion(text, names));
  }
  const double share = number("--hide", text);
  if (!(share > 0 && share < 1))
    throw UsageError("--hide {}: expected a number between 0 and 1, the part of the pixels that is hidden",
                     text);
  return share;
}

/// i of a row of so many: 0 is 0, the last is 1.
double part(std::int64_t i, std::int64_t of) { return static_cast<double>(i) / static_cast<double>(of - 1); }

}  // namespace

Tensor most_probable(const std::function<Var(const Var&)>& log_likelihood, const Tensor& start,
                     const Search& search) {
  Var z = parameter(start.clone());
  nn::Optimizer adam({{"z", &z}}, nn::Adam{});
  const nn::Schedule schedule = nn::schedule::cosine(search.steps);
  for (std::int64_t t = 0; t < search.steps; ++t) {
    adam.lr = search.lr * schedule(t);
    z.set_grad(grad({0.5 * sum(square(z)) - sum(log_likelihood(z))}, {z})[0]);
    adam.step();
  }
  return z.value();
}

Tensor with_noise(const Tensor& x, std::int64_t channels, const Noise& noise, Generator& draws) {
  if (noise.kind == Noise::Kind::gaussian)
    return tensor::add(x, tensor::normal(draws, x.shape(), 0, noise.amount, DType::f32, x.device()));
  const Tensor u = tensor::uniform(draws, {x.dim(0), x.dim(1) / channels, 1}, 0, 1, DType::f32, x.device()),
               zero = tensor::zeros({}, DType::f32, x.device()),
               one = tensor::ones({}, DType::f32, x.device());
  const Tensor salted = tensor::where(tensor::compare(Compare::lt, u, noise.amount / 2), one,
                                      x.reshape({x.dim(0), -1, channels}));
  return tensor::where(tensor::compare(Compare::ge, u, 1 - noise.amount / 2), zero, salted)
      .reshape(x.shape());
}

Var log_likelihood(Model& model, const Var& z, const Tensor& y, std::int64_t channels, const Noise& noise) {
  const double a = noise.amount;
  if (noise.kind == Noise::Kind::gaussian) return sum(square(model.image(z) - y), {1}) * (-0.5 / (a * a));
  // log((1 - a) p + a/2) = log(a/2) + softplus(log p + log((1 - a) / (a/2)))
  const Var of_pixels = sum(reshape(model.log_likelihood(z, y), {y.dim(0), -1, channels}), {2});
  const Tensor pixels = y.reshape({y.dim(0), -1, channels}), darkest = tensor::min(pixels, {2}),
               brightest = tensor::max(pixels, {2});
  const Tensor extreme = tensor::add(tensor::compare(Compare::ge, darkest, 1).to(DType::f32),
                                     tensor::compare(Compare::le, brightest, 0).to(DType::f32));
  const Var mixed = softplus(of_pixels + std::log((1 - a) / (a / 2))) + std::log(a / 2);
  return sum(where(tensor::compare(Compare::gt, extreme, 0), mixed, of_pixels), {1});
}

Restoration denoised(Model& model, const Tensor& y, std::int64_t channels, const Noise& noise) {
  const Tensor start = model.posterior(y).mean;
  const auto of = [&](const Var& z) { return log_likelihood(model, z, y, channels, noise); };
  return {.spoiled = y, .encoded = decoded(model, start), .found = decoded(model, most_probable(of, start))};
}

Tensor seen_beside(const std::string& hidden, const Shape& image, Generator& noise) {
  const std::int64_t H = image[0], W = image[1], C = image[2];
  const Region whole{"", 0, H, 0, W};
  const std::vector<Region> regions = {{"top", 0, H / 2, 0, W},
                                       {"bottom", H - H / 2, H, 0, W},
                                       {"left", 0, H, 0, W / 2},
                                       {"right", 0, H, W - W / 2, W},
                                       {"centre", H / 4, H - H / 4, W / 4, W - W / 4}};
  const auto named = std::ranges::find(regions, hidden, &Region::name);
  const double share = named == regions.end() ? share_of(hidden, regions) : 1;
  const Region& r = named == regions.end() ? whole : *named;
  const std::vector<float> u = tensor::uniform(noise, {H * W}).to_vector<float>();  // below 1
  Tensor seen = tensor::ones({H * W * C});
  for (std::int64_t h = r.top; h < r.bottom; ++h)
    for (std::int64_t w = r.left; w < r.right; ++w)
      if (u[static_cast<std::size_t>(h * W + w)] < share)
        std::fill_n(seen.mutable_data<float>() + (h * W + w) * C, C, 0.f);
  if (tensor::min(seen).item() == 1)
    throw UsageError("--hide {}: hides none of the {} pixels", hidden, H * W);
  return seen;
}

Restoration inpainted(Model& model, const Tensor& x, const Tensor& seen, const Tensor& fill) {
  Restoration r;
  r.spoiled = put_together(seen, x, fill);
  r.encoded = r.spoiled;
  Tensor z;
  for (int i = 0; i < kCompletions; ++i) {
    z = model.posterior(r.encoded).mean;
    r.encoded = put_together(seen, x, decoded(model, z));
  }
  // From 0 or from a first encoding the search comes to the same: errors on MNIST agreed within a hundredth.
  const auto of_seen = [&](const Var& at) { return sum(model.log_likelihood(at, x) * seen, {1}); };
  r.found = put_together(seen, x, decoded(model, most_probable(of_seen, z)));
  return r;
}

Tensor interpolations(Model& model, const Tensor& ends, std::int64_t columns) {
  check(ends.rank() == 2 && ends.dim(0) == 2 && columns >= 2,
        "interpolations: images {} in {} columns; expected (2,D) and 2 or more", ends.shape(), columns);
  const Tensor z = model.posterior(ends).mean;
  const Tensor here = z.to(Device::cpu);
  const auto L = static_cast<std::size_t>(z.dim(1));
  const std::span from(here.data<float>(), L), to(here.data<float>() + L, L);
  std::vector<float> arc;
  std::vector<Tensor> line, faded;
  for (std::int64_t i = 0; i < columns; ++i) {
    const double t = part(i, columns);
    const std::vector<float> point = slerp(from, to, t);
    arc.insert(arc.end(), point.begin(), point.end());
    const auto between = [t](const Tensor& x) {
      return tensor::add(tensor::mul(x.slice(0, 1), 1 - t), tensor::mul(x.slice(1, 2), t));
    };
    line.push_back(between(z)), faded.push_back(between(ends));
  }
  const Tensor on_arc = Tensor::from(arc, {columns, z.dim(1)}).to(model.device);
  return tensor::concat(
      {decoded(model, tensor::concat(line)), decoded(model, on_arc), tensor::concat(faded)});
}

Tensor direction(const Tensor& codes, const std::vector<std::int64_t>& add,
                 const std::vector<std::int64_t>& subtract) {
  const auto mean_of = [&codes](const std::vector<std::int64_t>& rows) {
    return tensor::mean(
        tensor::take_rows(codes, Tensor::from(rows, {static_cast<std::int64_t>(rows.size())})), {0});
  };
  return tensor::sub(mean_of(add), mean_of(subtract));
}

Tensor moved(Model& model, const Tensor& x, const Tensor& v, double strength, std::int64_t columns) {
  const std::int64_t N = x.dim(0);
  const Tensor z = model.posterior(x).mean;
  std::vector<Tensor> points;  // (N,1,L) each
  for (std::int64_t i = 0; i < columns; ++i)
    points.push_back(
        tensor::add(z, tensor::mul(v.to(model.device), strength * part(i, columns))).reshape({N, 1, -1}));
  return decoded(model, tensor::concat(points, 1).reshape({N * columns, -1}));
}

double psnr(const Tensor& x, const Tensor& y) {
  double sum = 0;
  for (const double squared_error :
       tensor::mean(tensor::binary(Binary::squared_difference, x, y), {1}).to_vector<double>())
    sum -= 10 * std::log10(squared_error);
  return sum / static_cast<double>(x.dim(0));
}

double hidden_error(const Tensor& x, const Tensor& y, const Tensor& seen) {
  const Tensor hidden = tensor::add(tensor::mul(seen, -1), 1);
  const Tensor errors = tensor::mul(tensor::binary(Binary::squared_difference, x, y), hidden);
  return std::sqrt(tensor::sum(errors).item() / (tensor::sum(hidden).item() * static_cast<double>(x.dim(0))));
}

}  // namespace gesso::models
