#include "models/pixelcnn.h"

#include "models/likelihood.h"
#include "models/run_folder.h"
#include "nn/losses.h"
#include "nn/vector_quantizer.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace gesso::models {

using namespace nn;

namespace {

constexpr std::int64_t kTogether =
    64;  // images drawn at once: rows enough for a product, and a bar that moves

bool is_set(const Recipe& recipe, const char* option) { return !recipe.options.text(option).empty(); }

/// The model of the run that an option names.
std::unique_ptr<Model> named_model(const Recipe& recipe, const char* option) {
  const std::string& path = recipe.options.text(option);
  try {
    Trained t = load_trained(path, recipe.device);
    check(t.config.image == recipe.image, "its images are {}, but these are {}", t.config.image,
          recipe.image);
    check(!t.model->code_grids().empty(), "{} has no codes; vq-vae and vq-vae-2 have", t.config.model);
    return std::move(t.model);
  } catch (const Error& e) {
    throw UsageError("--set {}={}: {}", option, path, e.message());
  }
}

std::unique_ptr<PixelCnn> prior_above(const Recipe& recipe) {
  if (!is_set(recipe, "top_prior")) return nullptr;
  if (is_set(recipe, "codes_of"))
    throw UsageError("--set top_prior already says whose codes these are; leave out codes_of");
  std::unique_ptr<Model> model = named_model(recipe, "top_prior");
  auto* prior = dynamic_cast<PixelCnn*>(model.get());
  if (!prior || prior->knows_all())
    throw UsageError("--set top_prior={}: not the pixelcnn of a vq-vae-2's top codes",
                     recipe.options.text("top_prior"));
  model.release();
  return std::unique_ptr<PixelCnn>(prior);
}

std::shared_ptr<Model> coder_of(const Recipe& recipe) {
  if (!is_set(recipe, "codes_of")) return nullptr;
  std::shared_ptr<Model> model = named_model(recipe, "codes_of");
  if (dynamic_cast<PixelCnn*>(model.get()))
    throw UsageError("--set codes_of={}: a pixelcnn has no codes of its own; vq-vae and vq-vae-2 have",
                     recipe.options.text("codes_of"));
  return model;
}

/// The pixels of a grey image as codes.
CodeGrid levels_of(const Recipe& recipe) {
  if (recipe.image[2] != 1)
    throw UsageError(
        "pixelcnn learns pixels of one channel, these images have {}; it learns the codes of a vq-vae "
        "by --set codes_of=RUN",
        recipe.image[2]);
  const std::int64_t levels = recipe.options.count("levels");
  if (levels < 2 || levels > 256)
    throw UsageError("--set levels={}: expected a whole number from 2 to 256", levels);
  return {recipe.image[0], recipe.image[1], levels};
}

std::vector<CodeGrid> grids_until(std::size_t count, const Model* coder, const Recipe& recipe) {
  if (!coder) return {levels_of(recipe)};
  std::vector<CodeGrid> grids = coder->code_grids();
  grids.resize(count);
  return grids;
}

PixelCnnShape shape_of(const std::vector<CodeGrid>& grids, const Recipe& recipe) {
  const CodeGrid& own = grids.back();
  return {.h = own.h,
          .w = own.w,
          .codes = own.K,
          .above = grids.size() > 1 ? grids[grids.size() - 2].K : 0,
          .width = scaled(64, recipe.options),
          .layers = recipe.options.count("layers")};
}

Tensor coarser(const std::vector<Tensor>& codes) {
  return codes.size() > 1 ? codes[codes.size() - 2] : Tensor();
}

}  // namespace

