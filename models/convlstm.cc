#include "models/convlstm.h"

#include "models/ssim.h"
#include "nn/losses.h"

#include <algorithm>
#include <numeric>

namespace gesso::models {

using namespace nn;

namespace {

bool is_dense(const Recipe& r) { return r.options.choice("cell", {"convlstm", "lstm"}) == "lstm"; }

Shape frame_of(const Recipe& r) {
  const std::int64_t H = r.image[0], W = r.image[1];
  if (H % (2 * W) != 0)
    throw UsageError(
        "convlstm is for films, an even number of square frames below each other, as in  --data moving; "
        "these images are {}x{}",
        H, W);
  return {W, W, r.image[2]};
}

std::int64_t patch_of(const Recipe& r) {
  const std::int64_t side = r.image[1];
  if (is_dense(r)) return side;
  const std::int64_t patch = r.options.count("patch");
  if (side % patch != 0)
    throw UsageError("--set patch={}: frames of {}x{} cannot be cut into such patches", patch, side, side);
  return patch;
}

std::int64_t kernel_of(const Recipe& r) {
  if (is_dense(r)) return 1;
  const std::int64_t kernel = r.options.count("kernel");
  if (kernel % 2 == 0)
    throw UsageError("--set kernel={}: it must be odd, so that frames keep their size", kernel);
  return kernel;
}

std::vector<std::int64_t> hidden_of(const Recipe& r) {
  std::vector<std::int64_t> hidden{is_dense(r) ? 512 : 32};
  if (r.options.text("hidden") != "auto") hidden = r.options.counts("hidden");
  for (std::int64_t& channels : hidden) channels = scaled(channels, r.options);
  return hidden;
}

/// A layer for each number of channels; the lowest sees `in` channels, each other one the layer below.
std::vector<ConvLSTM> layers(const Recipe& r, std::int64_t in, Generator& g) {
  const std::int64_t places = r.image[1] / patch_of(r);
  std::vector<ConvLSTM> all;
  for (const std::int64_t channels : hidden_of(r)) {
    all.emplace_back(in, channels, kernel_of(r), HW(places), g);
    in = channels;
  }
  return all;
}

/// Channels of all layers together.
std::int64_t readout_of(const Recipe& r) {
  const std::vector<std::int64_t> hidden = hidden_of(r);
  return std::accumulate(hidden.begin(), hidden.end(), std::int64_t{0});
}

/// One step of all layers: each sees the one below, the lowest x.
void advance(const std::vector<ConvLSTM>& layers, Var x, std::vector<LstmState>& states) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    states[i] = layers[i](x, states[i]);
    x = states[i].h;
  }
}

}  // namespace

std::vector<Option> convlstm_options() {
  return {width_option(),
          {"cell", "convlstm", "convlstm, or lstm: a frame is one vector, kernel and patch are not used"},
          {"hidden", "auto", "channels of each layer, from the bottom; auto: 32, or 512 for cell=lstm"},
          {"kernel", "5", "side of the filters, odd"},
          {"patch", "4", "side of the squares whose pixels become channels"}};
}

ConvLstmNetwork::ConvLstmNetwork(const Recipe& r, Generator& g)
    : frame(frame_of(r)),
      frames(r.image[0] / r.image[1]),
      patch(patch_of(r)),
      encoder(layers(r, patch * patch * frame[2], g)),
      forecaster(layers(r, 0, g)),
      readout(readout_of(r), patch * patch * frame[2], 1, g) {}

void ConvLstmNetwork::parts(Parts& p) {
  for (std::size_t i = 0; i < encoder.size(); ++i) p(fmt::format("encoder.{}", i), encoder[i]);
  for (std::size_t i = 0; i < forecaster.size(); ++i) p(fmt::format("forecaster.{}", i), forecaster[i]);
  p("readout", readout);
}

// films (N, frames, h, p, w, p C), where p rows and p C columns are a patch
Tensor ConvLstmNetwork::patches(const Tensor& films) const {
  const std::int64_t h = frame[0] / patch, columns = patch * frame[2];
  const Tensor x = films.reshape({films.dim(0), -1, h, patch, h, columns});
  return tensor::permute(x, {1, 0, 2, 4, 3, 5}).reshape({x.dim(1), x.dim(0), h, h, patch * columns});
}

Tensor ConvLstmNetwork::films(const Tensor& x) const {
  const std::int64_t h = frame[0] / patch, columns = patch * frame[2];
  return tensor::permute(x.reshape({x.dim(0), x.dim(1), h, h, patch, columns}), {1, 0, 2, 4, 3, 5})
      .reshape({x.dim(1), -1});
}

