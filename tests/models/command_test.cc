// The program as its users meet it: what it prints, where, and how it ends.
#include "tests/models/support.h"

#include <nlohmann/json.hpp>
#include <zlib.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <sstream>
#include <thread>

namespace gesso::models {
namespace {

using nlohmann::json;

std::vector<std::string> words(const std::string& line) {
  std::vector<std::string> all;
  std::istringstream in(line);
  for (std::string word; in >> word;) all.push_back(word);
  return all;
}

/// A folder with a data set "data" of 60 squares to train with and 24 to test.
struct Workshop : TempFolder {
  Workshop() { put_squares(*this / "data", 60, 24); }
  Outcome gesso(const std::string& line) const { return run(*this, words(line)); }
  /// Trains a small model.
  Outcome train(const std::string& more, const std::string& model = "mlp-vae") const {
    const char* narrow = model.starts_with("mlp") ? "hidden=16" : "width=0.1";
    return gesso(
        fmt::format("train {} --data data --set {} --set latent=3 --batch-size 7 {}", model, narrow, more));
  }
};

std::vector<json> metrics(const std::filesystem::path& run) {
  std::vector<json> lines;
  std::ifstream in(run / "metrics.jsonl");
  for (std::string line; std::getline(in, line);) lines.push_back(json::parse(line));
  return lines;
}

TEST_CASE("gesso: every mistake is one line, says what is wrong, and is exit code 2 or 1") {
  const Workshop w;
  REQUIRE(w.train("--steps 2 --out done").code == 0);
  put_squares(w / "notest", 60, 24);
  std::filesystem::remove(w / "notest/t10k-images-idx3-ubyte");
  put_squares(w / "cut", 60, 24);
  std::filesystem::resize_file(w / "cut/train-images-idx3-ubyte", 3000);
  put_squares(w / "cut-test", 60, 24);
  std::filesystem::resize_file(w / "cut-test/t10k-images-idx3-ubyte", 1000);
  put_squares(w / "other-size", 60, 24, 10);
  std::filesystem::create_directory(w / "empty");

  struct Case {
    const char *line, *said;
    int code = 2;
  };
  const Case cases[] = {
      {"", "gesso --help"},
      {"tarin", "did you mean \"train\"?"},
      {"--verison", "did you mean \"--version\"?"},
      {"train", "gesso train mlp-vae"},
      {"train mlp-vea", "no model \"mlp-vea\"; did you mean \"mlp-vae\"?"},
      {"train resnet50", "there is: beta-vae, conv-gan, conv-vae, dcgan, mlp-gan, mlp-vae"},
      {"train mlp-vae --epoch 3", "unknown option --epoch; did you mean \"--epochs\"?"},
      {"train mlp-vae --batch 3", "--batch-size"},
      {"train mlp-vae mlp-gan", "mlp-gan is one word too many"},
      {"train mlp-vae --lr", "--lr"},
      {"train mlp-vae --lr nan", "--lr: nan is not a finite number"},
      {"train mlp-vae --lr inf", "--lr: inf is not a finite number"},
      {"train mlp-vae --lr fast", "--lr: \"fast\" is not a number"},
      {"train mlp-vae --lr 0", "--lr 0: expected a number above 0"},
      {"train mlp-vae --lr -0.1", "--lr -0.1: expected a number above 0"},
      {"train mlp-vae --epochs 0", "--epochs 0: expected a number above 0"},
      {"train mlp-vae --epochs -3", "--epochs -3"},
      {"train mlp-vae --epochs 1.5", "--epochs: \"1.5\" is not a whole number"},
      {"train mlp-vae --data data --batch-size 7 --epochs 9223372036854775807",
       "--epochs 9223372036854775807: 2^32 epochs"},
      {"train mlp-vae --data data --batch-size 7 --steps 9223372036854775807",
       "--steps 9223372036854775807: 2^32 epochs"},
      {"train mlp-vae --steps 0", "--steps 0"},
      {"train mlp-vae --steps -1", "--steps -1"},
      {"train mlp-vae --steps 1 --epochs 1", "give one of them"},
      {"train mlp-vae --data data --batch-size 0", "--batch-size 0: expected a number above 0"},
      {"train mlp-vae --data data --batch-size -8", "--batch-size -8"},
      {"train mlp-vae --data data --batch-size 61",
       "--batch-size 61: larger than the data set, which has 60 images"},
      {"train mlp-vae --seed -1", "--seed -1"},
      {"train mlp-vae --threads 0", "--threads 0"},
      {"train mlp-vae --threads many", "--threads: \"many\" is not a whole number"},
      {"train mlp-vae --save-every 0", "--save-every 0"},
      {"train mlp-vae --device gpu", "no such device"},
      {"train mlp-vae --data fashon", "did you mean \"fashion\"?"},
      {"train mlp-vae --data nowhere/at/all", "--data nowhere/at/all"},
      {"train mlp-vae --data data --batch-size 7 --set lattent=3", "did you mean \"latent\"?"},
      {"train mlp-vae --data data --batch-size 7 --set latent", "expected key=value"},
      {"train mlp-vae --data data --batch-size 7 --set latent=0", "--set latent=0"},
      {"train mlp-vae --data data --batch-size 7 --set latent=-4", "--set latent=-4"},
      {"train mlp-vae --data data --batch-size 7 --set hidden=128,x", "--set hidden"},
      {"train mlp-vae --data data --batch-size 7 --set width=0", "--set width=0"},
      {"train mlp-vae --data data --batch-size 7 --set width=nan", "--set width: nan"},
      {"train mlp-gan --data data --batch-size 7 --set beta1=1", "--set beta1=1"},
      {"train mlp-gan --data data --batch-size 7 --set ema=1.5", "--set ema=1.5"},
      {"train dcgan --data data --batch-size 7", "28x28, 32x32 or 64x64; these are 8x8"},
      {"train conv-gan --data data --batch-size 7 --set width=100", "--set width=100"},
      {"train conv-gan --data other-size --batch-size 7", "divisible by 4; these are 10x10"},
      {"train conv-vae --data data --batch-size 7 --set latent=many", "--set latent"},
      {"train mlp-vae --data data --batch-size 7 --set likelihood=poisson",
       "--set likelihood=poisson: there is no likelihood \"poisson\"; there is: bernoulli, gaussian, "
       "logistic"},
      {"train mlp-vae --data data --batch-size 7 --set likelihood=gausian", "did you mean \"gaussian\"?"},
      {"train mlp-vae --data data --batch-size 7 --set likelihood=gaussian --set sigma=-1",
       "--set sigma=-1: expected a number above 0"},
      {"train mlp-vae --data data --batch-size 7 --set likelihood=logistic --set sigma=learnt",
       "did you mean \"learned\"?"},
      {"train mlp-vae --data data --batch-size 7 --set sigma=0.1", "a Bernoulli likelihood has none"},
      {"train mlp-vae --data data --batch-size 7 --set binarize=yes", "there is: false, true"},
      {"train mlp-vae --data data --batch-size 7 --set binarize=true --set likelihood=gaussian",
       "pixels of 0 or 1 (binarize=true) want likelihood=bernoulli"},
      {"train beta-vae --data data --batch-size 7 --set beta=-1", "--set beta=-1"},
      {"train beta-vae --data data --batch-size 7 --set warmup=-1", "--set warmup=-1"},
      {"train beta-vae --data data --batch-size 7 --set warmup=0.5", "--set warmup: \"0.5\" is not a whole"},
      {"train beta-vae --data data --batch-size 7 --set free_bits=1 --set capacity=1", "give one of them"},
      {"eval done --importance-samples 1,0", "--importance-samples 1,0: expected whole numbers from 1"},
      {"eval done --importance-samples 1,,2", "--importance-samples: \"\" is not a whole number"},
      {"eval done --importance-samples many", "--importance-samples: \"many\""},
      {"eval done --images 25", "--images 25: the test set has 24"},
      {"eval done --images 1", "--images 1: expected"},
      {"train mlp-vae --data data --batch-size 7 --out done", "gesso train --resume done"},
      {"train --resume done --lr 0.5", "--lr 0.5: the run in done has 0.001"},
      {"train --resume done --batch-size 8", "--batch-size 8: the run in done has 7"},
      {"train --resume done --seed 1", "--seed 1"},
      {"train --resume done --data other-size", "--data"},
      {"train --resume done --set latent=4", "--set"},
      {"train --resume done --out elsewhere", "--out elsewhere"},
      {"train mlp-gan --resume done", "mlp-gan"},
      {"sample", "RUN"},
      {"sample done --count 0", "--count 0"},
      {"sample done --count -5", "--count -5"},
      {"sample done --cuont 5", "did you mean \"--count\"?"},
      {"models mlp-vea", "did you mean \"mlp-vae\"?"},
      {"info", "PATH"},

      {"train mlp-vae --data mnist", "no data \"mnist\"", 1},  // GESSO_DATA has none
      {"train mlp-vae --data empty", "train-images-idx3-ubyte", 1},
      {"train mlp-vae --data notest --batch-size 7", "t10k-images-idx3-ubyte", 1},
      {"train mlp-vae --data cut --batch-size 7", "cut/train-images-idx3-ubyte", 1},
      {"train mlp-vae --data cut-test --batch-size 7 --steps 1 --out cut-run",
       "cut-test/t10k-images-idx3-ubyte", 1},
      {"train mlp-vae --data data --batch-size 7 --out data/t10k-images-idx3-ubyte/run",
       "t10k-images-idx3-ubyte/run", 1},
      {"train --resume nowhere", "nowhere: there is no such run folder", 1},
      {"train --resume data", "config.json", 1},
      {"sample nowhere", "nowhere: there is no such run folder", 1},
      {"reconstruct done --data other-size", "(10,10,1)", 1},
      {"eval nowhere --json", "nowhere", 1},
      {"info nowhere", "nowhere", 1},
      {"info data/t10k-images-idx3-ubyte", "t10k-images-idx3-ubyte", 1},
  };
  for (const Case& c : cases) {
    const Outcome o = w.gesso(c.line);
    CAPTURE(std::string(c.line));
    CAPTURE(o.err);
    CHECK(o.code == c.code);
    CHECK(o.out == "");
    CHECK(o.err.find(c.said) != std::string::npos);
    CHECK(o.err.starts_with("gesso: "));
    if (c.code == 2) CHECK(std::count(o.err.begin(), o.err.end(), '\n') == 1);
    CHECK((c.code != 2 || !std::filesystem::exists(w / "runs")));
  }
}

TEST_CASE("gesso: --version, --help and models go to stdout") {
  const Workshop w;
  CHECK(w.gesso("--version").out == "gesso " GESSO_VERSION "\n");
  for (const char* line : {"--help", "train --help", "sample --help", "reconstruct --help", "eval --help",
                           "models --help", "info --help"}) {
    const Outcome o = w.gesso(line);
    CAPTURE(line);
    CHECK(o.code == 0);
    CHECK(o.err == "");
    CHECK(o.out.find("Usage: gesso") != std::string::npos);
  }
  const Outcome all = w.gesso("models"), one = w.gesso("models mlp-vae");
  CHECK(all.out.find("mlp-gan") != std::string::npos);
  CHECK(all.out.find("mlp-vae") != std::string::npos);
  CHECK(one.out.find("latent=20") != std::string::npos);
  CHECK(one.out.find("Linear(in_features=784, out_features=400, bias=True)") != std::string::npos);
  CHECK(one.out.find("652824") != std::string::npos);
}

TEST_CASE("gesso train: what a run leaves in its folder") {
  const Workshop w;
  for (const char* model : {"mlp-vae", "mlp-gan", "conv-vae", "beta-vae", "conv-gan"}) {
    const std::filesystem::path run = w / model;
    const Outcome o = w.train(fmt::format("--epochs 2 --out {}", model), model);
    CAPTURE(o.err);
    REQUIRE(o.code == 0);
    CHECK(o.out == std::string(model) + "\n");
    for (const char* file :
         {"config.json", "checkpoint.safetensors", "model.safetensors", "metrics.jsonl", "report.html",
          "samples/epoch_001.png", "samples/epoch_002.png", "samples/latest.png", "samples/walk.png"}) {
      CAPTURE(file);
      CHECK(std::filesystem::file_size(run / file) > 0);
    }
    for (const char* of_vaes : {"samples/reconstructions.png", "samples/traversal.png"})
      CHECK(std::filesystem::exists(run / of_vaes) == std::string(model).ends_with("vae"));
    CHECK(nn::bytes_of(run / "samples/latest.png") == nn::bytes_of(run / "samples/epoch_002.png"));
    const std::vector<json> lines = metrics(run);
    REQUIRE(lines.size() == 4);
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(lines[i]["step"] == 9 * (i / 2 + 1));
      CHECK(lines[i]["epoch"] == i / 2 + 1);
      CHECK(lines[i]["split"] == (i % 2 ? "test" : "train"));
      double parts = 0;
      for (const char* part : {"reconstruction", "kl", "loss_d", "loss_g"}) parts += lines[i].value(part, 0.);
      CHECK(lines[i]["loss"].get<double>() == doctest::Approx(parts).epsilon(1e-5));
      CHECK(lines[i].contains("images_per_s") == (i % 2 == 0));
    }
  }
}

TEST_CASE("gesso train: without --out each run gets a folder of its own") {
  const Workshop w;
  CHECK(w.train("--steps 1").out == "runs/mlp-vae-data-1\n");
  CHECK(w.train("--steps 1").out == "runs/mlp-vae-data-2\n");
}

TEST_CASE("gesso train: a last batch of one image is left out") {
  const Workshop w;
  REQUIRE(w.gesso("train conv-gan --data data --set width=0.1 --batch-size 59 --epochs 2 --out run").code ==
          0);
  const std::vector<json> lines = metrics(w / "run");
  CHECK(lines.back()["epoch"] == 2);
  CHECK(lines.back()["step"] == 2);
}

TEST_CASE("gesso sample, reconstruct, eval, info") {
  const Workshop w;
  REQUIRE(w.train("--epochs 1 --out run").code == 0);
  CHECK(w.gesso("sample run").out == "run/samples/sample-0.png\n");
  CHECK(w.gesso("sample run --count 3 --seed 1 --out three.png").out == "three.png\n");
  CHECK(w.gesso("sample run --count 3 --seed 1 --out again.png").out == "again.png\n");
  CHECK(w.gesso("sample run --count 3 --seed 2 --out other.png").out == "other.png\n");
  CHECK(nn::bytes_of(w / "three.png") == nn::bytes_of(w / "again.png"));
  CHECK(nn::bytes_of(w / "three.png") != nn::bytes_of(w / "other.png"));
  CHECK(w.gesso("reconstruct run --out pairs.png").out == "pairs.png\n");

  const Outcome text = w.gesso("eval run"), as_json = w.gesso("eval run --json");
  const json result = json::parse(as_json.out);
  CHECK(result["images"] == 24);
  CHECK(result["loss"] == metrics(w / "run").back()["loss"]);  // the same weights, the same seeded noise
  CHECK(text.out.find(fmt::format("{:.4f}", result["loss"].get<double>())) != std::string::npos);
  CHECK(text.out.find("nats") != std::string::npos);

  CHECK(w.gesso("info run").out.find("mlp-vae") != std::string::npos);
  CHECK(w.gesso("info run/model.safetensors").out.find("encoder.0.weight") != std::string::npos);

  REQUIRE(w.train("--steps 1 --out gan", "mlp-gan").code == 0);
  const Outcome none = w.gesso("reconstruct gan");
  CHECK(none.code == 2);
  CHECK(none.err.find("gesso sample gan") != std::string::npos);
}

/// All that decides how a run goes on.
void check_same_run(const std::filesystem::path& a, const std::filesystem::path& b) {
  CHECK(nn::bytes_of(a / "checkpoint.safetensors") == nn::bytes_of(b / "checkpoint.safetensors"));
}

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

void wait_for(const std::filesystem::path& file) {
  for (int i = 0; i < 1000 && !std::filesystem::exists(file); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  REQUIRE(std::filesystem::exists(file));
}

const std::string kLong =
    "train mlp-vae --data data --set hidden=16 --set latent=3 --batch-size 7 --epochs 100000 --out run";

TEST_CASE(
    "gesso train: SIGINT and SIGTERM stop after the step, save, and the run can go on as if nothing had "
    "been") {
  const Workshop w;
  for (const int number : {SIGINT, SIGTERM}) {
    std::filesystem::remove_all(w / "run");
    Command long_run(w, words(kLong));
    wait_for(w / "run/samples/epoch_002.png");
    long_run.signal(number);
    const Outcome o = long_run.wait();
    CAPTURE(o.err);
    CHECK(o.code == 128 + number);
    CHECK(o.err.find("gesso train --resume run") != std::string::npos);
    CHECK(std::filesystem::exists(w / "run/report.html"));
    const std::int64_t step = metrics(w / "run").back()["step"], more = step + 5;
    REQUIRE(w.gesso(fmt::format("train --resume run --steps {}", more)).code == 0);
    REQUIRE(w.train(fmt::format("--steps {} --out whole-{}", more, number)).code == 0);
    check_same_run(w / "run", w / fmt::format("whole-{}", number));
  }
}

TEST_CASE("gesso train: a run that was killed goes on from its last checkpoint, bit for bit") {
  const Workshop w;
  Command long_run(w, words(kLong + " --save-every 0.01"));
  wait_for(w / "run/checkpoint.previous.safetensors");
  long_run.signal(SIGKILL);
  CHECK(long_run.wait().code == 256 + SIGKILL);
  const std::string log = nn::bytes_of(w / "run/metrics.jsonl");
  nn::put_bytes(w / "run/metrics.jsonl", log + "{\"step\": 1, \"sp");  // the torn line of a machine that died
  const Outcome nothing_to_do = w.gesso("train --resume run --steps 1");
  CAPTURE(nothing_to_do.err);
  REQUIRE(nothing_to_do.code == 0);
  const std::string before = "going on with run from step ";
  const std::size_t at = nothing_to_do.err.find(before);
  REQUIRE(at != std::string::npos);
  const int step = std::stoi(nothing_to_do.err.substr(at + before.size()));
  CHECK(step > 0);
  REQUIRE(w.gesso(fmt::format("train --resume run --steps {}", step + 20)).code == 0);
  REQUIRE(w.train(fmt::format("--steps {} --out whole", step + 20)).code == 0);
  check_same_run(w / "run", w / "whole");
  std::int64_t last = 0;
  for (const json& line : metrics(w / "run")) {  // no step was logged again
    CHECK(line["step"] >= last);
    last = line["step"];
  }
  CHECK(last == step + 20);
}

TEST_CASE("gesso train: a second signal exits at once, without saving") {
  const Workshop w;
  Command long_run(w, words(kLong));
  wait_for(w / "run/config.json");
  long_run.signal(SIGSTOP);  // so that both signals are there when it next runs
  long_run.signal(SIGINT);
  long_run.signal(SIGTERM);
  long_run.signal(SIGCONT);
  const Outcome o = long_run.wait();
  CHECK((o.code == 128 + SIGINT || o.code == 128 + SIGTERM));
  CHECK(o.err.find("stopped and saved") == std::string::npos);
  CHECK(!std::filesystem::exists(w / "run/checkpoint.safetensors"));
}

TEST_CASE("gesso train: a checkpoint that cannot be written is a warning, but at the end a failure") {
  const Workshop w;
  // Larger than the log and the pictures of so small a run, smaller than its checkpoint of 70,000 bytes or so.
  const std::uint64_t limit = 40000;
  const Outcome o = Command(w,
                            words("train mlp-vae --data data --set hidden=32 --set latent=3 --batch-size 7 "
                                  "--steps 400 --save-every 0.01 --out run"),
                            limit)
                        .wait();
  CAPTURE(o.err);
  CHECK(o.code == 1);
  CHECK(o.err.find("warning: run/checkpoint.safetensors") != std::string::npos);
  CHECK(o.err.find("could not be saved in full") != std::string::npos);
  CHECK(metrics(w / "run").back()["step"] == 400);  // it went on to its end
  for (const auto& entry : std::filesystem::directory_iterator(w / "run"))
    CHECK(entry.path().filename().string().find(".tmp.") == std::string::npos);
  CHECK(w.gesso("train --resume run").err.find("begin it anew") != std::string::npos);
}

TEST_CASE("gesso train: a second process in the same run folder is refused") {
  const Workshop w;
  Command first(w, words(kLong));
  wait_for(w / "run/config.json");
  const Outcome second = w.gesso("train --resume run");
  CHECK(second.code == 1);
  CHECK(second.err.find("another process is training here") != std::string::npos);
  first.signal(SIGINT);
  CHECK(first.wait().code == 130);
}

TEST_CASE("gesso train: the log, config.json and the report state the likelihood and what beta comes to") {
  const Workshop w;
  const Outcome o = w.train("--steps 9 --out run --set likelihood=gaussian --set sigma=0.1 --set beta=2");
  const std::string said =
      "Gaussian likelihood (a density) of sigma 0.1, squared errors weigh 50; beta 2, effective beta 0.04";
  CAPTURE(o.err);
  CHECK(o.err.find("gesso: " + said + "\n") != std::string::npos);
  CHECK(json::parse(nn::bytes_of(w / "run/config.json"))["objective"] == said);
  CHECK(nn::bytes_of(w / "run/report.html").find(said) != std::string::npos);
  const json last = metrics(w / "run").front();
  CHECK(last["objective"].get<double>() ==
        doctest::Approx(last["reconstruction"].get<double>() + 2 * last["kl"].get<double>()));
}

TEST_CASE("gesso eval: importance samples, active units, and the factors of sprites") {
  const Workshop w;
  REQUIRE(w.gesso("train beta-vae --data sprites:8x1 --set width=0.1 --steps 5 --out run").code == 0);
  const Outcome o = w.gesso("eval run --json --images 50 --importance-samples 1,7");
  CAPTURE(o.err);
  const json figures = json::parse(o.out);
  CHECK(figures["images"] == 50);
  CHECK(figures["latent_units"] == 10);
  CHECK((figures["active_units"] >= 0 && figures["active_units"] <= 10));
  for (const char* name : {"mig", "mig_shape", "mig_hue", "mig_diameter", "mig_angle", "mig_x", "mig_y"}) {
    CAPTURE(std::string(name));
    CHECK((figures[name] >= 0 && figures[name] <= 1));
  }
  CHECK(figures["nll_7"] <= figures["nll_1"]);
  CHECK(figures["nll_7_error"] > 0);
  CHECK(w.gesso("eval run --json --images 50 --importance-samples 1,7").out == o.out);
  CHECK(w.gesso("eval run --images 50 --importance-samples 7").out.find("nll_7 ") != std::string::npos);

  REQUIRE(w.train("--steps 1 --out gan", "mlp-gan").code == 0);
  CHECK(w.gesso("eval gan --importance-samples 5").err.find("no q(z|x)") != std::string::npos);
}

std::vector<std::string> alarms(const std::filesystem::path& run) {
  std::vector<std::string> all;
  for (const json& line : metrics(run))
    if (line["split"] == "alarm") all.push_back(line["alarm"]);
  return all;
}

TEST_CASE(
    "gesso train: a posterior that collapses is an alarm in the log, metrics and report; a healthy run has "
    "none") {
  const Workshop w;
  const Outcome ill = w.train("--steps 600 --out ill --set beta=10000"),
                well = w.train("--steps 600 --out well");
  CAPTURE(ill.err);
  CHECK(ill.err.find("warning: posterior collapse: no latent unit") != std::string::npos);
  REQUIRE(!alarms(w / "ill").empty());
  CHECK(alarms(w / "ill").front().starts_with("posterior collapse"));
  CHECK(nn::bytes_of(w / "ill/report.html").find("posterior collapse") != std::string::npos);
  CHECK(well.err.find("warning") == std::string::npos);
  CHECK(alarms(w / "well").empty());
  CHECK(nn::bytes_of(w / "well/report.html").find("class=alarm>") == std::string::npos);
}

TEST_CASE("gesso train: losses that are no longer finite stop the run and keep its checkpoint") {
  const Workshop w;
  REQUIRE(w.train("--steps 2 --out run --lr 1e30").code == 1);
  const Outcome o = w.train("--steps 50 --out run2 --lr 1e30");
  CAPTURE(o.err);
  CHECK(o.code == 1);
  CHECK(o.err.find("diverged") != std::string::npos);
}

TEST_CASE("gesso train: a run that diverges after its first step leaves an alarm in metrics and report") {
  const Workshop w;
  const Outcome o = w.train("--steps 50 --out run --lr 10");
  CAPTURE(o.err);
  CHECK(o.code == 1);
  REQUIRE(alarms(w / "run").size() == 1);
  CHECK(alarms(w / "run").front().find("diverged") != std::string::npos);
  CHECK(nn::bytes_of(w / "run/report.html").find("diverged") != std::string::npos);
}

}  // namespace
}  // namespace gesso::models
