#include "models/compress.h"

#include "models/run_folder.h"
#include "nn/crc32c.h"
#include "nn/decode.h"
#include "nn/png.h"
#include "tests/models/support.h"
#include "tests/threads.h"

#include <sstream>

namespace gesso::models {
namespace {

using nn::file_error;

std::unique_ptr<PixelCnn> trained(int steps) {
  auto model =
      std::make_unique<PixelCnn>(recipe_of(pixelcnn_options(), {"width=0.125", "layers=2"}, {8, 8, 1}, 1e-2));
  for (int i = 0; i < steps; ++i) model->step(squares(32, 8, static_cast<std::uint64_t>(i)));
  return model;
}

PackedPictures sample() {
  return {.machine = "gesso 0.1.0, cpu v4",
          .weights = 0xdeadbeef,
          .image = {28, 28, 1},
          .names = {"boot", "sch\u00f6n", "a b"},
          .codes = 7,
          .bits = std::string("\0\x80\xff", 3)};
}

TEST_CASE("compress: codes come back exactly, for what the prior says they cost, on any number of threads") {
  const auto trained_prior = trained(60);
  PixelCnn& prior = *trained_prior;
  const std::vector<Tensor> codes = prior.encode(squares(150, 8, 99));  // 64, 64 and 22 at a time
  const PackedCodes packed = pack(prior, codes);
  const auto bits = 8. * static_cast<double>(packed.bits.size());
  CHECK(!!(std::abs(bits - packed.ideal_bits) <= 0.001 * packed.ideal_bits + 16));
  Generator noise(1);
  const Losses losses = prior.evaluate(squares(150, 8, 99), noise);
  CHECK(packed.ideal_bits / (150 * 64) == doctest::Approx(losses[1].value).epsilon(1e-4));
  CHECK(bits < 0.5 * 150 * 64);  // a square costs much less than a bit a pixel
  const tests::Threads three(3);
  const std::vector<Tensor> back = unpack(prior, 150, packed.bits, packed.checksum);
  REQUIRE(back.size() == 1);
  CHECK(back[0].shape() == codes[0].shape());
  CHECK(back[0].to_vector<std::int64_t>() == codes[0].to_vector<std::int64_t>());
  CHECK_THROWS_WITH(unpack(prior, 150, packed.bits, packed.checksum + 1), doctest::Contains("another build"));
  const auto other = trained(61);
  CHECK_THROWS_WITH(unpack(*other, 150, packed.bits, packed.checksum), doctest::Contains("another build"));
  CHECK(checksum_of(*other) != checksum_of(prior));
  CHECK(checksum_of(*trained(60)) == checksum_of(prior));
}

TEST_CASE("packed pictures: what was saved is loaded") {
  const TempFolder folder;
  const auto path = folder / "x";
  save_packed(path, sample());
  const PackedPictures p = load_packed(path);
  CHECK(p.machine == sample().machine);
  CHECK(p.weights == sample().weights);
  CHECK(p.image == sample().image);
  CHECK(p.names == sample().names);
  CHECK(p.codes == sample().codes);
  CHECK(p.bits == sample().bits);
}

TEST_CASE("packed pictures: each truncation and each flipped bit is an error, and so are more bytes") {
  const TempFolder folder;
  const auto path = folder / "x";
  save_packed(path, sample());
  const std::string bytes = nn::bytes_of(path);
  const auto load = [&] { load_packed(path); };
  nn::check_truncations(path, bytes, load);
  nn::each_bit_flip(path, bytes, [&](std::size_t byte, int bit) {
    CAPTURE(byte);
    CAPTURE(bit);
    REQUIRE(file_error(load).has_value());
  });
  nn::put_bytes(path, bytes + '\0');
  CHECK(file_error(load).has_value());
}

/// The file with another body and the checksum that belongs to it.
std::string signed_file(std::string body) {
  std::string all = "gesso\x1a\r\n";
  const std::uint32_t crc = nn::crc32c(body.data(), body.size());
  all.append(reinterpret_cast<const char*>(&crc), 4);
  return all + body;
}

TEST_CASE("packed pictures: with a right checksum, what cannot be is still an error and takes no memory") {
  const TempFolder folder;
  const auto path = folder / "x";
  const auto load = [&] { load_packed(path); };
  save_packed(path, sample());
  const std::string body = nn::bytes_of(path).substr(12);
  const auto names = body.find("\4boot");
  struct Case {
    std::size_t at;
    std::string bytes, said;
  };
  for (const Case& c : {Case{0, "\2", "version 2"},
                        {names - 4, std::string(4, '\0'), "no pictures"},
                        {names, "\4../x", "no plain name"},
                        {names, "\4a/bc", "no plain name"},
                        {names, std::string("\4a\0bc", 5), "no plain name"},
                        {names, "\4.hid", "no plain name"},
                        {names, std::string(1, '\0'), "is empty"},
                        {names + 5, "\4boot", "comes twice"},
                        {names - 4, "\xff\xff\xff\xff", "a name is no plain name"},
                        {body.size() - 5, "\x7f", "the file ends within the codes"},
                        {body.size() - 11, "\2", "1 bytes after its end"}}) {
    CAPTURE(c.said);
    std::string bad = body;
    bad.replace(c.at, c.bytes.size(), c.bytes);
    nn::put_bytes(path, signed_file(bad));
    const auto error = file_error(load);
    REQUIRE(error.has_value());
    CHECK_MESSAGE(error->reason.find(c.said) != std::string::npos, error->reason);
    CHECK(nn::fails_within(16 << 20, load));
  }
  PackedPictures twice = sample();
  twice.names[2] = "boot";
  CHECK_THROWS_WITH(save_packed(path, twice), "two of the pictures are called \"boot\"");
  twice.names[2] = "..";
  CHECK_THROWS_WITH(save_packed(path, twice), doctest::Contains("no plain name"));
}

TEST_CASE("compress: the commands, with a vq-vae, with two levels, and what goes wrong") {
  const TempFolder folder;
  put_squares(folder / "data", 60, 24);
  const auto gesso = [&](const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return run(folder, words);
  };
  const auto good = [&](const std::string& line) {
    const Outcome o = gesso(line);
    CAPTURE(o.err);
    CHECK(o.code == 0);
    return o;
  };
  const auto train = [&](const std::string& more) {
    good("train " + more + " --batch-size 7 --set width=0.1 --steps 6");
  };
  train("vq-vae --data data --set codes=16 --set dim=4 --out vq");
  train("vq-vae-2 --data data --set codes=16 --set dim=4 --out vq2");
  train("pixelcnn --set layers=2 --set codes_of=vq --out prior");
  train("pixelcnn --set layers=2 --set codes_of=vq2 --out top");
  train("pixelcnn --set layers=2 --set top_prior=top --out bottom");
  std::filesystem::create_directories(folder / "pictures");
  const Tensor x = squares(5, 8, 7).reshape({5, 8, 8, 1});
  for (int i = 0; i < 5; ++i) nn::save_image(x[i], folder / fmt::format("pictures/p{}.png", i));

  for (const std::string prior : {"prior", "bottom"}) {
    const std::string said = good("compress " + prior + " pictures --out " + prior + ".packed").out;
    CHECK(said.find("5 pictures of 8x8") != std::string::npos);
    CHECK(said.find("bits per pixel") != std::string::npos);
    good("decompress " + prior + " " + prior + ".packed --out back-" + prior);
    // The pictures are those that the vq-vae makes of these.
    Trained t = load_trained(folder / prior, Device::cpu);
    for (int i = 0; i < 5; ++i) {
      const Tensor bytes = nn::read_picture(folder / fmt::format("pictures/p{}.png", i)).to(DType::f32);
      const Tensor grey = tensor::mul(tensor::slice(bytes, 2, 0, 1), 1. / 255).reshape({1, 64});
      const Tensor expected = nn::to_bytes(t.model->reconstruct(grey).reshape({8, 8, 1}));
      const Tensor back = nn::read_picture(folder / fmt::format("back-{}/p{}.png", prior, i));
      CHECK(tensor::slice(back, 2, 0, 1).to_vector<double>() == expected.to_vector<double>());
    }
  }

  nn::save_image(squares(1, 16, 1).reshape({16, 16, 1}), folder / "large.png");
  std::filesystem::create_directory(folder / "empty");
  std::filesystem::create_directory(folder / "again");
  std::filesystem::copy_file(folder / "pictures/p1.png", folder / "again/p1.png");
  nn::put_bytes(folder / "cut.packed", nn::bytes_of(folder / "prior.packed").substr(0, 60));
  struct Case {
    const char *line, *said;
    int code = 2;
  };
  for (const Case& c :
       {Case{"compress vq pictures --out x", "vq is a run of vq-vae; pictures are packed by a pixelcnn"},
        {"compress top pictures --out x", "top knows the top codes only"},
        {"compress prior large.png --out x", "large.png: 16x16 pixels; this model is for 8x8"},
        {"compress prior empty --out x", "empty: a folder without PNG or JPEG pictures"},
        {"compress prior nowhere.png --out x", "nowhere.png: cannot open", 1},
        {"compress prior pictures again --out x", "two of the pictures are called \"p1\""},
        {"compress prior pictures", "--out is required"},
        {"decompress bottom prior.packed --out x", "was packed by another model"},
        {"decompress prior cut.packed --out x", "damaged or cut off", 1},
        {"decompress prior vq/config.json --out x", "does not begin as such a file does", 1},
        {"decompress --device emu prior prior.packed --out x", "rounds otherwise"}}) {
    CAPTURE(std::string(c.line));
    const Outcome o = gesso(c.line);
    CHECK(o.code == c.code);
    CHECK_MESSAGE(o.err.find(c.said) != std::string::npos, o.err);
    CHECK(!std::filesystem::exists(folder / "x"));
  }
}

}  // namespace
}  // namespace gesso::models
