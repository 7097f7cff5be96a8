// The table and the timeline of a training step.
#include "models/steps.h"
#include "models/trace.h"
#include "tests/device.h"
#include "tests/models/workshop.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

namespace gesso::models {
namespace {

/// Step 1 of a small VAE under a profile, and an evaluation.
void train(kernels::Profile& profile) {
  const Entry& entry = find_model("mlp-vae");
  Options options(entry.options);
  options.set("hidden=16");
  const Device device = tests::tested_device();
  const auto model =
      entry.make({.image = {8, 8, 1}, .options = options, .lr = 1e-3, .seed = 5, .device = device});
  Steps steps(*model, Steps::As::kernels, [](const std::string&) {});
  const Tensor x = squares(6, 8, 1);
  kernels::Profile::set_step(1);
  const StepLosses losses = steps(x);
  kernels::Profile::set_step(0);
  losses.read();
  Generator noise(1);
  const kernels::Phase phase("evaluation");
  model->evaluate(squares(6, 8, 2).to(device), noise);
  profile.stop();
}

TEST_CASE("the kernels of a step are those that its formulas have") {
  kernels::Profile profile;
  train(profile);
  std::map<std::string, int> calls;  // of the step
  std::map<std::string, int> phases;
  for (const auto& c : profile.calls())
    if (c.step == 1) ++calls[c.kernel], ++phases[std::string(c.kernel) + " " + c.phase];
  // Five linear layers: the encoder's, mu, logvar, two of the decoder. Each has a product forward, and backward one for its weights
  // and one for its input, but for the images.
  CHECK(calls["matmul"] == 5 + 5 + 4);
  CHECK(phases["matmul forward"] == 5);
  CHECK(phases["matmul backward"] == 9);
  CHECK(phases["normal forward"] == 1);
  CHECK(phases["adam optimizer"] == 1);
  CHECK(calls["adam"] == 1);
  CHECK(phases["copy to device data"] == (tests::tested_device() == Device::cpu ? 0 : 1));
  CHECK(calls["copy to host"] == 0);
}

TEST_CASE(
    "a timeline is JSON in which a step's kernels lie within the step, lane by lane one after the other") {
  kernels::Profile profile;
  train(profile);
  const json trace = json::parse(chrome_trace(profile));
  CHECK(trace["displayTimeUnit"] == "ms");
  const double kResolution = 2;                      // us
  std::map<std::pair<int, int>, std::string> lanes;  // of a device, and their names
  std::map<std::pair<int, int>, double> lane_end;
  std::set<std::string> names;
  std::size_t events = 0;
  double step_begin = -1, step_end = -1;
  for (const json& e : trace["traceEvents"])
    if (e["ph"] == "X" && e["name"] == "step 1")
      step_begin = e["ts"], step_end = step_begin + e["dur"].get<double>();
  CHECK(step_begin >= 0);
  for (const json& e : trace["traceEvents"]) {
    if (e["name"] == "thread_name") lanes[{e["pid"], e["tid"]}] = e["args"]["name"];
    if (e["ph"] != "X" || e["name"] == "step 1") continue;
    ++events;
    const double begin = e["ts"], end = begin + e["dur"].get<double>();
    const std::pair<int, int> lane(e["pid"], e["tid"]);
    CAPTURE(lanes.at(lane));
    names.insert(lanes.at(lane));
    CHECK(begin + kResolution >= lane_end[lane]);
    CHECK(end <= 1e6 * profile.seconds() + kResolution);
    lane_end[lane] = end;
    if (e["args"]["step"] == 1) {
      CHECK(begin >= step_begin);
      CHECK(end <= step_end + 0.002);  // three decimals are written
    }
  }
  CHECK(events == profile.calls().size());
  for (const char* lane : {"forward", "backward", "optimizer", "evaluation"}) CHECK(names.contains(lane));
}

TEST_CASE("a profile's tables have a line a kernel, and their sum, in steps and beside them") {
  kernels::Profile profile;
  train(profile);
  std::istringstream in(profile_table(profile));
  std::vector<std::vector<std::string>> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(words(line));
  const std::size_t kernels = profile.kernels().size();
  REQUIRE(lines.size() == kernels + 2 * 3 + 1);  // heading, sum, an empty line; at the end the time in all
  CHECK(lines[0] == words("in 1 training steps calls ms us/call % GFLOP/s"));
  std::int64_t of_lines = 0, sums = 0;
  for (const std::vector<std::string>& line : lines) {
    if (line.size() < 5 || line.back() == "GFLOP/s" || line.back() == "end") continue;
    (line[0] == "all" ? sums : of_lines) +=
        std::stoll(*std::find_if(line.begin() + 1, line.end(), [](const std::string& word) {
          return word.find_first_not_of("0123456789") == std::string::npos;
        }));
    if (line[0] == "all") CHECK(line.back() == "100.0");
  }
  CHECK(of_lines == sums);
  CHECK(sums == static_cast<std::int64_t>(profile.calls().size()));
}

}  // namespace
}  // namespace gesso::models
