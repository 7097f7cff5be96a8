#include "models/compress.h"

#include "models/run_folder.h"
#include "nn/atomic_file.h"
#include "nn/crc32c.h"
#include "nn/decode.h"
#include "nn/png.h"
#include "nn/progress.h"
#include "nn/range_coder.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gesso::models {
namespace {

namespace fs = std::filesystem;

constexpr float kLeast =
    std::numeric_limits<float>::denorm_min();  // a p below it is a float 0, which has no logarithm
constexpr std::int64_t kTogether = 64;  // images whose codes are coded in turn; both ends must do it alike

std::uint32_t checksum(const std::vector<Tensor>& codes, std::uint32_t before) {
  for (const Tensor& k : codes) before = nn::crc32c(k.raw(), k.bytes(), before);
  return before;
}

/// The codes of images first .. last - 1, each of them what code(p (K), image, grid, place) says; asked for place after place, and
/// at each for image after image.
template <class Code>
std::vector<Tensor> in_turn(PixelCnn& prior, std::int64_t first, std::int64_t last, nn::Progress& bar,
                            const Code& code) {
  std::vector<Tensor> codes =
      prior.generate(last - first, [&](const Tensor& logits, std::size_t grid, std::int64_t place) {
        const std::int64_t N = logits.dim(0), K = logits.dim(1);
        const Tensor p = tensor::softmax(logits, 1).to(Device::cpu);
        Tensor chosen({N}, DType::i64);
        for (std::int64_t n = 0; n < N; ++n) {
          const std::span<const float> row(p.data<float>() + n * K, static_cast<std::size_t>(K));
          chosen.mutable_data<std::int64_t>()[n] = code(row, first + n, grid, place);
        }
        bar.update(N);
        return chosen;
      });
  for (Tensor& k : codes) k = k.to(Device::cpu);
  return codes;
}

/// The pictures that a command line names: files, and all those in folders.
std::vector<fs::path> picture_files(const std::vector<std::string>& named) {
  std::vector<fs::path> files;
  for (const std::string& name : named) {
    if (!fs::is_directory(name)) {
      files.emplace_back(name);
      continue;
    }
    const std::size_t before = files.size();
    for (const fs::directory_entry& entry : fs::directory_iterator(name))
      if (entry.is_regular_file() && nn::is_picture(entry.path())) files.push_back(entry.path());
    if (files.size() == before) throw UsageError("{}: a folder without PNG or JPEG pictures", name);
    std::sort(files.begin() + static_cast<std::ptrdiff_t>(before), files.end());
  }
  return files;
}

/// x (D) in [0,1] of a picture file; a colour picture for a grey model by ITU-R BT.601's weights of brightness.
Tensor pixels_of(const fs::path& file, const Shape& image) {
  const Tensor picture = nn::read_picture(file);
  if (picture.dim(0) != image[0] || picture.dim(1) != image[1])
    throw UsageError("{}: {}x{} pixels; this model is for {}x{}", file.string(), picture.dim(0),
                     picture.dim(1), image[0], image[1]);
  const Tensor x = tensor::mul(picture.to(DType::f32), 1. / 255);
  if (image[2] == 3) return x.reshape({-1});
  return tensor::matmul(x.reshape({-1, 3}), Tensor::from<float>({0.299f, 0.587f, 0.114f}, {3, 1}))
      .reshape({-1});
}

struct Prior {
  Config config;
  std::unique_ptr<Model> model;
  PixelCnn& pixelcnn;
};

Prior load_prior(const std::string& run, Device device) {
  Trained t = load_trained(run, device);
  auto* prior = dynamic_cast<PixelCnn*>(t.model.get());
  if (!prior)
    throw UsageError("{} is a run of {}; pictures are packed by a pixelcnn, a prior of codes", run,
                     t.config.model);
  if (!prior->knows_all())
    throw UsageError(
        "{} knows the top codes only; take the pixelcnn that was trained with --set top_prior={}", run, run);
  if (t.config.image[2] != 1 && t.config.image[2] != 3)
    throw UsageError("{}: pictures have 1 or 3 channels, this model's have {}", run, t.config.image[2]);
  return {std::move(t.config), std::move(t.model), *prior};
}

}  // namespace

std::string computing_on(Device device) {
  return fmt::format("gesso {}, {}{}", GESSO_VERSION, name(device),
                     device == Device::cpu ? std::string(" ") + kernels::cpu_level() : "");
}

std::uint32_t checksum_of(PixelCnn& prior) {
  std::uint32_t crc = 0;
  for (nn::Module* network : prior.networks())
    for (const auto& [name, t] : nn::state(*network)) {
      const std::string what = fmt::format("{} {} {};", name, gesso::name(t.dtype()), t.shape());
      crc = nn::crc32c(what.data(), what.size(), crc);
      crc = nn::crc32c(t.to(Device::cpu).raw(), t.bytes(), crc);
    }
  return crc;
}

