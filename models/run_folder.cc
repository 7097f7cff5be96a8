#include "models/run_folder.h"

#include "nn/atomic_file.h"
#include "nn/safetensors.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <sys/file.h>

namespace gesso::models {
namespace {

namespace fs = std::filesystem;
using nn::FileError;

template <class T>
T value_of(const nlohmann::json& json, const char* key) {
  const auto at = json.find(key);
  check(at != json.end(), "\"{}\" is missing", key);
  try {
    return at->get<T>();
  } catch (const nlohmann::json::exception&) {
    throw Error("\"{}\" is {}, which is of the wrong type", key, at->dump());
  }
}

std::optional<std::int64_t> optional_of(const nlohmann::json& json, const char* key) {
  return json.contains(key) ? std::optional(value_of<std::int64_t>(json, key)) : std::nullopt;
}

std::int64_t step_of(const nn::Safetensors& file, const fs::path& path) {
  const auto at = file.metadata.find("step");
  if (at == file.metadata.end())
    throw FileError(path, FileError::kWhole, "no checkpoint of gesso: it has no step");
  return integer(path.string() + ": step", at->second);
}

/// What makes a run usable as a part of another: its settings, its weights, and the runs that it is built upon itself.
void copy_run(const fs::path& from, const fs::path& to) {
  const RunFolder source(from), copy(to);
  const Config config = source.load_config();
  try {
    fs::create_directories(to);
    constexpr auto kOverwrite = fs::copy_options::overwrite_existing;
    fs::copy_file(source.config_file(), copy.config_file(), kOverwrite);
    fs::copy_file(source.model_file(), copy.model_file(), kOverwrite);
  } catch (const fs::filesystem_error& e) {
    throw FileError(to, FileError::kWhole,
                    fmt::format("cannot be copied from {}: {}", from.string(), e.code().message()));
  }
  for (const Option& option : config.named_runs()) copy_run(from / option.name, to / option.name);
}

std::int64_t load(const fs::path& path, Model& model) {
  const nn::Safetensors file = nn::load_safetensors(path);
  const std::int64_t step = step_of(file, path);
  try {
    nn::load_state(model.network(), part_of(file.tensors, "weights"));
    model.load_training_state(part_of(file.tensors, "training"));
  } catch (const Error& e) {
    throw FileError(path, FileError::kWhole, e.what());
  }
  return step;
}

}  // namespace

Recipe Config::recipe(Device device) const {
  Recipe r{.image = image,
           .options = Options(find_model(model).options),
           .lr = lr,
           .seed = seed,
           .device = device};
  for (const std::string& assignment : set) r.options.set(assignment);
  return r;
}

std::vector<Option> Config::named_runs() const {
  std::vector<Option> named = recipe().options.all();
  std::erase_if(named, [](const Option& o) { return !o.names_run || o.value.empty(); });
  return named;
}

nlohmann::ordered_json Config::to_json() const {
  nlohmann::ordered_json json = {{"gesso", GESSO_VERSION}, {"model", model}, {"data", data}, {"seed", seed}};
  if (epochs) json["epochs"] = *epochs;
  if (steps) json["steps"] = *steps;
  json["batch_size"] = batch_size;
  json["lr"] = lr;
  json["set"] = set;
  json["image"] = std::vector<std::int64_t>(image.begin(), image.end());
  json["train_images"] = train_images;
  if (!objective.empty()) json["objective"] = objective;
  return json;
}

Config Config::from_json(const nlohmann::json& json) {
  Config c;
  c.model = value_of<std::string>(json, "model");
  c.data = value_of<std::string>(json, "data");
  c.seed = value_of<std::uint64_t>(json, "seed");
  c.epochs = optional_of(json, "epochs");
  c.steps = optional_of(json, "steps");
  check(c.epochs || c.steps, "\"steps\" or \"epochs\" is missing");
  c.batch_size = value_of<std::int64_t>(json, "batch_size");
  c.lr = value_of<double>(json, "lr");
  c.set = value_of<std::vector<std::string>>(json, "set");
  const auto image = value_of<std::vector<std::int64_t>>(json, "image");
  check(image.size() == 3 && c.batch_size > 0, "\"image\" or \"batch_size\" makes no sense");
  c.image = Shape(image);
  c.train_images = value_of<std::int64_t>(json, "train_images");
  if (json.contains("objective")) c.objective = value_of<std::string>(json, "objective");
  return c;
}

void RunFolder::lock() {
  std::error_code failed;
  fs::create_directories(samples(), failed);
  if (failed) throw FileError(samples(), FileError::kWhole, "cannot be made: " + failed.message());
  lock_ = nn::Descriptor(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock_.fd() < 0) throw FileError(path_, FileError::kWhole, std::strerror(errno));
  if (::flock(lock_.fd(), LOCK_EX | LOCK_NB) != 0)
    throw FileError(path_, FileError::kWhole,
                    errno == EWOULDBLOCK ? "another process is training here" : std::strerror(errno));
  nn::remove_stale_temporaries(path_);
  nn::remove_stale_temporaries(samples());
}

void RunFolder::keep_named_runs(const Config& config) const {
  for (const Option& option : config.named_runs()) copy_run(option.value, path_ / option.name);
}

Recipe RunFolder::recipe(const Config& config, Device device) const {
  Recipe recipe = config.recipe(device);
  for (const Option& option : config.named_runs())
    recipe.options.set(option.name + "=" + (path_ / option.name).string());
  return recipe;
}

void RunFolder::save_config(const Config& config) const {
  nn::write_file(config_file(), config.to_json().dump(2) + "\n");
}

Config RunFolder::load_config() const {
  if (!fs::is_directory(path_)) throw FileError(path_, FileError::kWhole, "there is no such run folder");
  std::ifstream in(config_file());
  if (!in) throw FileError(config_file(), FileError::kWhole, "cannot be read; is this the folder of a run?");
  try {
    return Config::from_json(nlohmann::json::parse(in));
  } catch (const nlohmann::json::exception& e) {
    throw FileError(config_file(), FileError::kWhole, std::string("not JSON: ") + e.what());
  } catch (const Error& e) {
    throw FileError(config_file(), FileError::kWhole, e.what());
  }
}

void RunFolder::save_checkpoint(Model& model, std::int64_t step) const {
  // A second name for the checkpoint there is, so that at every moment one whole checkpoint has its own name.
  std::error_code ignored;
  fs::remove(previous_checkpoint_file(), ignored);
  fs::create_hard_link(checkpoint_file(), previous_checkpoint_file(), ignored);
  nn::save_safetensors(
      checkpoint_file(),
      {.tensors = joined({{"weights", nn::state(model.network())}, {"training", model.training_state()}}),
       .metadata = {{"step", std::to_string(step)}}},
      {.checksums = true});
}

std::int64_t RunFolder::load_checkpoint(Model& model,
                                        const std::function<void(const std::string&)>& warn) const {
  const fs::path newest = checkpoint_file(), before = previous_checkpoint_file();
  if (!fs::exists(newest) && !fs::exists(before))
    throw FileError(newest, FileError::kWhole, "this run ended before its first checkpoint; begin it anew");
  try {
    return load(newest, model);
  } catch (const FileError& e) {
    if (!fs::exists(before)) throw;
    warn(fmt::format("{}; going back to {}", e.what(), before.string()));
    const std::int64_t step = load(before, model);
    fs::rename(before, newest);
    return step;
  }
}

void RunFolder::save_model(Model& model, const Config& config) const {
  nn::save_safetensors(model_file(), {.tensors = nn::state(model.network()),
                                      .metadata = {{"gesso", config.to_json().dump()}}});
}

void RunFolder::load_model(Model& model) const {
  nn::load_state(model.network(), nn::load_safetensors(model_file()).tensors);
}

Trained load_trained(const fs::path& path, Device device) {
  RunFolder run(path);
  Config config = run.load_config();
  auto model = find_model(config.model).make(run.recipe(config, device));
  run.load_model(*model);
  return {std::move(run), std::move(config), std::move(model)};
}

}  // namespace gesso::models
