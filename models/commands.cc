#include "models/commands.h"

#include "models/evaluate.h"
#include "models/trained.h"
#include "models/trainer.h"
#include "nn/safetensors.h"

#include <algorithm>
#include <cstdio>

namespace gesso::models {
namespace {

namespace fs = std::filesystem;

void print_file(const fs::path& path) {
  nn::InputFile file(path);
  const nn::SafetensorsHeader header = nn::read_safetensors_header(file);
  std::size_t width = 4;
  std::int64_t elements = 0;
  for (const auto& t : header.tensors) width = std::max(width, t.name.size()), elements += t.shape.size();
  for (const auto& t : header.tensors) fmt::print("{:{}}  {:4} {}\n", t.name, width, t.dtype, t.shape);
  fmt::print("{} tensors, {} elements, {} bytes\n", header.tensors.size(), elements, file.size());
  for (const auto& [key, value] : header.metadata)  // checksums are for readers that are programs
    if (!key.starts_with("crc32c:")) fmt::print("{}: {}\n", key, value);
}

std::int64_t parameters_of(const Entry& entry, std::string* layers = nullptr) {
  const auto model = entry.make({.image = entry.image, .options = Options(entry.options), .lr = entry.lr});
  if (layers) *layers = nn::text(model->network());
  return nn::parameter_count(model->network());
}

}  // namespace

void sample(const std::string& path, Device device, std::int64_t count, std::uint64_t seed,
            const std::string& out) {
  const Trained t = load_trained(path, device);
  std::optional<nn::Progress> bar;  // of models that draw slowly
  t.model->drawn = [&](std::int64_t done, std::int64_t total) {
    if (!bar) bar.emplace(total, "drawing");
    bar->update(1);
    if (done == total) bar->finish();
  };
  const auto picture = samples(*t.model, t.config.image, count, seed);
  if (!picture)
    throw UsageError("{} forecasts films and draws nothing from noise; try  gesso reconstruct {}",
                     t.config.model, path);
  write_picture(*picture, out.empty() ? t.run.samples() / fmt::format("sample-{}.png", seed) : fs::path(out));
}

void reconstruct(const std::string& path, Device device, std::int64_t count,
                 const std::optional<std::string>& data, const std::string& out) {
  const Trained t = load_trained(path, device);
  const nn::ImageSet test = test_images(t.config, data);
  const Tensor x = test_pixels(*t.model, test, t.config.seed, 0, std::min(count, test.size()));
  const auto picture = reconstructions(*t.model, t.config.image, x);
  if (!picture)
    throw UsageError("{} makes images from noise only, so it has no reconstructions; try  gesso sample {}",
                     t.config.model, path);
  write_picture(*picture, out.empty() ? t.run.samples() / "reconstructions.png" : fs::path(out));
  if (const auto film = forecasts(*t.model, t.config.image, x); film && out.empty())
    write_picture(*film, t.run.samples() / "forecast.png");
}

void evaluate(const std::string& path, Device device, const EvalOptions& options) {
  using Json = nlohmann::ordered_json;
  const Trained t = load_trained(path, device);
  nn::ImageSet test = test_images(t.config, options.data);
  if (options.images) {
    if (*options.images > test.size())
      throw UsageError("--images {}: the test set has {}", *options.images, test.size());
    test.images = test.images.slice(0, *options.images);
  }
  const std::string data = options.data.value_or(t.config.data);
  const Json figures =
      evaluate(*t.model, test,
               {.data = data, .seed = t.config.seed, .importance_samples = options.importance_samples});
  if (options.json) {
    Json json = {{"model", t.config.model},
                 {"data", data},
                 {"split", "test"},
                 {"images", test.size()},
                 {"seed", t.config.seed}};
    json.update(figures);
    fmt::print("{}\n", json.dump());
    return;
  }
  fmt::print("{} on {}: {} test images, seed {}\n", t.config.model, data, test.size(), t.config.seed);
  std::size_t width = 16;
  for (const auto& [name, value] : figures.items()) width = std::max(width, name.size());
  for (const auto& [name, value] : figures.items())
    fmt::print("  {:{}} {}\n", name, width,
               value.is_number_float() ? fmt::format("{:.4f}", value.get<double>()) : value.dump());
  fmt::print("({})\n", find_model(t.config.model).measure);
}

void list_models(const std::string& name) {
  if (name.empty()) {
    for (const Entry& e : catalogue())
      fmt::print("{:10} {}, {} parameters\n", e.name, e.summary, parameters_of(e));
    fmt::print("\nMore of one:  gesso models {}\n", catalogue().back().name);
    return;
  }
  const Entry& e = find_model(name);
  std::string layers;
  const std::int64_t parameters = parameters_of(e, &layers);
  fmt::print(
      "{}: {}\n\nLosses: {}.\n\nDefaults: --lr {} --batch-size {} --epochs {}\n\nOptions, --set key=value:\n",
      e.name, e.summary, e.measure, e.lr, e.batch_size, e.epochs);
  for (const Option& o : e.options) fmt::print("  {:24} {}\n", o.name + "=" + o.value, o.help);
  fmt::print("\n{}\n\n{} parameters for images of {}x{}\n", layers, parameters, e.image[0], e.image[1]);
}

void info(const std::string& path) {
  if (!fs::is_directory(path)) {
    print_file(path);
    return;
  }
  const RunFolder run(path);
  const Config c = run.load_config();
  fmt::print("{} on {}, seed {}, --batch-size {} --lr {}", c.model, c.data, c.seed, c.batch_size, c.lr);
  for (const std::string& assignment : c.set) fmt::print(" --set {}", assignment);
  fmt::print("\n");
  const std::vector<nlohmann::ordered_json> lines = read_metrics(run);
  if (!lines.empty())
    fmt::print("step {} of {}, epoch {}\n", lines.back()["step"].dump(), c.total_steps(),
               lines.back().value("epoch", 0));
  for (const char* split : {"train", "test"}) {
    const auto last =
        std::find_if(lines.rbegin(), lines.rend(), [&](const auto& line) { return line["split"] == split; });
    if (last == lines.rend()) continue;
    fmt::print("{}:", split);
    for (const auto& [loss, value] : losses_of(*last)) fmt::print(" {} {:.4f}", loss, value);
    fmt::print("\n");
  }
  if (fs::exists(run.model_file())) print_file(run.model_file());
}

}  // namespace gesso::models
