#include "models/train.h"

#include "models/trainer.h"

#include <algorithm>

namespace gesso::models {
namespace {

namespace fs = std::filesystem;

void expect_positive(const char* option, const auto& value) {
  if (value && !(*value > 0)) throw UsageError("{} {}: expected a number above 0", option, *value);
}

void check_numbers(const TrainRequest& r) {
  expect_positive("--epochs", r.epochs);
  expect_positive("--steps", r.steps);
  expect_positive("--batch-size", r.batch_size);
  expect_positive("--lr", r.lr);
  if (r.epochs && r.steps)
    throw UsageError("--epochs and --steps both say how long to train; give one of them");
  if (!(r.save_every > 0))
    throw UsageError("--save-every {}: expected a number of seconds above 0", r.save_every);
}

/// A model that is built upon a run learns from that run's data.
std::string usual_data(const Config& c) {
  for (const Option& option : c.named_runs()) {
    try {
      return RunFolder(option.value).load_config().data;
    } catch (const Error& e) {
      throw UsageError("--set {}={}: {}", option.name, option.value, e.message());
    }
  }
  return "fashion";
}

Config new_config(const TrainRequest& r) {
  const Entry& entry = find_model(r.model);
  Config c;
  c.model = r.model;
  c.seed = r.seed.value_or(0);
  c.batch_size = r.batch_size.value_or(entry.batch_size);
  c.lr = r.lr.value_or(entry.lr);
  c.steps = r.steps;
  if (!c.steps) c.epochs = r.epochs.value_or(entry.epochs);
  c.set = r.set;
  c.data = r.data ? *r.data : usual_data(c);
  return c;
}

/// The run's own settings; other ones than those would make it another run, except how long it shall be.
Config resumed_config(const TrainRequest& r, const RunFolder& run) {
  Config c = run.load_config();
  const auto expect_same = [&](const char* option, const auto& asked, const auto& has) {
    if (asked && *asked != has)
      throw UsageError(
          "{} {}: the run in {} has {}, and a run keeps its settings; only --epochs or --steps may change",
          option, *asked, r.resume, has);
  };
  if (!r.out.empty()) throw UsageError("--out {}: a resumed run stays in its folder, {}", r.out, r.resume);
  expect_same("MODEL", r.model.empty() ? std::nullopt : std::optional(r.model), c.model);
  expect_same("--data", r.data ? std::optional(dataset_name(*r.data)) : std::nullopt, c.data);
  expect_same("--batch-size", r.batch_size, c.batch_size);
  expect_same("--lr", r.lr, c.lr);
  expect_same("--seed", r.seed, c.seed);
  if (!r.set.empty() && r.set != c.set)
    throw UsageError("--set: the run in {} has other options, and a run keeps its settings", r.resume);
  if (r.epochs || r.steps) {
    c.epochs = r.epochs;
    c.steps = r.steps;
  }
  return c;
}

/// Fills in what the images say, and checks what depends on them.
void complete(Config& c, const nn::ImageSet& train, const nn::ImageSet& test, bool resumed) {
  const Shape image = image_shape(train);
  check(image_shape(test) == image, "{}: test images of {}, but those to train with are {}",
        test.folder.string(), image_shape(test), image);
  check(!resumed || (c.train_images == train.size() && c.image == image),
        "{}: {} images of {}, but the run was begun with {} of {}", train.folder.string(), train.size(),
        image, c.train_images, c.image);
  if (image[2] != 1 && image[2] != 3)
    throw UsageError("--data {}: images of {} channels; expected 1 or 3, of which pictures can be made",
                     c.data, image[2]);
  c.train_images = train.size();
  c.image = image;
  if (c.batch_size > c.train_images)
    throw UsageError("--batch-size {}: larger than the data set, which has {} images", c.batch_size,
                     c.train_images);
  // Where the counters end that put the images of an epoch in order.
  constexpr std::int64_t kMost = std::int64_t{1} << 32;
  if (c.epochs.value_or(0) >= kMost || c.total_steps() / c.steps_per_epoch() >= kMost)
    throw UsageError("{}: 2^32 epochs or more are too many",
                     c.epochs ? fmt::format("--epochs {}", *c.epochs) : fmt::format("--steps {}", *c.steps));
}

/// A run cannot go back: it would say that it has fewer steps than it has made.
void expect_more_than(std::int64_t step, const Config& c, const TrainRequest& r) {
  if (c.total_steps() >= step) return;
  throw UsageError("{}: the run in {} has already made {} steps; expected as many or more{}",
                   c.epochs ? fmt::format("--epochs {}", *c.epochs) : fmt::format("--steps {}", *c.steps),
                   r.resume, step, c.epochs ? fmt::format(", and an epoch has {}", c.steps_per_epoch()) : "");
}

/// RUN as given, or the first of runs/MODEL-DATA-1, -2, .. that is not there yet.
RunFolder new_folder(const TrainRequest& r, const Config& c) {
  if (!r.out.empty()) {
    RunFolder run(r.out);
    if (run.has_run())
      throw UsageError(
          "--out {}: there is a run in this folder; go on with  gesso train --resume {}  or choose another "
          "folder",
          r.out, r.out);
    return run;
  }
  fs::create_directories("runs");
  for (int i = 1;; ++i) {
    const fs::path path =
        fs::path("runs") / fmt::format("{}-{}-{}", c.model, fs::path(c.data).filename().string(), i);
    if (fs::create_directory(path)) return RunFolder(path);
  }
}

}  // namespace

int train(const TrainRequest& request) {
  check_numbers(request);
  const bool resumed = !request.resume.empty();
  if (!resumed && request.model.empty()) throw UsageError("which model? For example  gesso train mlp-vae");
  Config config = resumed ? resumed_config(request, RunFolder(request.resume)) : new_config(request);
  config.recipe();  // throws for --set
  config.data = dataset_name(config.data);
  const nn::ImageSet images = nn::load_images(config.data, nn::Split::train);
  const nn::ImageSet test = nn::load_images(config.data, nn::Split::test);
  complete(config, images, test, resumed);
  // Before there is a folder: images of a size that the model does not take leave nothing behind.
  std::unique_ptr<Model> model = find_model(config.model)
                                     .make(resumed ? RunFolder(request.resume).recipe(config, request.device)
                                                   : config.recipe(request.device));

  RunFolder run = resumed ? RunFolder(request.resume) : new_folder(request, config);
  run.lock();
  if (!resumed) run.keep_named_runs(config);
  Trainer trainer(
      run, config, std::move(model), images, test,
      {.save_every = request.save_every, .steps = request.graph ? Steps::As::graph : Steps::As::kernels});
  const std::string what =
      fmt::format("{} on {}, {} images of {}", config.model, config.data, config.train_images, config.image);
  if (resumed) {
    const std::int64_t step = trainer.resume();
    expect_more_than(step, config, request);
    fmt::print(
        stderr, "gesso: going on with {} from step {} of {}{}\n", run.path().string(), step,
        config.total_steps(),
        step == config.total_steps() ? ": nothing is left to do; --steps or --epochs make it longer" : "");
  } else {
    fmt::print(stderr, "gesso: {} into {}\n", what, run.path().string());
  }
  if (!trainer.objective().empty()) fmt::print(stderr, "gesso: {}\n", trainer.objective());
  if (const int signal = trainer.run()) {
    fmt::print(stderr, "gesso: stopped and saved; to go on:  gesso train --resume {}\n", run.path().string());
    return 128 + signal;
  }
  fmt::print("{}\n", run.path().string());
  return 0;
}

}  // namespace gesso::models