Var ConvLstmNetwork::forecast(const Tensor& given) {
  std::vector<LstmState> states(encoder.size());
  for (std::int64_t t = 0; t < given.dim(0); ++t) advance(encoder, given[t], states);
  std::vector<Var> seen;
  for (std::int64_t t = given.dim(0); t < frames; ++t) {
    advance(forecaster, {}, states);
    std::vector<Var> all;
    for (const LstmState& s : states) all.push_back(s.h);
    seen.push_back(all.size() > 1 ? concat(all, 3) : all[0]);
  }
  return readout(concat(seen))
      .reshape({frames - given.dim(0), given.dim(1), given.dim(2), given.dim(3), given.dim(4)});
}

ConvLstm::ConvLstm(const Recipe& recipe)
    : Model(recipe.device),
      weights_(random_stream(recipe.seed, Stream::weights)),
      net_(on(device, ConvLstmNetwork(recipe, weights_))),
      adam_(named_parameters(net_), Adam{.lr = recipe.lr}) {}

StepLosses ConvLstm::launch_step(const Tensor& x) {
  const Tensor all = net_.patches(x), target = all.slice(net_.frames / 2, net_.frames);
  const Var loss = bce_with_logits(net_.forecast(all.slice(0, net_.frames / 2)), target, Reduction::sum) /
                   static_cast<double>(x.dim(0));
  loss.backward();
  adam_.step();
  adam_.zero_grad();
  return {.values = {loss.value()}, .named = [](const std::vector<Tensor>& of) {
            return Losses{{"loss", of[0].item()}};
          }};
}

namespace {

/// The mean over frames (..,D) of the squared error, summed over a frame.
double squared_error(const Tensor& y, const Tensor& x, std::int64_t frames) {
  return tensor::sum_binary(kernels::Binary::squared_difference, y, x).item() / static_cast<double>(frames);
}

double mean_of(const std::vector<double>& v) {
  return std::accumulate(v.begin(), v.end(), 0.) / static_cast<double>(v.size());
}

}  // namespace

Losses ConvLstm::evaluate(const Tensor& x, Generator&) {
  const Evaluation on(net_);
  constexpr std::int64_t kTogether = 25;  // sequences, whose states and gates stay in the caches
  MeanLosses all;
  for (std::int64_t i = 0; i < x.dim(0); i += kTogether) {
    const Tensor some = x.slice(i, std::min(i + kTogether, x.dim(0)));
    all.add(evaluate_some(some), some.dim(0));
  }
  return all.mean();
}

Losses ConvLstm::evaluate_some(const Tensor& x) {
  const std::int64_t N = x.dim(0), half = net_.frames / 2, count = N * half;
  const Tensor all = net_.patches(x), target = all.slice(half, net_.frames), last = all.slice(half - 1, half);
  const Tensor copy = tensor::broadcast_to(last, target.shape());
  const Var logits = net_.forecast(all.slice(0, half));
  const Tensor y = sigmoid(logits).value();
  // Its best doubt on moving digits is about one in twenty.
  const Var doubting = clamp(copy, 0.05, 0.95);
  const Shape pictures{count, net_.frame[0], net_.frame[1], net_.frame[2]};
  const auto as_pictures = [&](const Tensor& t) { return net_.films(t).reshape(pictures).to(Device::cpu); };
  const Tensor truth = as_pictures(target);
  const auto scores = [&](const Tensor& of) {
    return std::pair(squared_error(of, target, count), mean_of(ssim(as_pictures(of), truth)));
  };
  const auto nats = [&](const Var& d) {
    return bce_with_logits(d, target, Reduction::sum).item() / static_cast<double>(N);
  };
  const auto [mse, similarity] = scores(y);
  const auto [copy_mse, copy_similarity] = scores(copy);
  return {{"loss", nats(logits)}, {"mse", mse},
          {"ssim", similarity},   {"copy_loss", nats(log(doubting / (1 - doubting)))},
          {"copy_mse", copy_mse}, {"copy_ssim", copy_similarity}};
}

Tensor ConvLstm::reconstruct(const Tensor& x) {
  const Evaluation on(net_);
  const Tensor given = net_.patches(x).slice(0, net_.frames / 2);
  return net_.films(tensor::concat({given, sigmoid(net_.forecast(given)).value()}));
}

std::string ConvLstm::describe() const {
  std::vector<std::int64_t> hidden;
  for (const ConvLSTM& layer : net_.encoder) hidden.push_back(layer.bias.dim(0) / 4);
  const std::int64_t half = net_.frames / 2, places = net_.frame[0] / net_.patch;
  return fmt::format("{} frames after {}, each as {}x{} places of {} pixels; layers of {} channels", half,
                     half, places, places, net_.patch * net_.patch, fmt::join(hidden, ", "));
}

State ConvLstm::training_state() { return joined({{"adam", adam_.state()}}); }
void ConvLstm::load_training_state(const State& state) { adam_.load_state(part_of(state, "adam")); }

}  // namespace gesso::models
