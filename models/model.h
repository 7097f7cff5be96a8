// What the commands need of a model. A new model is one page that derives from this, and one entry in the catalogue.
#pragma once

#include "models/options.h"
#include "nn/module.h"
#include "tensor/ops.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace gesso::models {

struct Loss {
  const char* name;
  double value;
};
/// "loss", the total, then its parts.
using Losses = std::vector<Loss>;

/// The losses of a training step, as values that its device may not have computed yet: a step that waited for its losses
/// would leave the device idle until the next one is asked for.
struct StepLosses {
  std::vector<Tensor> values;
  std::function<Losses(const std::vector<Tensor>& values)> named;
  Losses read() const { return named(values); }  // waits for them
};

/// The mean of losses that are means over different numbers of images.
class MeanLosses {
 public:
  void add(const Losses& losses, std::int64_t images);
  Losses mean() const;
  std::int64_t images() const { return images_; }

 private:
  Losses sum_;
  std::int64_t images_ = 0;
};

/// The random streams of a run. They start 2^48 elements apart in one Philox sequence, so that they never meet.
enum class Stream : std::uint64_t { weights, training, evaluation, pictures, pixels };
inline Generator random_stream(std::uint64_t seed, Stream which) {
  Generator g(seed);
  g.state.offset = static_cast<std::uint64_t>(which) << 48;
  return g;
}

/// What a model is made from.
struct Recipe {
  Shape image;  // (H,W,C)
  Options options;
  double lr = 0;
  std::uint64_t seed = 0;
  Device device = Device::cpu;

  std::int64_t pixels() const { return image.size(); }
};

/// q(z|x) of N images: independent Gaussians, (N,L) each, on the model's device.
struct Posterior {
  Tensor mean, logvar;
};

/// One of the small pictures (h,w) of whole numbers 0 .. K-1, the codes, that an image becomes.
struct CodeGrid {
  std::int64_t h, w, K;
};
/// h w of all.
std::int64_t places(const std::vector<CodeGrid>& grids);

/// Images x (N,D) are rows of D = H W C pixels in [0,1], f32, on the model's device; so are the results.
class Model {
 public:
  explicit Model(Device where) : device(where) {}
  virtual ~Model() = default;

  const Device device;

  /// All parts with weights, under the names they have in model.safetensors.
  virtual nn::Module& network() = 0;
  /// One training step: changes the weights, and returns the losses it had before.
  virtual StepLosses launch_step(const Tensor& x) = 0;
  Losses step(const Tensor& x) { return launch_step(x).read(); }
  /// What a step does on the host, or otherwise than the one before, so that it cannot be recorded (tensor/replay.h): the rest
  /// of a sentence. Empty where there is nothing.
  virtual std::string steps_differ() const = 0;
  /// The losses of images the model does not learn from: means over them, with noise from `noise`.
  virtual Losses evaluate(const Tensor& x, Generator& noise) = 0;
  /// Figures of all images evaluated since this was last asked, taken together: what is no mean over images.
  virtual Losses totals() { return {}; }
  /// How many frames of a film lie below each other in an image: 1 for pictures.
  virtual std::int64_t frames() const { return 1; }
  /// y (count,D): new images; undefined for a model that does not draw from noise.
  virtual Tensor sample(std::int64_t count, Generator& noise) = 0;
  /// y (N,D): x after encoding and decoding; undefined for a model that does not encode.
  virtual Tensor reconstruct(const Tensor&) { return {}; }
  /// y (side*side,D): a sheet of images that goes smoothly from corner to corner. The corners are the four images x, or for
  /// a model that does not encode, noise. Undefined for a model without anything to walk through.
  virtual Tensor walk(const Tensor& x, Generator& noise, std::int64_t side) = 0;

