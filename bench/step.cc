// Whole training steps of a model on random images, for bench/peers/compare_steps: prints one JSON object.
//
//   build/release/bench_step dcgan [--image 64x64x3] [--steps 300] [--threads 2] [--batch-size 128] [--set key=value ..]
//
// On a GPU steps are replayed as a graph, but for --no-graph, and 50 are timed together: nothing waits for the device in between.
#include "models/device_choice.h"
#include "models/steps.h"
#include "tensor/ops.h"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <sys/resource.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <chrono>
#include <sstream>
#include <vector>

using namespace gesso;
using Clock = std::chrono::steady_clock;

namespace {

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// (H,W,C) of "64x64x3".
Shape image_of(const std::string& text) {
  std::istringstream in(text);
  std::int64_t h = 0, w = 0, c = 0;
  char by[2] = {};
  check((in >> h >> by[0] >> w >> by[1] >> c) && in.eof() && by[0] == 'x' && by[1] == 'x' && h > 0 && w > 0 &&
            c > 0,
        "--image {}: expected height, width and channels, as in 64x64x3", text);
  return {h, w, c};
}

}  // namespace

int main(int argc, char** argv) {
  const Clock::time_point start = Clock::now();
  std::string name, device_name = "cpu", tf32 = "auto", size = "28x28x1";
  std::int64_t batch = 128;
  int steps = 300, threads = 2;
  bool graph = true;
  std::vector<std::string> set;
  CLI::App app{"Times whole training steps of a model"};
  app.add_option("model", name)->required();
  app.add_option("--batch-size", batch);
  app.add_option("--device", device_name)->check(CLI::IsMember({"cpu", "cuda", "emu"}));
  app.add_option("--tf32", tf32, "as in gesso train");
  app.add_flag("!--no-graph", graph);
  app.add_option("--image", size);
  app.add_option("--set", set);
  app.add_option("--steps", steps)->check(CLI::PositiveNumber);
  app.add_option("--threads", threads)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
#ifdef _OPENMP
  omp_set_num_threads(threads);
#endif

  Device device = Device::cpu;
  for (const Device d : kernels::kDevices)
    if (device_name == gesso::name(d)) device = d;
  models::allow_tf32(device, tf32);
  const models::Entry& entry = models::find_model(name);
  const Shape image = image_of(size);
  models::Options options(entry.options);
  for (const std::string& assignment : set) options.set(assignment);
  const auto model =
      entry.make({.image = image, .options = options, .lr = entry.lr, .seed = 0, .device = device});
  Generator g(1);
  const Tensor x = tensor::uniform(g, {batch, image.size()}, 0, 1, DType::f32, device);
  models::Steps step(*model, graph ? models::Steps::As::graph : models::Steps::As::kernels,
                     [](const std::string& line) { fmt::print(stderr, "{}\n", line); });
  const int together = device == Device::cpu ? 1 : 50;
  const auto make = [&](int count) {
    models::StepLosses last;
    for (int i = 0; i < count; ++i) last = step(x);
    last.read();
  };
  make(1);
  const double first = milliseconds_since(start);

  make(3 + steps / 15);  // caches, clock frequency, the allocator's blocks, the graph
  std::vector<double> ms;
  for (int made = 0; made < steps; made += together) {
    const Clock::time_point before = Clock::now();
    make(together);
    ms.push_back(milliseconds_since(before) / together);
  }
  std::sort(ms.begin(), ms.end());
  rusage use{};
  getrusage(RUSAGE_SELF, &use);
  fmt::print(R"({{"median_ms": {}, "min_ms": {}, "first_step_ms": {}, "peak_mib": {}}})"
             "\n",
             ms[ms.size() / 2], ms.front(), first, static_cast<double>(use.ru_maxrss) / 1024);
}
