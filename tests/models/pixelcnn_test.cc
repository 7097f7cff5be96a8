#include "models/pixelcnn.h"

#include "autograd/gradcheck.h"
#include "nn/losses.h"
#include "tests/models/support.h"

#include <algorithm>
#include <cmath>

namespace gesso::models {
namespace {

Recipe recipe(const Shape& image, std::vector<std::string> set = {}, double lr = 3e-3) {
  set.insert(set.begin(), {"width=0.125", "layers=2"});
  return recipe_of(pixelcnn_options(), set, image, lr);
}

/// Codes below K, (N,h,w).
Tensor random_codes(std::int64_t N, std::int64_t h, std::int64_t w, std::int64_t K, std::uint64_t seed) {
  Generator g(seed);
  return tensor::uniform(g, {N, h, w}, 0, static_cast<double>(K), DType::f64).to(DType::i64);
}

PixelCnnNetwork network(const PixelCnnShape& shape, DType dtype = DType::f64) {
  Generator g(1);
  PixelCnnNetwork net(shape, g);
  nn::to(net, dtype);
  return net;
}

double largest(const Tensor& x) { return tensor::max(tensor::unary(kernels::Unary::abs, x)).item(); }

// Four layers reach 3 + 3 places up and to both sides, which is all of 5x6.
TEST_CASE("pixelcnn: a place sees all places before it, and neither itself nor those after it") {
  for (const std::int64_t above : {0, 4}) {
    constexpr std::int64_t h = 5, w = 6, K = 3;
    PixelCnnNetwork net = network({.h = h, .w = w, .codes = K, .above = above, .width = 6, .layers = 4});
    const Tensor coarse = above ? random_codes(1, 3, 3, above, 5) : Tensor();
    const Tensor codes = random_codes(1, h, w, K, 7);
    const std::vector<double> before = net(codes, coarse).value().to_vector<double>();
    for (std::int64_t changed = 0; changed < h * w; ++changed) {
      CAPTURE(changed);
      Tensor other = codes.clone();
      other.mutable_data<std::int64_t>()[changed] = (other.data<std::int64_t>()[changed] + 1) % K;
      const std::vector<double> after = net(other, coarse).value().to_vector<double>();
      for (std::int64_t place = 0; place < h * w; ++place) {
        CAPTURE(place);
        const auto at = before.begin() + place * K;
        const bool same = std::equal(at, at + K, after.begin() + place * K);
        REQUIRE(same == (place <= changed));
      }
    }
  }
}

TEST_CASE("pixelcnn: coarser codes are seen everywhere, and must be there if and only if they are wanted") {
  PixelCnnNetwork net = network({.h = 4, .w = 4, .codes = 3, .above = 5, .width = 4, .layers = 2});
  const Tensor codes = random_codes(1, 4, 4, 3, 7), coarse = random_codes(1, 2, 2, 5, 8);
  const Tensor before = net(codes, coarse).value();
  Tensor other = coarse.clone();
  other.mutable_data<std::int64_t>()[3] = (other.data<std::int64_t>()[3] + 1) % 5;
  const Tensor change = tensor::sub(net(codes, other).value(), before);
  for (std::int64_t i = 0; i < 4; ++i) CHECK(largest(change[0][i]) > 0);
  CHECK_THROWS_WITH(net(codes), doctest::Contains("coarser codes are missing"));
  CHECK_THROWS_WITH(network({.h = 4, .w = 4, .codes = 3, .width = 4, .layers = 1})(codes, coarse),
                    doctest::Contains("it depends on none"));
}

// What the paper masks away is not there: the same numbers in a square of filters that is zero elsewhere.
TEST_CASE("pixelcnn: a sum over a window is a masked convolution") {
  for (const Window& window : {Window{3, -1, 3, 3}, {0, 0, 3, -1}, {1, 0, 1, 1}, {0, 0, 1, 0}}) {
    Generator g(2);
    WindowConv conv(2, 3, window, g);
    nn::to(conv, DType::f64);
    const Tensor x = tensor::normal(g, {2, 5, 6, 2}, 0, 1, DType::f64);
    const nn::State s = nn::state(conv);
    const Tensor square = tensor::pad(
        s.at("weight"),
        {{0, 0}, {3 - window.above, 3 - window.below}, {3 - window.left, 3 - window.right}, {0, 0}});
    REQUIRE(square.shape() == Shape{3, 7, 7, 2});
    const Tensor masked =
        tensor::conv2d(x, square, tensor::conv2d_geometry(x.shape(), square.shape(), {.padding = 3}),
                       {.bias = s.at("bias")});
    CHECK(!!(largest(tensor::sub(conv(x).value(), masked)) <= 1e-14));
  }
}

TEST_CASE("pixelcnn: gradients by all weights") {
  for (const std::int64_t above : {0, 2}) {
    PixelCnnNetwork net = network({.h = 3, .w = 4, .codes = 3, .above = above, .width = 2, .layers = 2});
    const Tensor codes = random_codes(2, 3, 4, 3, 7), coarse = above ? random_codes(2, 2, 2, 2, 8) : Tensor();
    const auto named = nn::named_parameters(net);
    const auto loss = [&](const std::vector<Var>& w) -> std::vector<Var> {
      for (std::size_t i = 0; i < w.size(); ++i) *named[i].second = w[i];
      return {nn::cross_entropy(net(codes, coarse), codes, nn::Reduction::batch_mean)};
    };
    CHECK(gradcheck(loss, nn::parameters(net)) == "");
  }
}

TEST_CASE("pixelcnn: what generates place by place asks with the logits of a full pass") {
  for (const std::int64_t above : {0, 4})
    for (const DType dtype : {DType::f32, DType::f64}) {
      const PixelCnnShape shape{.h = 5, .w = 4, .codes = 7, .above = above, .width = 8, .layers = 3};
      PixelCnnNetwork net = network(shape, dtype);
      const Tensor codes = random_codes(3, 5, 4, 7, 7),
                   coarse = above ? random_codes(3, 3, 2, 4, 8) : Tensor();
      const Tensor full = net(codes, coarse).value().reshape({3, 20, 7});
      double error = 0;
      std::int64_t asked = 0;
      const Tensor made = net.generate(3, coarse, [&](const Tensor& logits, std::int64_t place) {
        CHECK(place == asked++);
        const Tensor there = tensor::slice(full, 1, place, place + 1).reshape({3, 7});
        error = std::max(error, largest(tensor::sub(logits, there)));
        return tensor::slice(codes.reshape({3, 20}), 1, place, place + 1).reshape({3});
      });
      CHECK(asked == 20);
      CHECK(made.to_vector<std::int64_t>() == codes.to_vector<std::int64_t>());
      MESSAGE(std::string(name(dtype)), ": logits differ by ", error);
      // Sums of up to 21 * 8 products of about 1, in another order.
      CHECK(!!(error <= (dtype == DType::f32 ? 1e-5 : 1e-14) * std::max(1., largest(full))));
    }
}

TEST_CASE("pixelcnn: codes are drawn with their probabilities") {
  constexpr std::int64_t N = 20'000;
  const std::vector<double> p = {0.5, 0.125, 0.25, 0.125};
  Tensor logits({N, 4});
  for (std::int64_t i = 0; i < logits.size(); ++i)
    logits.mutable_data<float>()[i] = static_cast<float>(std::log(p[i % 4]) + 100);
  Generator g(4);
  const Tensor uniform = tensor::uniform(g, {N}, 0, 1, DType::f64);
  std::vector<double> share(4);
  for (const std::int64_t k : draw_codes(logits, uniform.data<double>()).to_vector<std::int64_t>())
    share.at(k) += 1. / N;
  for (std::size_t k = 0; k < 4; ++k)
    CHECK(!!(std::abs(share[k] - p[k]) <= 4 * std::sqrt(p[k] * (1 - p[k]) / N)));
}

TEST_CASE("pixelcnn: pixels as codes, there and back") {
  PixelCnn model(recipe({2, 3, 1}, {"levels=4"}));
  const Tensor x = Tensor::from<float>({0.f, 0.16f, 0.17f, 0.5f, 0.9f, 1.f}, {1, 6});
  const std::vector<Tensor> codes = model.encode(x);
  REQUIRE(codes.size() == 1);
  CHECK(codes[0].shape() == Shape{1, 2, 3});
  CHECK(codes[0].to_vector<std::int64_t>() == std::vector<std::int64_t>{0, 0, 1, 2, 3, 3});
  const std::vector<float> levels = {0.f, 0.f, 1 / 3.f, 2 / 3.f, 1.f, 1.f},
                           y = model.decode(codes).to_vector<float>();
  for (std::size_t i = 0; i < 6; ++i) CHECK(y[i] == doctest::Approx(levels[i]));
  CHECK(model.knows_all());
  CHECK(model.describe() == "2x3 places, each one of 4 codes: 2 bits a code where nothing is known");

  const Tensor grey = tensor::full({4, 500}, 0.25);
  Generator draws(1);
  const std::vector<float> drawn =
      PixelCnn(recipe({20, 25, 1}, {"binarize=true"})).observed(grey, draws).to_vector<float>();
  double sum = 0;
  for (const float v : drawn) {
    CHECK((v == 0 || v == 1));
    sum += v;
  }
  CHECK(!!(std::abs(sum / 2000 - 0.25) <= 4 * std::sqrt(0.25 * 0.75 / 2000)));
}

TEST_CASE(
    "pixelcnn: losses are nats of all codes and bits of one; what is drawn depends on the noise alone") {
  PixelCnn model(recipe({8, 8, 1}));
  const Tensor x = squares(20, 8, 1);
  Generator a(1), b(1);
  const Losses first = model.step(x);
  CHECK(first[1].value == doctest::Approx(first[0].value / 64 / std::log(2.)));
  CHECK(first[1].value == doctest::Approx(1).epsilon(0.3));  // knows nothing yet
  for (int i = 0; i < 20; ++i) model.step(x);
  const nn::State before = kept(nn::state(model.network())), training = kept(model.training_state());
  const Losses all = model.evaluate(x, a);
  CHECK(all[0].value < 0.8 * first[0].value);
  double ones = 0;
  for (const float v : x.to_vector<float>()) ones += v > 0.5f;
  const double p = ones / static_cast<double>(x.size());
  CHECK(model.totals().at(0).value == doctest::Approx(-p * std::log2(p) - (1 - p) * std::log2(1 - p)));
  CHECK(model.totals().empty());

  std::int64_t done = 0;
  model.drawn = [&](std::int64_t n, std::int64_t total) { CHECK(((n == ++done) && total == 2 * 64)); };
  const std::vector<float> drawn = model.sample(70, a).to_vector<float>();
  CHECK(done == 128);
  model.drawn = nullptr;
  CHECK(drawn == model.sample(70, b).to_vector<float>());
  const Tensor sheet = model.walk(x.slice(0, 4), a, 5);
  for (std::int64_t row = 0; row < 5; ++row)  // on the right all codes are those of the image
    CHECK(sheet[row * 5 + 4].to_vector<float>() == model.reconstruct(x)[row * 4 / 5].to_vector<float>());
  CHECK(sheet[0].to_vector<float>() != sheet[4].to_vector<float>());
  check_same_state(before, nn::state(model.network()));
  check_same_state(training, model.training_state());
}

/// A folder with data sets "data" and "other" (another size), and runs: "vq", "vq2", of 8x8 squares, "vae" of the same.
struct Workshop : TempFolder {
  Workshop() {
    put_squares(*this / "data", 60, 24);
    put_squares(*this / "other", 60, 24, 16);
    for (const std::string model : {"vq-vae", "vq-vae-2"})
      good("train " + model +
           " --data data --batch-size 7 --set width=0.1 --set codes=16 --set dim=4 --steps 20 --out " +
           (model == "vq-vae" ? "vq" : "vq2"));
  }
  Outcome gesso(const std::string& line) const {
    std::vector<std::string> words(1);
    for (const char c : line)
      if (c == ' ')
        words.emplace_back();
      else
        words.back() += c;
    return run(*this, words);
  }
  Outcome good(const std::string& line) const {
    const Outcome o = gesso(line);
    CAPTURE(line);
    CAPTURE(o.err);
    CHECK(o.code == 0);
    return o;
  }
  Outcome prior(const std::string& more) const {
    return gesso("train pixelcnn --batch-size 7 --set width=0.1 --set layers=2 " + more);
  }
};

TEST_CASE(
    "pixelcnn: a run keeps the vq-vae that it learns the codes of, takes its data, and resumes bit for bit") {
  const Workshop w;
  CHECK(w.prior("--set codes_of=vq --steps 9 --out whole")
            .err.find("2x2 places, each one of 16 codes: 4 bits") != std::string::npos);
  CHECK(w.prior("--set codes_of=vq --steps 4 --out run").code == 0);
  std::filesystem::rename(w / "vq", w / "elsewhere");
  w.good("train --resume run --steps 9");
  CHECK(nn::bytes_of(w / "whole/checkpoint.safetensors") == nn::bytes_of(w / "run/checkpoint.safetensors"));
  CHECK(nn::bytes_of(w / "run/codes_of/model.safetensors") ==
        nn::bytes_of(w / "elsewhere/model.safetensors"));
  const Outcome eval = w.good("eval run --json");
  CHECK(eval.out.find("\"bits_per_code\":") != std::string::npos);
  CHECK(eval.out.find("\"independent_bits\":") != std::string::npos);
  const Outcome sample = w.good("sample run --count 5 --out s.png");
  CHECK(sample.err.find("drawing: 100% 4/4") != std::string::npos);
  CHECK(std::filesystem::file_size(w / "s.png") > 0);
  w.good("info run/codes_of");
}

TEST_CASE("pixelcnn: priors of both levels of a vq-vae-2") {
  const Workshop w;
  CHECK(w.prior("--set codes_of=vq2 --steps 3 --out top").err.find("1x1 places") != std::string::npos);
  CHECK(w.prior("--set top_prior=top --steps 3 --out bottom")
            .err.find("2x2 places, each one of 16 codes, given the coarser ones") != std::string::npos);
  std::filesystem::remove_all(w / "vq2");
  std::filesystem::remove_all(w / "top");
  w.good("train --resume bottom --steps 5");
  const Outcome sample = w.good("sample bottom --count 5 --out s.png");
  CHECK(sample.err.find("5/5") != std::string::npos);  // places: one above, four below
  w.good("eval bottom");
}

TEST_CASE("pixelcnn: mistakes") {
  const Workshop w;
  w.good("train mlp-vae --data data --batch-size 7 --set hidden=8 --set latent=2 --steps 2 --out vae");
  REQUIRE(w.prior("--set codes_of=vq --steps 2 --out prior").code == 0);
  std::filesystem::create_directories(w / "early");
  std::filesystem::copy_file(w / "vq/config.json", w / "early/config.json");
  struct Case {
    const char *more, *said;
  };
  for (const Case& c :
       {Case{"--set codes_of=nowhere", "--set codes_of=nowhere: nowhere: there is no such run folder"},
        {"--set codes_of=vae", "--set codes_of=vae: mlp-vae has no codes; vq-vae and vq-vae-2 have"},
        {"--set codes_of=vq --data other",
         "--set codes_of=vq: its images are (8,8,1), but these are (16,16,1)"},
        {"--set codes_of=early", "early/model.safetensors: cannot open"},
        {"--set codes_of=prior", "a pixelcnn has no codes of its own"},
        {"--set top_prior=vq", "--set top_prior=vq: not the pixelcnn of a vq-vae-2's top codes"},
        {"--set top_prior=prior", "not the pixelcnn of a vq-vae-2's top codes"},
        {"--set top_prior=prior --set codes_of=vq", "leave out codes_of"},
        {"--data sprites:16", "pixels of one channel, these images have 3"},
        {"--data data --set levels=1", "--set levels=1: expected a whole number from 2 to 256"},
        {"--data data --set levels=4 --set binarize=true", "binarize=true is for pixels as codes"},
        {"--set codes_of=vq --set binarize=true", "binarize=true is for pixels as codes"},
        {"--data data --set layers=0", "--set layers=0"}}) {
    CAPTURE(std::string(c.more));
    const Outcome o = w.prior(std::string(c.more) + " --steps 1 --out bad");
    CHECK(o.code == 2);
    CHECK_MESSAGE(o.err.find(c.said) != std::string::npos, o.err);
    CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK(!std::filesystem::exists(w / "bad"));
  }
}

/// Pictures (N,8*8) of zeros and ones, each pixel drawn given its neighbours to the left and above, and what a picture of them
/// costs who knows those probabilities, bits a pixel.
struct Texture {
  Tensor x;
  double bits = 0;
};
Texture texture(std::int64_t N, std::uint64_t seed) {
  constexpr double kOne[2][2] = {{0.05, 0.7}, {0.3, 0.95}};  // p(1 | left, above); outside there are zeros
  Generator g(seed);
  const Tensor u = tensor::uniform(g, {N, 8, 8}, 0, 1, DType::f64);
  Texture t{Tensor({N, 64})};
  float* x = t.x.mutable_data<float>();
  for (std::int64_t i = 0; i < N * 64; ++i) {
    const double p =
        kOne[i % 8 ? static_cast<int>(x[i - 1]) : 0][i % 64 >= 8 ? static_cast<int>(x[i - 8]) : 0];
    x[i] = u.data<double>()[i] < p;
    t.bits -= std::log2(x[i] > 0 ? p : 1 - p) / static_cast<double>(N * 64);
  }
  return t;
}

}  // namespace
}  // namespace gesso::models

TEST_SUITE("train") {
  TEST_CASE("pixelcnn: bits a code of a texture come down to those of its own probabilities") {
    using namespace gesso::models;
    PixelCnn model(recipe({8, 8, 1}, {"width=0.25"}));
    const Texture train = texture(1024, 1), test = texture(512, 2);
    for (int step = 0; step < 250; ++step) model.step(train.x.slice(step % 16 * 64, step % 16 * 64 + 64));
    gesso::Generator noise(1);
    const double bits = model.evaluate(test.x, noise)[1].value, independent = model.totals()[0].value;
    MESSAGE("pixelcnn ", bits, " bits a code, the truth ", test.bits, ", frequencies alone ", independent);
    CHECK(!!(bits <= 1.02 * test.bits));
    CHECK(!!(bits >= 0.999 * test.bits));  // nobody knows better than the truth, but for luck
    CHECK(independent > 1.3 * test.bits);
  }
}
