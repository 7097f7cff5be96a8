// The program as its users meet it: what it prints, where, and how it ends.
#include "tests/models/workshop.h"

namespace gesso::models {
namespace {

TEST_CASE("gesso: --version, --help and models go to stdout") {
  const Workshop w;
  CHECK(w.gesso("--version").out == "gesso " GESSO_VERSION "\n");
  for (const char* line : {"--help", "train --help", "sample --help", "reconstruct --help", "eval --help",
                           "models --help", "info --help", "edit --help", "edit run inpaint --help"}) {
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

TEST_CASE("gesso train: one test image is enough for all pictures") {
  const Workshop w;
  put_squares(w / "few", 9, 1);
  for (const char* model : {"mlp-vae", "mlp-gan"}) {
    const Outcome o = w.gesso(fmt::format(
        "train {0} --data few --set hidden=4 --set latent=3 --batch-size 3 --steps 2 --out {0}", model));
    CAPTURE(o.err);
    CHECK(o.code == 0);
    CHECK(std::filesystem::exists(w / model / "samples/walk.png"));
  }
}

TEST_CASE("gesso train: a run that has all its steps says so, and how to go on") {
  const Workshop w;
  REQUIRE(w.train("--steps 2 --out run").code == 0);
  const Outcome o = w.gesso("train --resume run");
  CHECK(o.code == 0);
  CHECK(o.err.find("from step 2 of 2: nothing is left to do; --steps or --epochs") != std::string::npos);
  CHECK(w.gesso("train --resume run --steps 1").code == 2);
  CHECK(json::parse(nn::bytes_of(w / "run/config.json"))["steps"] == 2);
}

TEST_CASE("gesso: an instruction level that there is none of is said, once") {
  const Workshop w;
  ::setenv("GESSO_ISA", "avx512", 1);
  const Outcome o = w.train("--steps 1 --out run");
  ::unsetenv("GESSO_ISA");
  CHECK(o.code == 0);
  const std::string said = "gesso: GESSO_ISA=avx512: expected portable, v3 or v4";
  CHECK(o.err.find(said) != std::string::npos);
  CHECK(o.err.find(said) == o.err.rfind(said));
  CHECK(w.train("--steps 1 --out other").err.find("GESSO_ISA") == std::string::npos);
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

TEST_CASE("gesso train: the log, config.json and the report state the likelihood and what beta comes to") {
  const Workshop w;
  const Outcome o = w.train("--steps 9 --out run --set likelihood=gaussian --set sigma=0.1 --set beta=2");
  const std::string said =
      "Gaussian likelihood (a density) of sigma 0.1, squared errors weigh 50; beta 2, effective beta 0.04";
  CAPTURE(o.err);
  CHECK(o.err.find("gesso: " + said + "\n") != std::string::npos);
  CHECK(json::parse(nn::bytes_of(w / "run/config.json"))["objective"] == said);
  const std::string report = nn::bytes_of(w / "run/report.html");
  CHECK(report.find(said) != std::string::npos);
  CHECK(report.find(">nats</text>") != std::string::npos);
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

}  // namespace
}  // namespace gesso::models
