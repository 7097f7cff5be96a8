#include "models/trainer.h"

#include "kernels/profile.h"
#include "models/report.h"
#include "nn/atomic_file.h"

#include <cmath>
#include <utility>

namespace gesso::models {
namespace {

constexpr std::int64_t kLogEvery = 50;  // steps: lines enough for a curve, few enough to cost nothing
constexpr std::int64_t kSamples = 64;   // images in the grid of each epoch
constexpr std::int64_t kPairs = 64;     // test images in the picture of reconstructions
constexpr std::int64_t kCorners = 200;  // test images among which the corners of the walk are chosen

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::string text(const Losses& losses) {
  std::string s;
  for (const auto& [name, value] : losses)
    s += fmt::format("{}{} {:.4g}", s.empty() ? "" : ", ", name, value);
  return s;
}

}  // namespace

Tensor test_pixels(Model& model, const nn::ImageSet& test, std::uint64_t seed, std::int64_t begin,
                   std::int64_t end) {
  const Tensor x = pixels(test, begin, end);
  Generator draws = random_stream(seed, Stream::pixels);
  draws.state.offset += static_cast<std::uint64_t>(begin * x.dim(1));
  return model.observed(x.to(model.device), draws);
}

Losses test_losses(Model& model, const nn::ImageSet& test, std::uint64_t seed) {
  Generator noise = random_stream(seed, Stream::evaluation);
  MeanLosses all;
  for (std::int64_t i = 0; i < test.size(); i += kTestBatch) {
    const Tensor x = test_pixels(model, test, seed, i, std::min(i + kTestBatch, test.size()));
    all.add(model.evaluate(x, noise), x.dim(0));
  }
  Losses losses = all.mean();
  for (const Loss& total : model.totals()) losses.push_back(total);
  return losses;
}

Trainer::Trainer(const RunFolder& run, const Config& config, std::unique_ptr<Model> model,
                 const nn::ImageSet& train, const nn::ImageSet& test, const TrainerOptions& options)
    : run_(run),
      config_(config),
      train_(train),
      test_(test),
      batches_(train, {.batch_size = config.batch_size,
                       .seed = config.seed,
                       .drop_last = config.drops_last(),
                       .early_start = in_random_order(config.data)}),
      model_(std::move(model)),
      make_step_(*model_, options.steps, [this](const std::string& line) { say(line); }),
      save_every_(options.save_every) {
  config_.objective = model_->describe();
}

std::int64_t Trainer::resume() {
  step_ = run_.load_checkpoint(*model_, [this](const std::string& what) { say("warning: " + what); });
  resumed_at_ = step_;
  batches_.seek({.epoch = step_ / batches_.per_epoch(), .batch = step_ % batches_.per_epoch()});
  return step_;
}

int Trainer::run() {
  const StopSignals signals;
  last_save_ = Clock::now();
  while (step_ < config_.total_steps() && !signals.asked()) epoch(signals);
  if (!log_) begin();  // no step was left to do
  finish();
  return signals.asked();
}

/// From where the run stands to the end of its epoch, or of the run, or to a signal.
void Trainer::epoch(const StopSignals& signals) {
  const std::int64_t per_epoch = config_.steps_per_epoch(), B = config_.batch_size, n = config_.train_images;
  const std::int64_t total = config_.total_steps(), number = step_ / per_epoch;
  const std::int64_t end = std::min(total, (number + 1) * per_epoch);
  bar_.emplace(nn::ProgressOptions{
      .total = n - config_.drops_last(),
      .description = fmt::format("epoch {}/{}", number + 1, (total + per_epoch - 1) / per_epoch),
      .unit = "img",
      .initial = step_ % per_epoch * B});
  window_start_ = Clock::now();
  while (step_ < end && !signals.asked()) {
    const Tensor images = batches_.next().images;
    const std::int64_t count = images.dim(0);
    kernels::Profile::set_step(step_ + 1);
    StepLosses losses = make_step_(images.reshape({count, -1}));
    kernels::Profile::set_step(0);
    unread_.push_back({++step_, count, std::move(losses)});
    const bool saves = seconds_since(last_save_) > save_every_;
    const bool logs = step_ % kLogEvery == 0 || step_ == end || signals.asked();
    if (model_->device == Device::cpu || !log_ || logs || saves) read_losses();
    if (!log_) begin();
    if (logs) log_window(number + 1);
    bar_->update(count, [&] {
      read_losses();
      return text(newest_);
    });
    if (saves) save();
  }
  read_losses();
  if (step_ == end) evaluate(number + 1);
  bar_.reset();
}

/// Waits for the device. On a GPU that is seldom: until then the host asks for steps whose losses it has not seen.
void Trainer::read_losses() {
  for (const Unread& unread : std::exchange(unread_, {})) {
    newest_ = unread.losses.read();
    check_finite(newest_, unread.step);
    window_.add(newest_, unread.images);
  }
}

/// What a run has beside its folder; after the first step, which must not wait for a disk.
void Trainer::begin() {
  run_.save_config(config_);
  log_.emplace(run_, resumed_at_);
}

void Trainer::check_finite(const Losses& losses, std::int64_t step) {
  for (const auto& [name, value] : losses) {
    if (std::isfinite(value)) continue;
    const std::string late = step < step_ ? fmt::format(" (seen after step {})", step_) : "";
    const std::string what = fmt::format("step {}: {} is {}: this run has diverged; try --lr below {}{}",
                                         step, name, value, config_.lr, late);
    alarm(step, what);
    throw Error("{}", what);
  }
}

/// Where people look later: the error stream has it already, or will.
void Trainer::alarm(std::int64_t step, const std::string& what) {
  if (!log_) return;  // not one step went well, so there is no run
  attempt([&] { log_->alarm(step, what); });
  attempt([&] { write_report(run_); });
}

void Trainer::log_window(std::int64_t epoch) {
  last_ = window_.mean();
  const double rate = static_cast<double>(window_.images()) / seconds_since(window_start_);
  attempt([&] { log_->losses("train", step_, epoch, last_, rate); });
  window_ = {};
  window_start_ = Clock::now();
}

void Trainer::evaluate(std::int64_t epoch) {
  const kernels::Phase phase("evaluation");
  const Losses losses = test_losses(*model_, test_, config_.seed);
  check_finite(losses, step_);
  bar_->set_postfix(fmt::format("{}, test {:.4g}", text(last_), losses.front().value));
  const Tensor seen = test_pixels(*model_, test_, config_.seed, 0, std::min(test_.size(), kTestBatch));
  for (const std::string& what : model_->alarms(seen)) say("warning: " + what), alarm(step_, what);
  attempt([&] { log_->losses("test", step_, epoch, losses); });
  const auto picture = samples(*model_, config_.image, kSamples, config_.seed);
  if (!picture) return;
  attempt([&] { log_->picture("samples", step_, *picture); });
  attempt([&] {
    if (step_ % config_.steps_per_epoch() == 0)
      nn::write_file(run_.samples() / fmt::format("epoch_{:03}.png", epoch), picture->png);
    nn::write_file(run_.samples() / "latest.png", picture->png);
  });
}

void Trainer::finish() {
  const bool saved = save();
  const bool shared = attempt([&] { run_.save_model(*model_, config_); });
  const bool shown = attempt([&] {
    const auto first = [this](std::int64_t n) {
      return test_pixels(*model_, test_, config_.seed, 0, std::min(test_.size(), n));
    };
    if (const auto pairs = reconstructions(*model_, config_.image, first(kPairs)))
      nn::write_file(run_.samples() / "reconstructions.png", pairs->png);
    if (const auto film = forecasts(*model_, config_.image, first(kPairs)))
      nn::write_file(run_.samples() / "forecast.png", film->png);
    if (const auto sheet = walk(*model_, config_.image, first(kCorners), config_.seed))
      nn::write_file(run_.samples() / "walk.png", sheet->png);
    if (const auto units = traversal(*model_, config_.image, first(kTestBatch)))
      nn::write_file(run_.samples() / "traversal.png", units->png);
    write_report(run_);
  });
  train_.wait_for(train_.size());  // a short run may end before the end of a broken file is reached
  check(saved && shared && shown, "the end of this run could not be saved in full: {}", last_failure_);
}

bool Trainer::save() {
  last_save_ = Clock::now();
  return attempt([&] { run_.save_checkpoint(*model_, step_); });
}

/// A file that cannot be written is a warning, the same one only once, and training goes on.
bool Trainer::attempt(const std::function<void()>& write) {
  try {
    write();
    return true;
  } catch (const nn::FileError& e) {
    last_failure_ = e.what();
    if (warned_.insert(last_failure_).second) say("warning: " + last_failure_);
    return false;
  }
}

void Trainer::say(const std::string& line) {
  const std::string all = "gesso: " + line;
  if (bar_)
    bar_->note(all);
  else
    fmt::print(stderr, "{}\n", all);
}

}  // namespace gesso::models
