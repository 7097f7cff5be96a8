#include "models/edit_command.h"

#include "models/evaluate.h"
#include "models/properties.h"
#include "models/trained.h"
#include "models/trainer.h"
#include "nn/atomic_file.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <set>

namespace gesso::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Numbers = std::vector<std::int64_t>;

/// A run, the test images to edit, and where the picture goes.
struct Workbench {
  EditRequest request;
  const char* what;
  Trained trained;
  nn::ImageSet test;

  Workbench(const EditRequest& r, const char* name)
      : request(r),
        what(name),
        trained(load_trained(r.run, r.device)),
        test(test_images(trained.config, r.data)) {
    if (!trained.model->posterior(images({0})).mean.defined())
      throw UsageError("{} has no q(z|x), and so no code to edit; mlp-vae, conv-vae and beta-vae have",
                       trained.config.model);
  }

  Model& model() const { return *trained.model; }
  const Shape& shape() const { return trained.config.image; }
  std::string data() const { return request.data.value_or(trained.config.data); }
  std::int64_t count(std::int64_t usual) const {
    return std::min(request.count.value_or(usual), test.size());
  }
  Numbers all() const {
    Numbers numbers(static_cast<std::size_t>(test.size()));
    std::iota(numbers.begin(), numbers.end(), std::int64_t{0});
    return numbers;
  }
  /// Those with the property that `option` names; all where it names none.
  Numbers with(const char* option, const std::optional<std::string>& property) const {
    return property ? images_with(test, data(), option, *property) : all();
  }
  Tensor images(const Numbers& numbers) const {
    std::vector<Tensor> x;
    for (const std::int64_t i : numbers)
      x.push_back(test_pixels(model(), test, trained.config.seed, i, i + 1));
    return tensor::concat(x);
  }
  Tensor first(std::int64_t n) const { return test_pixels(model(), test, trained.config.seed, 0, n); }

  /// The picture of rows of images (N,D), written; and the name of its file.
  std::string picture(const std::vector<Tensor>& rows, std::int64_t columns) const {
    const fs::path path =
        request.out.empty() ? trained.run.samples() / fmt::format("{}.png", what) : fs::path(request.out);
    expect_png(path);
    const Tensor x = tensor::concat(rows).to(Device::cpu);
    nn::write_file(path, grid(x, shape(), static_cast<int>(columns)).png);
    return path.string();
  }

  void print(Json settings, const Json& figures, const char* measure, const std::string& path) const {
    settings["seed"] = request.seed;
    if (request.json) {
      Json json = {{"model", trained.config.model}, {"data", data()}, {"edit", what}};
      json.update(settings), json.update(figures);
      json["picture"] = path;
      fmt::print("{}\n", json.dump());
      return;
    }
    fmt::print("{} on {}", trained.config.model, data());
    for (const auto& [name, value] : settings.items())
      fmt::print(", {} {}", name, value.is_string() ? value.get<std::string>() : value.dump());
    fmt::print("\n");
    for (const auto& [name, value] : figures.items())
      fmt::print("  {:16} {:.4f}\n", name, value.get<double>());
    fmt::print("({})\n{}\n", measure, path);
  }
};

/// (D): the mean of all test images.
Tensor mean_image(const Workbench& w) {
  Tensor sum = tensor::zeros({w.shape().size()});
  for (std::int64_t i = 0; i < w.test.size(); i += kTestBatch)
    tensor::add_(sum, tensor::sum(pixels(w.test, i, std::min(i + kTestBatch, w.test.size())), {0}));
  return tensor::mul(sum, 1 / static_cast<double>(w.test.size())).to(w.model().device);
}

}  // namespace

