#include "models/model.h"

#include "models/beta_vae.h"
#include "models/conv_gan.h"
#include "models/conv_vae.h"
#include "models/convlstm.h"
#include "models/dcgan.h"
#include "models/mlp_gan.h"
#include "models/mlp_vae.h"
#include "models/pixelcnn.h"
#include "models/vq_vae.h"
#include "models/vq_vae_2.h"

namespace gesso::models {

void MeanLosses::add(const Losses& losses, std::int64_t images) {
  if (sum_.empty())
    for (const Loss& loss : losses) sum_.push_back({loss.name, 0});
  for (std::size_t i = 0; i < sum_.size(); ++i)
    sum_[i].value += losses[i].value * static_cast<double>(images);
  images_ += images;
}

Losses MeanLosses::mean() const {
  Losses mean = sum_;
  for (Loss& loss : mean) loss.value /= static_cast<double>(images_);
  return mean;
}

std::int64_t places(const std::vector<CodeGrid>& grids) {
  std::int64_t n = 0;
  for (const CodeGrid& grid : grids) n += grid.h * grid.w;
  return n;
}

Tensor with_shape(const Tensor& x, const Shape& shape) {
  Shape all{-1};
  for (const std::int64_t extent : shape) all.push_back(extent);
  return x.reshape(all);
}

nn::State joined(const std::map<std::string, nn::State>& parts) {
  nn::State all;
  for (const auto& [part, state] : parts)
    for (const auto& [name, t] : state) all.emplace(part + "." + name, t);
  return all;
}

nn::State part_of(const nn::State& all, const std::string& part) {
  nn::State found;
  const std::string prefix = part + ".";
  for (const auto& [name, t] : all)
    if (name.starts_with(prefix)) found.emplace(name.substr(prefix.size()), t);
  return found;
}

nn::State state_of(const Generator& g) {
  return {{"offset", Tensor::from({static_cast<std::int64_t>(g.state.offset)})}};
}

void load_state(Generator& g, const nn::State& state) {
  const auto at = state.find("offset");
  check(state.size() == 1 && at != state.end() && at->second.shape() == Shape{1} &&
            at->second.dtype() == DType::i64,
        "the state of a random stream is one tensor \"offset\" (1) of i64");
  g.state.offset = static_cast<std::uint64_t>(at->second.data<std::int64_t>()[0]);
}

namespace {

template <Gan::Definition define>
std::unique_ptr<Model> gan(const Recipe& recipe) {
  return std::make_unique<Gan>(recipe, define);
}

template <Vae::Definition define>
std::unique_ptr<Model> vae(const Recipe& recipe) {
  return std::make_unique<Vae>(recipe, define);
}

constexpr const char* kVaeLosses =
    "nats, means over images; loss: minus the lower bound on log p(x) (Kingma & Welling 2014, equation 10), "
    "with one seeded draw of z for each image";
constexpr const char* kVqLosses =
    "reconstruction: squared error over the variance of the data; commitment and codebook: squared distances "
    "of vectors to their codes; loss: their sum; perplexity: of the codes, from 1 to as many as there are";
constexpr const char* kGanLosses =
    "nats: loss_d of the discriminator (1.39 where it cannot tell), loss_g of the generator, and their sum";

}  // namespace

const std::vector<Entry>& catalogue() {
  static const std::vector<Entry> all = {
      {.name = "beta-vae",
       .summary = "variational autoencoder with a weight or a capacity for its code (Higgins et al. 2017)",
       .options = beta_vae_options(),
       .measure = kVaeLosses,
       .lr = 5e-4,
       .batch_size = 64,
       .epochs = 30,
       .make = vae<beta_vae>},
      {.name = "conv-gan",
       .summary = "GAN of a dense layer and two transposed convolutions, for sides divisible by 4",
       .options = conv_gan_options(),
       .measure = kGanLosses,
       .lr = 2e-4,
       .batch_size = 64,
       .epochs = 10,
       .make = gan<conv_gan>},
      {.name = "conv-vae",
       .summary = "variational autoencoder of strided convolutions, for images of 8x8 or more",
       .options = conv_vae_options(),
       .measure = kVaeLosses,
       .lr = 1e-3,
       .batch_size = 128,
       .epochs = 10,
       .make = vae<conv_vae>},
      {.name = "convlstm",
       .summary = "forecasts the second half of a film by convolutional LSTMs (Shi et al. 2015)",
       .options = convlstm_options(),
       .measure =
           "loss: nats a sequence, cross entropy summed over the pixels of all forecast frames; mse: squared "
           "error, summed over the pixels of a frame; ssim: of a frame; copy_..: what the last given frame "
           "scores",
       .lr = 2e-3,
       .batch_size = 8,
       .epochs = 10,
       .make = [](const Recipe& recipe) -> std::unique_ptr<Model> {
         return std::make_unique<ConvLstm>(recipe);
       },
       .image = {20 * 64, 64, 1}},
      {.name = "dcgan",
       .summary = "deep convolutional GAN for 28x28, 32x32 and 64x64 (Radford et al. 2016)",
       .options = dcgan_options(),
       .measure = kGanLosses,
       .lr = 2e-4,
       .batch_size = 128,
       .epochs = 5,
       .make = gan<dcgan>},
      {.name = "mlp-gan",
       .summary = "generative adversarial networks of dense layers (Goodfellow et al. 2014)",
       .options = mlp_gan_options(),
       .measure = kGanLosses,
       .lr = 2e-4,
       .batch_size = 128,
       .epochs = 50,
       .make = gan<mlp_gan>},
      {.name = "mlp-vae",
       .summary = "variational autoencoder of dense layers (Kingma & Welling 2014)",
       .options = mlp_vae_options(),
       .measure = kVaeLosses,
       .lr = 1e-3,
       .batch_size = 128,
       .epochs = 10,
       .make = vae<mlp_vae>},
      {.name = "pixelcnn",
       .summary = "gated PixelCNN, the prior of a vq-vae's codes, or a model of grey pixels (van den Oord et "
                  "al. 2016)",
       .options = pixelcnn_options(),
       .measure = "loss: nats an image, -log p of all its codes; bits_per_code: the same in bits, a code; "
                  "independent_bits: what a code costs where only the frequencies of codes are known",
       .lr = 1e-3,
       .batch_size = 64,
       .epochs = 5,
       .make = [](const Recipe& recipe) -> std::unique_ptr<Model> {
         return std::make_unique<PixelCnn>(recipe);
       },
       .walk_heading = "Completed images",
       .walk_words =
           "Test images on the right; to the left fewer and fewer of their first codes are given, and the "
           "others drawn."},
      {.name = "vq-vae",
       .summary = "autoencoder with a codebook, for sides divisible by 4 (van den Oord et al. 2017)",
       .options = vq_vae_options(),
       .measure = kVqLosses,
       .unit = "",
       .lr = 3e-4,
       .batch_size = 32,
       .epochs = 5,
       .make = [](const Recipe& recipe) -> std::unique_ptr<Model> {
         return std::make_unique<VqVae>(recipe);
       }},
      {.name = "vq-vae-2",
       .summary = "vq-vae of two levels of codes, for sides divisible by 4 (Razavi et al. 2019)",
       .options = vq_vae_options(),
       .measure = kVqLosses,
       .unit = "",
       .lr = 3e-4,
       .batch_size = 32,
       .epochs = 5,
       .make = [](const Recipe& recipe) -> std::unique_ptr<Model> {
         return std::make_unique<VqVae>(recipe, vq_vae_2);
       }},
  };
  return all;
}

const Entry& find_model(const std::string& name) {
  std::vector<std::string> names;
  for (const Entry& entry : catalogue()) {
    if (entry.name == name) return entry;
    names.emplace_back(entry.name);
  }
  throw UsageError("there is no model \"{}\"{}", name, suggestion(name, names));
}

}  // namespace gesso::models