  /// What the losses are made of, as the options have it: a line for the log. Empty where nothing can be set.
  virtual std::string describe() const { return ""; }
  /// What is wrong with a model that has learned so far, a line each; x are images it does not learn from.
  virtual std::vector<std::string> alarms(const Tensor&) { return {}; }
  /// The images that a model of x learns, where it does not take grey pixels as they are: drawn from `pixels`.
  virtual Tensor observed(const Tensor& x, Generator&) { return x; }

  // Of a model with latent variables; undefined tensors of others.
  virtual Posterior posterior(const Tensor&) { return {}; }
  /// log w (N), nats, w = p(x,z) / q(z|x): one z ~ q(z|x) for each image.
  virtual Tensor log_weight(const Tensor&, const Posterior&, Generator&) { return {}; }
  /// For codes z (N,L), with derivatives by them: the mean of p(x|z), (N,D); and log p(x_i|z) of each pixel, (N,D),
  /// nats.
  virtual Var image(const Var& /*z*/) { return {}; }
  virtual Var log_likelihood(const Var& /*z*/, const Tensor& /*x*/) { return {}; }
  /// y (rows*columns,D): x[0] with one unit of its code after the other (a row each) set to values from -3 to
  /// 3 (columns). At most 16 units, those first that tell most about the images x.
  virtual Tensor traverse(const Tensor&, std::int64_t) { return {}; }

  // Of a model with codes; empty of others.
  /// The pictures of codes that an image becomes, the coarsest first.
  virtual std::vector<CodeGrid> code_grids() const { return {}; }
  /// k (N,h,w) i64 of each grid.
  virtual std::vector<Tensor> encode(const Tensor&) { return {}; }
  /// y (N,D). Codes that are left out at the end count as unknown: what is decoded is the mean of all.
  virtual Tensor decode(const std::vector<Tensor>&) { return {}; }
  /// Called while sample() draws codes one after the other, which takes time: `done` of `total` are there.
  std::function<void(std::int64_t done, std::int64_t total)> drawn;

  /// What beside the weights must be kept to go on as if never interrupted: optimizers and the noise stream.
  virtual nn::State training_state() = 0;
  virtual void load_training_state(const nn::State& state) = 0;
};

/// x (N,D) as (N, shape..), where a shape has D elements.
Tensor with_shape(const Tensor& x, const Shape& shape);

/// While it lives, layers do what they do in evaluation: no dropout, running statistics.
class EvaluationMode {
 public:
  explicit EvaluationMode(nn::Module& m) : module_(m), before_(m.training) { nn::set_training(m, false); }
  ~EvaluationMode() { nn::set_training(module_, before_); }
  EvaluationMode(const EvaluationMode&) = delete;
  EvaluationMode& operator=(const EvaluationMode&) = delete;

 private:
  nn::Module& module_;
  const bool before_;
};

/// That, and nothing is recorded.
class Evaluation {
 public:
  explicit Evaluation(nn::Module& m) : mode_(m) {}

 private:
  const EvaluationMode mode_;
  const NoGrad off_;
};

/// Several states as one, in which each name begins with its part's; and such a part again.
nn::State joined(const std::map<std::string, nn::State>& parts);
nn::State part_of(const nn::State& all, const std::string& part);
/// A random stream as a state: its counter. The seed belongs to the run.
nn::State state_of(const Generator& g);
void load_state(Generator& g, const nn::State& state);

/// One model as the command line offers it.
struct Entry {
  const char* name;
  const char* summary;
  std::vector<Option> options;
  const char* measure;        // what the losses are
  const char* unit = "nats";  // of the losses, in plots
  double lr;
  std::int64_t batch_size, epochs;
  std::unique_ptr<Model> (*make)(const Recipe& recipe);
  /// What the picture of Model::walk() shows, for the report.
  const char* walk_heading = "A walk through latent space";
  const char* walk_words = "Four points at the corners, and what lies between them.";
  Shape image = {28, 28, 1};  // for which `gesso models` shows its layers
};

const std::vector<Entry>& catalogue();
/// Throws UsageError for a model there is none of.
const Entry& find_model(const std::string& name);

}  // namespace gesso::models
