// What a Profile says of the calls made while it lives.
#include "kernels/profile.h"

#include "tests/device.h"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>

namespace gesso::kernels {
namespace {

/// Room for n floats on the tested device.
struct Numbers {
  explicit Numbers(std::size_t n) : bytes(n * sizeof(float)) {
    at = static_cast<float*>(memory().allocate(bytes));
  }
  ~Numbers() { memory().release(at, bytes); }
  static const Memory& memory() { return *untimed_backend(tests::tested_device())->memory; }
  std::size_t bytes;
  float* at = nullptr;
};

const Kernels<float>& now() { return *backend(tests::tested_device())->f32; }

/// 3 fills, 2 tanh, 1 exp, and the product of (8,16) and (16,4).
void work() {
  const Numbers x(128), y(128), w(64);
  const Phase outer("forward");
  now().fill(128, 0.5f, x.at);
  now().fill(64, 2, w.at);
  now().unary(Unary::tanh, {}, 128, x.at, y.at);
  const Phase inner("backward");
  now().unary(Unary::tanh, {}, 128, y.at, x.at);
  now().unary(Unary::exp, {}, 128, x.at, y.at);
  now().fill(128, 1, x.at);
  now().matmul(
      {.M = 8, .N = 4, .K = 16, .a = x.at, .a_row = 16, .b = w.at, .b_row = 4, .c = y.at, .c_row = 4});
}

const Profile::Kernel& kernel(const std::vector<Profile::Kernel>& all, const std::string& name,
                              bool in_step = false) {
  for (const Profile::Kernel& k : all)
    if (k.name == name && k.in_step == in_step) return k;
  FAIL("no kernel ", name);
  throw std::logic_error(name);
}

TEST_CASE("a profile has every call, by kernel and function") {
  const auto start = std::chrono::steady_clock::now();
  Profile profile;
  work();
  Profile::set_step(7);
  work();
  work();
  profile.stop();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  work();  // after it: none of the profile's business

  const std::vector<Profile::Kernel> all = profile.kernels();
  REQUIRE(all.size() == 2 * 4);
  CHECK(profile.steps() == 1);
  for (const bool in_step : {false, true}) {
    const double factor = in_step ? 2 : 1;  // work() ran twice in step 7
    CHECK(kernel(all, "fill", in_step).calls == 3 * factor);
    CHECK(kernel(all, "unary tanh", in_step).calls == 2 * factor);
    CHECK(kernel(all, "unary exp", in_step).calls == factor);
    CHECK(kernel(all, "matmul", in_step).calls == factor);
    CHECK(kernel(all, "matmul", in_step).operations == factor * 2. * 8 * 4 * 16);
    CHECK(kernel(all, "fill", in_step).operations == 0);
  }
  double sum = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(all[i].device == tests::tested_device());
    CHECK(all[i].seconds >= 0);
    if (i > 0) CHECK(all[i].seconds <= all[i - 1].seconds);
    sum += all[i].seconds;
  }
  CHECK(sum > 0);
  CHECK(sum <= profile.seconds());
  CHECK(profile.seconds() <= wall.count());
}

TEST_CASE("a profile has the calls in their order, with phase, step and shape") {
  Profile profile;
  work();
  Profile::set_step(7);
  work();
  profile.stop();
  const std::vector<Profile::Call>& calls = profile.calls();
  REQUIRE(calls.size() == 14);
  CHECK(std::string(calls[2].kernel) == "unary");
  CHECK(std::string(calls[2].function) == "tanh");
  CHECK(std::string(calls[0].function).empty());
  CHECK(calls[6].shape == "8x16x4");
  // CUDA's events tell time by half a microsecond, as a float of milliseconds.
  constexpr double kResolution = 2e-6;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    CAPTURE(i);
    CHECK(std::string(calls[i].phase) == (i % 7 < 3 ? "forward" : "backward"));
    CHECK(calls[i].step == (i < 7 ? 0 : 7));
    CHECK(calls[i].start >= -kResolution);
    CHECK(calls[i].start + calls[i].seconds <= profile.seconds() + kResolution);
    if (i > 0) CHECK(calls[i].start + kResolution >= calls[i - 1].start + calls[i - 1].seconds);
  }
}

TEST_CASE("a profile keeps as many calls as it is told to, and counts all") {
  Profile profile(3);
  work();
  profile.stop();
  CHECK(profile.calls().size() == 3);
  CHECK(kernel(profile.kernels(), "fill").calls == 3);
  CHECK(kernel(profile.kernels(), "matmul").calls == 1);
}

TEST_CASE("a profile times copies, and kernels on the CPU beside those of a device") {
  const Device d = tests::tested_device();
  Profile profile;
  float here[4] = {1, 2, 3, 4};
  {
    const Numbers there(4);
    backend(d)->memory->from_host(there.at, here, sizeof here);
    backend(d)->memory->to_host(here, there.at, sizeof here);
  }
  backend(Device::cpu)->f32->fill(4, 1, here);
  profile.stop();
  CHECK(kernel(profile.kernels(), "copy to device").calls == 1);
  CHECK(kernel(profile.kernels(), "copy to host").calls == 1);
  CHECK(kernel(profile.kernels(), "fill").device == Device::cpu);
}

TEST_CASE("without a profile kernels are the plain ones; there is one profile at a time") {
  const Device d = tests::tested_device();
  CHECK(backend(d) == untimed_backend(d));
  {
    const Profile profile;
    CHECK(Profile::running());
    CHECK(backend(d) != untimed_backend(d));
    CHECK_THROWS_AS(Profile(), std::logic_error);
  }
  CHECK(!Profile::running());
  CHECK(backend(d) == untimed_backend(d));
}

}  // namespace
}  // namespace gesso::kernels
