// Runs that are the same run, bit for bit: resumed, with other threads, from packed data.
#include "tests/models/workshop.h"

#include <zlib.h>

namespace gesso::models {
namespace {

TEST_CASE("gesso train: a resumed run is the uninterrupted run, bit for bit") {
  const Workshop w;
  for (const std::string model :
       {"mlp-vae", "mlp-gan", "conv-vae --set likelihood=logistic --set free_bits=0.1 --set warmup=15",
        "beta-vae --set binarize=true --set capacity=5 --set warmup=20", "conv-gan --set ema=0.9"}) {
    const std::string name = model.substr(0, model.find(' ')), whole = "whole-" + name,
                      parts = "parts-" + name;
    REQUIRE(w.train("--steps 25 --out " + whole, model).code == 0);
    REQUIRE(w.train("--steps 4 --out " + parts, model).code == 0);         // within the first epoch
    REQUIRE(w.gesso("train --resume " + parts + " --steps 9").code == 0);  // to its end
    REQUIRE(w.gesso("train --resume " + parts + " --steps 10 --threads 1").code == 0);
    REQUIRE(w.gesso("train --resume " + parts + " --steps 25").code == 0);
    check_same_run(w / whole, w / parts);
    CHECK(metrics(w / parts).back()["loss"] == metrics(w / whole).back()["loss"]);
    for (const json& line : metrics(w / parts)) CHECK(line["step"] <= 25);
  }
}

TEST_CASE("gesso train: data sets with a name begin with the images at the front, and resume all the same") {
  const Workshop w;
  put_squares(w / "mnist", 5000, 24);
  const std::string common = "train mlp-vae --data mnist --set hidden=16 --set latent=3 --batch-size 100 ";
  REQUIRE(w.gesso(common + "--steps 60 --out whole").code == 0);
  REQUIRE(w.gesso(common + "--steps 3 --out parts").code == 0);
  REQUIRE(w.gesso("train --resume parts --steps 60").code == 0);
  check_same_run(w / "whole", w / "parts");
}

TEST_CASE("gesso train: results do not depend on the number of threads") {
  const Workshop w;
  put_squares(w / "large", 300, 30, 28);  // products large enough to be shared out
  for (const std::string model : {"mlp-vae", "mlp-gan", "conv-vae", "dcgan --set width=0.25",
                                  "conv-gan --set width=0.5", "vq-vae --set width=0.25"}) {
    const std::string name = model.substr(0, model.find(' '));
    for (const char* threads : {"1", "2", "3"})
      REQUIRE(w.gesso(fmt::format("train {} --data large --steps 5 --threads {} --out {}-{}", model, threads,
                                  name, threads))
                  .code == 0);
    check_same_run(w / (name + "-1"), w / (name + "-2"));
    check_same_run(w / (name + "-1"), w / (name + "-3"));
  }
}

TEST_CASE("gesso train: the seed decides the run") {
  const Workshop w;
  for (const char* more : {"--seed 5 --out a", "--seed 5 --out b", "--seed 6 --out c"})
    REQUIRE(w.train(std::string("--steps 3 ") + more).code == 0);
  check_same_run(w / "a", w / "b");
  CHECK(nn::bytes_of(w / "a/checkpoint.safetensors") != nn::bytes_of(w / "c/checkpoint.safetensors"));
}

TEST_CASE("gesso train: plain and compressed files are the same data") {
  const Workshop w;
  std::filesystem::create_directory(w / "packed");
  for (const char* name : {"train-images-idx3-ubyte", "t10k-images-idx3-ubyte"}) {
    const std::string bytes = nn::bytes_of(w / "data" / name);
    gzFile out = ::gzopen((w / "packed" / (std::string(name) + ".gz")).c_str(), "wb");
    REQUIRE(::gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size())) ==
            static_cast<int>(bytes.size()));
    REQUIRE(::gzclose(out) == Z_OK);
  }
  REQUIRE(w.train("--steps 12 --out plain").code == 0);
  REQUIRE(w.gesso("train mlp-vae --data packed --set hidden=16 --set latent=3 --batch-size 7 --steps 12 "
                  "--out packed-run")
              .code == 0);
  check_same_run(w / "plain", w / "packed-run");

  const auto file =
      w / "packed/train-images-idx3-ubyte.gz";  // truncated: found even by a run that needs only its start
  std::filesystem::resize_file(file, std::filesystem::file_size(file) - 20);
  const Outcome cut = w.gesso("train mlp-vae --data packed --batch-size 7 --steps 1 --out cut");
  CHECK(cut.code == 1);
  CHECK(cut.err.find("packed/train-images-idx3-ubyte.gz") != std::string::npos);
}

}  // namespace
}  // namespace gesso::models
