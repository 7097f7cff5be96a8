// `gesso .. --profile FILE`, and training steps as a graph.
#include "tests/models/workshop.h"

namespace gesso::models {
namespace {

namespace fs = std::filesystem;

TEST_CASE("gesso train --profile: a table, and a timeline of every step") {
  const Workshop w;
  const Outcome o = w.train("--steps 3 --out run --profile trace.json");
  CAPTURE(o.err);
  REQUIRE(o.code == 0);
  CHECK(o.out == "run\n");
  for (const char* line :
       {"\nin 3 training steps  ", "\nbeside them  ", "\nmatmul  ", "\nadam  ", "\nnormal  ", "\nall  "})
    CHECK(o.err.find(line) != std::string::npos);
  CHECK(o.err.ends_with("timeline: trace.json\n"));
  int adam = 0, steps = 0;
  const json trace = json::parse(nn::bytes_of(w / "trace.json"));
  for (const json& e : trace["traceEvents"]) {
    adam += e["name"] == "adam";
    steps += e["ph"] == "X" && e["name"].get<std::string>().starts_with("step ");
  }
  CHECK(adam == 3);
  CHECK(steps == 3);

  REQUIRE(w.train("--steps 3 --out plain").code == 0);
  check_same_run(w / "run", w / "plain");
}

TEST_CASE("gesso eval --profile: the result stays alone on stdout") {
  const Workshop w;
  REQUIRE(w.train("--steps 1 --out run").code == 0);
  const Outcome o = w.gesso("eval run --json --profile eval.json");
  CHECK(o.code == 0);
  CHECK(json::parse(o.out).contains("loss"));
  CHECK(o.err.find("matmul") != std::string::npos);
  CHECK(!json::parse(nn::bytes_of(w / "eval.json"))["traceEvents"].empty());
}

TEST_CASE("gesso train --profile: a file that cannot be written is said before anything is trained") {
  const Workshop w;
  const Outcome o = w.train("--steps 1 --out run --profile no/such/folder/trace.json");
  CHECK(o.code == 1);
  CHECK(o.err.find("no/such/folder/trace.json") != std::string::npos);
  CHECK(!fs::exists(w / "run"));
}

TEST_CASE("gesso train: a run whose steps are replayed is the run whose steps are not, and can be resumed") {
  if (!kernels::in_build(Device::emu)) return;
  const Workshop w;
  const std::string on = "--device emu --threads 1 --steps ";
  REQUIRE(w.train(on + "5 --out graph").code == 0);
  REQUIRE(w.train(on + "5 --out kernels --no-graph").code == 0);
  check_same_run(w / "graph", w / "kernels");
  REQUIRE(w.train(on + "2 --out twice").code == 0);
  REQUIRE(w.gesso("train --resume twice " + on + "5").code == 0);
  check_same_run(w / "graph", w / "twice");
  const auto losses = [&](const char* run) {
    std::vector<double> all;
    for (const json& line : metrics(w / run))
      if (line["step"] == 5) all.push_back(line["loss"]);
    return all;
  };
  CHECK(losses("graph") == losses("kernels"));
}

TEST_CASE(
    "gesso train: on a GPU, losses that are not finite are seen some steps later, and said of their step") {
  if (!kernels::in_build(Device::emu)) return;
  const Workshop w;
  const Outcome o = w.train("--device emu --threads 1 --steps 6 --lr 1e30 --out run");
  CHECK(o.code == 1);
  CHECK(o.err.find("step 2: loss is") != std::string::npos);
  CHECK(o.err.find("(seen after step 6)") != std::string::npos);
  REQUIRE(alarms(w / "run").size() == 1);
  CHECK(alarms(w / "run")[0].starts_with("step 2: "));
  CHECK(!fs::exists(w / "run" / "checkpoint.safetensors"));
}

}  // namespace
}  // namespace gesso::models