std::vector<Option> pixelcnn_options() {
  return {width_option(),
          {"layers", "8", "gated layers, one upon the other"},
          {"codes_of", "", "run of a vq-vae or vq-vae-2 whose codes to learn: the only ones, or the top ones",
           true},
          {"top_prior", "",
           "run of the pixelcnn of a vq-vae-2's top codes: learns the bottom codes given them", true},
          {"levels", "2", "without a vq-vae: levels of brightness that grey pixels are rounded to"},
          {"binarize", "false", "without a vq-vae: a pixel is 1 with its brightness as probability, else 0"}};
}

PixelCnn::PixelCnn(const Recipe& recipe)
    : Model(recipe.device),
      weights_(random_stream(recipe.seed, Stream::weights)),
      noise_(random_stream(recipe.seed, Stream::training)),
      above_(prior_above(recipe)),
      coder_(above_ ? above_->coder_ : coder_of(recipe)),
      image_(recipe.image),
      binarize_(recipe.options.flag("binarize")),
      grids_(grids_until(above_ ? above_->grids_.size() + 1 : 1, coder_.get(), recipe)),
      net_(on(device, PixelCnnNetwork(shape_of(grids_, recipe), weights_))),
      adam_(named_parameters(net_), Adam{.lr = recipe.lr}) {
  if (binarize_ && (coder_ || grids_[0].K != 2))
    throw UsageError("--set binarize=true is for pixels as codes, levels=2");
}

bool PixelCnn::knows_all() const { return !coder_ || coder_->code_grids().size() == grids_.size(); }

std::vector<Module*> PixelCnn::networks() {
  std::vector<Module*> all;
  if (above_)
    all = above_->networks();
  else if (coder_)
    all = {&coder_->network()};
  all.push_back(&net_);
  return all;
}

Tensor PixelCnn::observed(const Tensor& x, Generator& pixels) { return binarize_ ? binarised(x, pixels) : x; }

std::vector<Tensor> PixelCnn::encode(const Tensor& x) {
  if (!coder_) {  // rounded to the nearest level
    const Tensor level = tensor::add(tensor::mul(x, static_cast<double>(grids_[0].K - 1)), 0.5);
    return {level.to(DType::i64).reshape({-1, grids_[0].h, grids_[0].w})};
  }
  std::vector<Tensor> codes = coder_->encode(x);
  codes.resize(grids_.size());
  return codes;
}

Tensor PixelCnn::decode(const std::vector<Tensor>& codes) {
  if (coder_) return coder_->decode(codes);
  return tensor::mul(codes[0].to(DType::f32), 1 / static_cast<double>(grids_[0].K - 1))
      .reshape({codes[0].dim(0), -1});
}

Var PixelCnn::nll(const std::vector<Tensor>& codes) {
  return cross_entropy(net_(codes.back(), coarser(codes)), codes.back(), Reduction::batch_mean);
}

StepLosses PixelCnn::losses(const Var& nll) const {
  const auto codes = static_cast<double>(grids_.back().h * grids_.back().w);
  return {.values = {nll.value()}, .named = [codes](const std::vector<Tensor>& of) {
            const double nats = of[0].item();
            return Losses{{"loss", nats}, {"bits_per_code", nats / (codes * std::numbers::ln2)}};
          }};
}

StepLosses PixelCnn::launch_step(const Tensor& x) {
  const Var loss = nll(encode(observed(x, noise_)));
  loss.backward();
  adam_.step();
  adam_.zero_grad();
  return losses(loss);
}

Losses PixelCnn::evaluate(const Tensor& x, Generator&) {
  const Evaluation on(net_);
  const std::vector<Tensor> codes = encode(x);
  const Tensor own = codes.back().to(Device::cpu);
  if (!seen_.defined()) seen_ = tensor::zeros({grids_.back().K}, DType::f64);
  for (std::int64_t i = 0; i < own.size(); ++i) ++seen_.mutable_data<double>()[own.data<std::int64_t>()[i]];
  return losses(nll(codes)).read();
}

Losses PixelCnn::totals() {
  if (!seen_.defined()) return {};
  const Losses all = {{"independent_bits", std::log2(perplexity(seen_))}};
  seen_ = {};
  return all;
}

