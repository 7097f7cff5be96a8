// The kernels of a device that move memory, and its copy between host and device: bench_device [--device cuda|emu|cpu]
//
// Each kernel's bytes are those it must read and write once; GB/s, and percent of what the device's own copy reaches on as
// many bytes. Many launches in a row are timed together, medians of 15 such times; inputs of 64 MiB and 256 MiB, and of
// 400 KiB, where a launch costs more than the memory.
#include "kernels/device.h"

#include "bench/limits.h"

#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

using namespace gesso::kernels;

namespace {

const Backend* device = nullptr;

float* array(int i) {
  static float* arrays[4] = {};
  constexpr std::size_t kBytes = std::size_t{256} << 20;
  if (!arrays[i]) {
    arrays[i] = static_cast<float*>(device->memory->allocate(kBytes));
    device->f32->uniform({7, std::uint64_t(i) << 40}, -1, 1, std::int64_t(kBytes / 4), arrays[i]);
  }
  return arrays[i];
}

/// The median time of f in seconds, `together` calls of it between two waits.
double time_of(const std::function<void()>& f, int together) {
  std::vector<double> times;
  f();
  for (int i = 0; i < 15; ++i) {
    device->memory->synchronize();
    const double start = gesso::bench::seconds();
    for (int j = 0; j < together; ++j) f();
    device->memory->synchronize();
    times.push_back((gesso::bench::seconds() - start) / together);
  }
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

struct Case {
  const char* name;
  double bytes;  // for each element
  std::function<void(std::int64_t n)> run;
};

Walk dense(std::int64_t n, bool b = true) { return {1, {n}, {{1}, {b}}}; }
/// (n / 512, 512) with a vector of 512 added to each row.
Walk rows(std::int64_t n) { return {2, {n / 512, 512}, {{512, 1}, {0, 1}}}; }
Walk transposed(std::int64_t n) { return {2, {n / 512, 512}, {{512, 1}, {1, n / 512}}}; }

std::vector<Case> cases() {
  const Kernels<float>& k = *device->f32;
  const auto unary = [&k](const char* name, Unary op) {
    return Case{name, 8, [&k, op](std::int64_t n) { k.unary(op, {0.2, 0}, n, array(0), array(1)); }};
  };
  return {
      {"fill", 4, [&](std::int64_t n) { k.fill(n, 1, array(0)); }},
      unary("leaky_relu", Unary::leaky_relu),
      unary("exp", Unary::exp),
      unary("tanh", Unary::tanh),
      {"a + b", 12,
       [&](std::int64_t n) { k.binary(Binary::add, {}, dense(n), array(0), array(1), array(2)); }},
      {"a * number", 8,
       [&](std::int64_t n) { k.binary(Binary::mul, {}, dense(n, false), array(0), array(1), array(2)); }},
      {"a + row of 512", 8,
       [&](std::int64_t n) { k.binary(Binary::add, {}, rows(n), array(0), array(1), array(2)); }},
      {"transpose of (n,512)", 8,
       [&](std::int64_t n) { device->move->copy(transposed(n), 4, array(0), array(1)); }},
      {"sum", 4,
       [&](std::int64_t n) {
         k.reduce(Reduction::sum, {1, n, 1}, array(0), array(1));
       }},
      {"sum of rows of 512", 4,
       [&](std::int64_t n) {
         k.reduce(Reduction::sum, {n / 512, 512, 1}, array(0), array(1));
       }},
      {"sum of 512 columns", 4,
       [&](std::int64_t n) {
         k.reduce(Reduction::sum, {1, n / 512, 512}, array(0), array(1));
       }},
      {"sum bce_with_logits", 8,
       [&](std::int64_t n) { k.sum_binary(Binary::bce_with_logits, {}, n, array(0), array(1), array(2)); }},
      {"softmax of rows of 512", 8,
       [&](std::int64_t n) {
         k.softmax({n / 512, 512, 1}, array(0), array(1));
       }},
      {"uniform", 4,
       [&](std::int64_t n) {
         k.uniform({1, 0}, 0, 1, n, array(0));
       }},
      {"normal", 4,
       [&](std::int64_t n) {
         k.normal({1, 0}, 0, 1, n, array(0));
       }},
      {"adam", 28,
       [&](std::int64_t n) {
         const ParameterSlice<float> p{n, array(0), array(1), array(2), array(3)};
         k.adam({1e-3, 0.9, 0.999, 1e-8, 0, false, 0.1, 0.001, 1}, 1, &p);
       }},
  };
}

}  // namespace

int main(int argc, char** argv) {
  std::string name = "cuda";
  CLI::App app{"Times the kernels of a device that move memory"};
  app.add_option("--device", name)->check(CLI::IsMember({"cuda", "emu", "cpu"}));
  CLI11_PARSE(app, argc, argv);
  const Device d = name == "cuda" ? Device::cuda : name == "emu" ? Device::emu : Device::cpu;
  device = backend(d);
  if (!device) {
    fmt::print(stderr, "bench_device: {}\n", why_absent(d));
    return 1;
  }
  constexpr std::int64_t kSizes[] = {std::int64_t{100} << 10, std::int64_t{16} << 20, std::int64_t{64} << 20};
  constexpr int kTogether[] = {200, 50, 20};
  double copy[3];
  fmt::print("{:24}  400 KiB: us  GB/s   64 MiB: GB/s  % of copy   256 MiB: GB/s  % of copy\n", "f32");
  const auto row = [&](const Case& c, bool is_copy) {
    fmt::print("{:24}", c.name);
    for (int i = 0; i < 3; ++i) {
      const double seconds = time_of([&] { c.run(kSizes[i]); }, kTogether[i]);
      const double gbs = c.bytes * double(kSizes[i]) / seconds * 1e-9;
      if (is_copy) copy[i] = gbs;
      if (i == 0)
        fmt::print("  {:11.2f} {:5.0f}", seconds * 1e6, gbs);
      else
        fmt::print("  {:13.0f} {:9.0f}%", gbs, 100 * gbs / copy[i]);
    }
    fmt::print("\n");
    std::fflush(stdout);
  };
  row({"copy of the runtime", 8,
       [](std::int64_t n) { device->memory->copy(array(1), array(0), std::size_t(n) * 4); }},
      true);
  for (const Case& c : cases()) row(c, false);
}