void denoise(const EditRequest& request, const std::string& kind, double amount) {
  const bool gaussian = kind == "gaussian";
  if (!gaussian && kind != "salt-and-pepper")
    throw UsageError("--kind {}: there is no such noise{}", kind,
                     suggestion(kind, {"gaussian", "salt-and-pepper"}));
  if (!(amount > 0) || (!gaussian && amount > 1))
    throw UsageError("--noise {}: expected a number above 0{}", amount, gaussian ? "" : ", at most 1");
  const Workbench w(request, "denoise");
  const std::int64_t N = w.count(16), C = w.shape()[2];
  const Noise noise{gaussian ? Noise::Kind::gaussian : Noise::Kind::salt_and_pepper, amount};
  Generator draws = random_stream(request.seed, Stream::pictures);
  const Tensor x = w.first(N);
  const auto [y, encoded, found] = denoised(w.model(), with_noise(x, C, noise, draws), C, noise);
  const std::string path = w.picture({x, y, encoded, found}, N);
  w.print({{"noise", kind}, {"amount", amount}, {"images", N}},
          {{"psnr_spoiled", psnr(x, y)}, {"psnr_encoded", psnr(x, encoded)}, {"psnr_found", psnr(x, found)}},
          "PSNR, dB, mean over the images; rows of the picture: originals, spoiled, encoded and decoded, and "
          "found: decoded from the most probable code",
          path);
}

void inpaint(const EditRequest& request, const std::string& hidden) {
  const Workbench w(request, "inpaint");
  const std::int64_t N = w.count(16);
  Generator noise = random_stream(request.seed, Stream::pictures);
  const Tensor x = w.first(N), seen = seen_beside(hidden, w.shape(), noise).to(w.model().device),
               mean = mean_image(w);
  const Restoration r = inpainted(w.model(), x, seen, mean);
  const Tensor grey = tensor::mul(tensor::add(tensor::mul(seen, -1), 1), 0.5);
  const std::string path = w.picture({x, tensor::add(tensor::mul(x, seen), grey), r.encoded, r.found}, N);
  w.print({{"hide", hidden}, {"images", N}},
          {{"error_mean", hidden_error(x, r.spoiled, seen)},
           {"error_completed", hidden_error(x, r.encoded, seen)},
           {"error_found", hidden_error(x, r.found, seen)}},
          "root mean square of errors where hidden; mean: of the mean image; rows of the picture: originals, "
          "what is seen, completed by encoding and decoding, and found: by the most probable code",
          path);
}

void interpolate(const EditRequest& request, const std::optional<std::string>& from,
                 const std::optional<std::string>& to) {
  constexpr std::int64_t kColumns = 13;
  const Workbench w(request, "interpolate");
  const Numbers starts = w.with("--from", from), ends = w.with("--to", to);
  std::set<std::int64_t> taken;
  const auto next = [&taken](const Numbers& numbers) {
    const auto at = std::ranges::find_if(numbers, [&](std::int64_t i) { return !taken.contains(i); });
    return at == numbers.end() ? -1 : *taken.insert(*at).first;
  };
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < w.count(4); ++i) {
    const std::int64_t a = next(starts), b = next(ends);
    if (a < 0 || b < 0) break;
    rows.push_back(interpolations(w.model(), w.images({a, b}), kColumns));
  }
  if (rows.empty()) throw UsageError("interpolate: there are no two such images");
  fmt::print("{}\n", w.picture(rows, kColumns));
}

void attribute(const EditRequest& request, const std::string& add, const std::optional<std::string>& subtract,
               double strength) {
  constexpr std::int64_t kColumns = 9;
  const Workbench w(request, "attribute");
  const Numbers with = w.with("--add", add), without = w.with("--subtract", subtract);
  const Tensor v = direction(posteriors(w.model(), w.test, w.trained.config.seed).mean, with, without);
  const std::int64_t N = std::min<std::int64_t>(w.count(6), static_cast<std::int64_t>(without.size()));
  const Tensor x = w.images(Numbers(without.begin(), without.begin() + N)),
               y = moved(w.model(), x, v, strength, kColumns);
  std::vector<Tensor> rows;
  for (std::int64_t i = 0; i < N; ++i)
    rows.push_back(x.slice(i, i + 1)), rows.push_back(y.slice(i * kColumns, (i + 1) * kColumns));
  fmt::print("{}\n", w.picture(rows, 1 + kColumns));
}

}  // namespace gesso::models
