#include "nn/schedule.h"

#include "tensor/error.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gesso::nn::schedule {
namespace {

void check_length(const char* name, std::int64_t steps) {
  check(steps > 0, "{}: a length of {} steps; it must be positive", name, steps);
}

/// How much of [0, total] has passed, in [0, 1].
double passed(std::int64_t t, std::int64_t total) {
  return static_cast<double>(std::clamp<std::int64_t>(t, 0, total)) / static_cast<double>(total);
}

}  // namespace

Schedule step_decay(std::int64_t every, double gamma) {
  check_length("step_decay", every);
  return [=](std::int64_t t) { return std::pow(gamma, static_cast<double>(t / every)); };
}

Schedule cosine(std::int64_t total, double floor) {
  check_length("cosine", total);
  return [=](std::int64_t t) {
    return floor + (1 - floor) * (1 + std::cos(std::numbers::pi * passed(t, total))) / 2;
  };
}

Schedule linear(double from, double to, std::int64_t total) {
  check_length("linear", total);
  return [=](std::int64_t t) { return from + (to - from) * passed(t, total); };
}

Schedule warm_up(std::int64_t steps) {
  check_length("warm_up", steps);
  return [=](std::int64_t t) { return passed(t + 1, steps); };
}

Schedule product(Schedule a, Schedule b) {
  return [a = std::move(a), b = std::move(b)](std::int64_t t) { return a(t) * b(t); };
}

Schedule chain(Schedule a, std::int64_t at, Schedule b) {
  return [a = std::move(a), at, b = std::move(b)](std::int64_t t) { return t < at ? a(t) : b(t - at); };
}

}  // namespace gesso::nn::schedule