PackedCodes pack(PixelCnn& prior, const std::vector<Tensor>& codes) {
  const std::int64_t N = codes[0].dim(0);
  nn::Progress bar(N * places(prior.code_grids()), "packing");
  nn::RangeEncoder encoder;
  PackedCodes packed;
  for (std::int64_t i = 0; i < N; i += kTogether) {
    const std::int64_t last = std::min(i + kTogether, N);
    std::vector<Tensor> part;
    for (const Tensor& k : codes) part.push_back(k.slice(i, last).to(Device::cpu));
    const auto code = [&](std::span<const float> p, std::int64_t n, std::size_t grid, std::int64_t place) {
      const std::int64_t k = part[grid][n - i].reshape({-1}).data<std::int64_t>()[place];
      const std::vector<std::uint32_t> begins = nn::symbol_ranges(p);
      encoder.encode({begins[k], begins[k + 1] - begins[k]});
      packed.ideal_bits -= std::log2(double{std::max(p[k], kLeast)});
      return k;
    };
    in_turn(prior, i, last, bar, code);
    packed.checksum = checksum(part, packed.checksum);
  }
  packed.bits = encoder.finish();
  return packed;
}

std::vector<Tensor> unpack(PixelCnn& prior, std::int64_t N, const std::string& bits, std::uint32_t expected) {
  nn::Progress bar(N * places(prior.code_grids()), "unpacking");
  nn::RangeDecoder decoder(bits);
  std::vector<std::vector<Tensor>> parts(prior.code_grids().size());
  std::uint32_t found = 0;
  for (std::int64_t i = 0; i < N; i += kTogether) {
    const auto code = [&](std::span<const float> p, std::int64_t, std::size_t, std::int64_t) {
      return decoder.decode(nn::symbol_ranges(p));
    };
    const std::vector<Tensor> part = in_turn(prior, i, std::min(i + kTogether, N), bar, code);
    found = checksum(part, found);
    for (std::size_t grid = 0; grid < part.size(); ++grid) parts[grid].push_back(part[grid]);
  }
  check(found == expected,
        "the codes do not have the checksum they were packed with: another build of gesso computed the "
        "probabilities");
  std::vector<Tensor> codes;
  for (const std::vector<Tensor>& part : parts) codes.push_back(tensor::concat(part));
  return codes;
}

void compress(const std::string& run, Device device, const std::vector<std::string>& pictures,
              const std::string& out) {
  const Prior prior = load_prior(run, device);
  const std::vector<fs::path> files = picture_files(pictures);
  PackedPictures packed{
      .machine = computing_on(device), .weights = checksum_of(prior.pixelcnn), .image = prior.config.image};
  std::vector<std::vector<Tensor>> codes(prior.pixelcnn.code_grids().size());
  for (const fs::path& file : files) {
    packed.names.push_back(file.stem().string());
    const Tensor x = pixels_of(file, packed.image).reshape({1, -1}).to(device);
    const std::vector<Tensor> k = prior.pixelcnn.encode(x);
    for (std::size_t grid = 0; grid < k.size(); ++grid) codes[grid].push_back(k[grid]);
  }
  std::vector<Tensor> all;
  for (const std::vector<Tensor>& k : codes) all.push_back(tensor::concat(k));
  const PackedCodes bits = pack(prior.pixelcnn, all);
  packed.codes = bits.checksum, packed.bits = bits.bits;
  save_packed(out, packed);

  const auto n = static_cast<double>(files.size()), size = static_cast<double>(fs::file_size(out));
  const double coded = 8. * static_cast<double>(bits.bits.size());
  const double pixels = n * static_cast<double>(packed.image[0] * packed.image[1]);
  const double places_of_all = n * static_cast<double>(places(prior.pixelcnn.code_grids()));
  fmt::print("{}: {} pictures of {}x{} in {} bytes, {} of them codes\n", out, files.size(), packed.image[0],
             packed.image[1], size, packed.bits.size());
  fmt::print("  bits per pixel  {:.4f}   with names and header {:.4f}\n", coded / pixels, 8 * size / pixels);
  fmt::print("  bits per code   {:.4f}   ideal, -log2 p: {:.4f}\n", coded / places_of_all,
             bits.ideal_bits / places_of_all);
}

void decompress(const std::string& run, Device device, const std::string& file, const std::string& out) {
  const PackedPictures packed = load_packed(file);
  const Prior prior = load_prior(run, device);
  const Shape& image = prior.config.image;
  if (packed.weights != checksum_of(prior.pixelcnn) || packed.image != image)
    throw UsageError("{} was packed by another model than that of {}; its pictures are of {}", file, run,
                     packed.image);
  if (packed.machine != computing_on(device))
    throw UsageError("{} was packed by {}; {} rounds otherwise, and would unpack something else", file,
                     packed.machine, computing_on(device));
  const auto N = static_cast<std::int64_t>(packed.names.size());
  const std::vector<Tensor> codes = unpack(prior.pixelcnn, N, packed.bits, packed.codes);
  fs::create_directories(out);
  for (std::int64_t i = 0; i < N; ++i) {
    std::vector<Tensor> own;
    for (const Tensor& k : codes) own.push_back(k.slice(i, i + 1).to(device));
    const Tensor y = prior.pixelcnn.decode(own).to(Device::cpu);
    const fs::path to = fs::path(out) / (packed.names[static_cast<std::size_t>(i)] + ".png");
    nn::write_file(to, nn::encode_png(nn::to_bytes(y.reshape(image))));
  }
  fmt::print("{}\n", out);
}

}  // namespace gesso::models
