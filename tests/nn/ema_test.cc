#include "nn/ema.h"

#include "nn/layers.h"
#include "nn/norm.h"
#include "nn/optim.h"
#include "tests/nn/golden.h"

namespace gesso::nn {
namespace {

TEST_CASE("ema: the average, its warm start, and going on with it") {
  Generator g(1);
  const auto one = [&] { return Linear(1, 1, g, {.bias = false, .dtype = DType::f64}); };
  Linear m = one(), plain = one(), warm = one();
  const auto set = [&](double v) { tensor::fill_(m.weight.mutable_value(), v); };
  set(1);
  Ema plain_ema(plain, m, {.decay = 0.9}), warm_ema(warm, m, {.decay = 0.9, .warm_start = true});
  CHECK(plain.weight.item() == 1);
  double a = 1, b = 1;
  for (int n = 0; n < 100; ++n) {
    set(n);
    plain_ema.update(), warm_ema.update();
    a = 0.9 * a + 0.1 * n;
    const double decay = std::min(0.9, (1.0 + n) / (10.0 + n));
    b = decay * b + (1 - decay) * n;
  }
  // Averages of numbers up to 99; an error of one rounding a step fades with the decay: at most 99 eps / (1 -
  // 0.9).
  CHECK(std::abs(plain.weight.item() - a) <= 990 * 2.2e-16);
  CHECK(std::abs(warm.weight.item() - b) <= 990 * 2.2e-16);
  CHECK(m.weight.item() == 99);
  CHECK(plain_ema.state().at("updates").item() == 100);

  Linear again = one();
  Ema resumed(again, m, {.decay = 0.9, .warm_start = true});
  load_state(again, state(warm));
  resumed.load_state(warm_ema.state());
  set(7);
  resumed.update(), warm_ema.update();
  CHECK(same_bits(again.weight.value(), warm.weight.value()));
  CHECK(resumed.state().at("updates").item() == 101);

  Linear wide(2, 1, g, {.dtype = DType::f64});
  CHECK(error_of([&] { Ema(plain, wide); }) ==
        "Ema: the module does not fit the average: \"weight\" is f64 (1,2), wanted f64 (1,1); unexpected "
        "\"bias\"");
  CHECK(error_of([&] {
          resumed.load_state({});
        }).starts_with("load_state: the state does not fit the average"));
  CHECK(error_of([&] { Ema(plain, m, {.decay = 1.5}); }) == "Ema: a decay of 1.5 is not between 0 and 1");
}

TEST_CASE("ema: running statistics are averaged with the weights, batches counted") {
  BatchNorm m(2), average(2);
  Ema ema(average, m, {.decay = 0.75});
  Generator g(3);
  m(tensor::normal(g, {8, 2}, 5, 2));
  ema.update();
  for (const auto& [e, w, start] : {std::tuple(average.running_mean, m.running_mean, 0.),
                                    std::tuple(average.running_var, m.running_var, 1.)})
    for (std::size_t c = 0; c < 2; ++c)
      CHECK(e.to_vector<double>()[c] ==
            doctest::Approx(0.75 * start + 0.25 * w.to_vector<double>()[c]).epsilon(1e-6));
  CHECK(average.num_batches_tracked.item() == 1);
}

}  // namespace
}  // namespace gesso::nn