std::vector<Tensor> PixelCnn::generate(std::int64_t N, const Next& next) {
  const Evaluation on(net_);
  std::vector<Tensor> codes = above_ ? above_->generate(N, next) : std::vector<Tensor>();
  const std::size_t grid = codes.size();
  const auto here = [&](const Tensor& logits, std::int64_t place) { return next(logits, grid, place); };
  const Tensor above = codes.empty() ? Tensor() : codes.back();
  codes.push_back(net_.generate(N, above, here).to(device));
  return codes;
}

Tensor draw_codes(const Tensor& logits, const double* uniform) {
  const std::int64_t N = logits.dim(0), K = logits.dim(1);
  const Tensor here = logits.to(Device::cpu).to(DType::f64);
  Tensor codes({N}, DType::i64);
  std::vector<double> upto(static_cast<std::size_t>(K));
  for (std::int64_t n = 0; n < N; ++n) {
    const double *x = here.data<double>() + n * K, most = *std::max_element(x, x + K);
    double sum = 0;
    for (std::int64_t k = 0; k < K; ++k) upto[static_cast<std::size_t>(k)] = sum += std::exp(x[k] - most);
    const auto at = std::ranges::upper_bound(upto, uniform[n] * sum);
    codes.mutable_data<std::int64_t>()[n] = std::min<std::int64_t>(at - upto.begin(), K - 1);
  }
  return codes;
}

Tensor PixelCnn::sample(std::int64_t count, Generator& noise) {
  const std::int64_t P = places(grids_), parts = (count + kTogether - 1) / kTogether;
  std::vector<Tensor> all;
  for (std::int64_t done = 0, i = 0; i < count; i += kTogether) {
    const std::int64_t N = std::min(kTogether, count - i);
    const Tensor uniform = tensor::uniform(noise, {P, N}, 0, 1, DType::f64);
    const double* at = uniform.data<double>();
    all.push_back(decode(generate(N, [&](const Tensor& logits, std::size_t, std::int64_t) {
      if (drawn) drawn(++done, parts * P);
      return draw_codes(logits, std::exchange(at, at + N));
    })));
  }
  return tensor::concat(all);
}

Tensor PixelCnn::walk(const Tensor& x, Generator& noise, std::int64_t side) {
  const std::int64_t P = places(grids_), N = side * side;
  std::vector<Tensor> given;  // (4,h w) of each grid
  for (const Tensor& codes : encode(x)) given.push_back(codes.to(Device::cpu).reshape({4, -1}));
  const Tensor of_row = tensor::uniform(noise, {P, side, 1}, 0, 1, DType::f64);
  const Tensor uniform = tensor::broadcast_to(of_row, {P, side, side});
  std::int64_t done = 0;
  return decode(generate(N, [&](const Tensor& logits, std::size_t grid, std::int64_t place) {
    Tensor codes = draw_codes(logits, uniform.data<double>() + done * N);
    for (std::int64_t n = 0; n < N; ++n)
      if (done < n % side * P / (side - 1))
        codes.mutable_data<std::int64_t>()[n] = given[grid][n / side * 4 / side].data<std::int64_t>()[place];
    ++done;
    return codes;
  }));
}

std::string PixelCnn::describe() const {
  const CodeGrid& own = grids_.back();
  return fmt::format("{}x{} places, each one of {} codes{}: {:.4g} bits a code where nothing is known", own.h,
                     own.w, own.K, above_ ? ", given the coarser ones" : "",
                     std::log2(static_cast<double>(own.K)));
}

State PixelCnn::training_state() { return joined({{"adam", adam_.state()}, {"noise", state_of(noise_)}}); }

void PixelCnn::load_training_state(const State& state) {
  adam_.load_state(part_of(state, "adam"));
  load_state(noise_, part_of(state, "noise"));
}

}  // namespace gesso::models
