#include "nn/schedule.h"

#include "tests/nn/golden.h"

namespace gesso::nn {
namespace {

TEST_CASE("schedule: factors are PyTorch's") {
  using namespace schedule;
  const std::vector<std::pair<std::string, Schedule>> cases{{"step", step_decay(6, 0.3)},
                                                            {"cosine", cosine(19, 0.1)},
                                                            {"linear", schedule::linear(0.25, 0.75, 8)},
                                                            {"warm_up", warm_up(5)},
                                                            {"chain", chain(warm_up(5), 5, cosine(15))}};
  for (const auto& [name, s] : cases) {
    CAPTURE(name);
    const auto want = golden_nn().at("schedules").at(name).get<std::vector<double>>();
    REQUIRE(want.size() == 20);
    for (std::size_t t = 0; t < want.size(); ++t) {
      CAPTURE(t);
      // PyTorch multiplies the previous rate, step by step; each factor is a few roundings.
      CHECK(std::abs(s(static_cast<std::int64_t>(t)) - want[t]) <= 20 * 4 * 2.2e-16);
    }
  }
  CHECK(cosine(10, 0.25)(1000) == 0.25);  // after its end a schedule stays
  CHECK(product(step_decay(2, 0.5), schedule::linear(2, 2, 1))(5) == 0.5);
  CHECK(warm_up(4)(0) == 0.25);
  CHECK(error_of([] { cosine(0); }) == "cosine: a length of 0 steps; it must be positive");
  CHECK(error_of([] { step_decay(-1); }).starts_with("step_decay:"));
  CHECK(error_of([] { warm_up(0); }).starts_with("warm_up:"));
  CHECK(error_of([] { schedule::linear(0, 1, 0); }).starts_with("linear:"));
}

}  // namespace
}  // namespace gesso::nn
