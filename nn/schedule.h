// Learning-rate schedules: functions of the number of steps taken so far (0, 1, ..) to a factor of the base
// rate. They keep no state, so a resumed run needs none.
//
//   const Schedule s = schedule::chain(schedule::warm_up(500), 500, schedule::cosine(10'000));
//   adam.lr = 1e-3 * s(t);
#pragma once

#include <cstdint>
#include <functional>

namespace gesso::nn {

using Schedule = std::function<double(std::int64_t t)>;

namespace schedule {

/// gamma^floor(t / every)
Schedule step_decay(std::int64_t every, double gamma = 0.1);
/// floor + (1 - floor) (1 + cos(pi t / total)) / 2, then floor. Loshchilov & Hutter 2017, equation 5.
Schedule cosine(std::int64_t total, double floor = 0);
/// From `from` to `to` in equal steps, reached at t = total; then `to`.
Schedule linear(double from, double to, std::int64_t total);
/// min(1, (t + 1) / steps): the first step already moves, step number `steps` has the full rate.
Schedule warm_up(std::int64_t steps);

/// a(t) b(t)
Schedule product(Schedule a, Schedule b);
/// a(t) for t < at, then b(t - at).
Schedule chain(Schedule a, std::int64_t at, Schedule b);

}  // namespace schedule
}  // namespace gesso::nn
