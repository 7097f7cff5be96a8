#include "kernels/profile.h"

#include "kernels/kernel_names.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>

namespace gesso::kernels {
namespace {

std::atomic<Profile*> running_profile = nullptr;

double clock_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// ---- what a call's arguments say of it ----

const char* function_of(const auto&) { return nullptr; }
template <class E>
requires requires(E e) { name(e); }
const char* function_of(const E& e) { return name(e); }

/// The factors of a product: x (N,H,W,C) * w (K,R,S,C/groups) are N P Q sums of R S C / groups for each of K.
struct Factors {
  std::int64_t batch = 0, M = 0, N = 0, K = 0;
  double operations() const { return 2. * double(batch) * double(M) * double(N) * double(K); }
};
Factors factors_of(const auto&) { return {}; }
template <class T>
Factors factors_of(const MatMul<T>& p) {
  return {p.batch, p.M, p.N, p.K};
}
Factors factors_of(const Conv2dGeometry& g) {
  return {1, g.N * g.P * g.Q, g.K, g.R * g.S * (g.C / g.groups)};
}

std::string join(std::initializer_list<std::int64_t> sizes) {
  std::string text;
  for (const std::int64_t size : sizes) text += (text.empty() ? "" : "x") + std::to_string(size);
  return text;
}
std::string shape_of(const auto&) { return {}; }
template <class T>
std::string shape_of(const MatMul<T>& p) {
  return p.batch == 1 ? join({p.M, p.K, p.N}) : join({p.batch, p.M, p.K, p.N});
}
std::string shape_of(const Conv2dGeometry& g) {
  return join({g.N, g.H, g.W, g.C}) + " * " + join({g.K, g.R, g.S, g.C / g.groups}) + " -> " +
         join({g.N, g.P, g.Q, g.K});
}

template <class... A>
Profile::Call described(Device d, const char* kernel, const A&... arguments) {
  Profile::Call call{.kernel = kernel,
                     .function = "",
                     .phase = Phase::current(),
                     .device = d,
                     .step = 0,
                     .start = 0,
                     .seconds = 0,
                     .shape = {},
                     .operations = 0};
  const auto look = [&call](const auto& argument) {
    if (const char* function = function_of(argument)) call.function = function;
    if (const Factors f = factors_of(argument); f.batch) call.operations = f.operations();
    if (std::string shape = shape_of(argument); !shape.empty()) call.shape = std::move(shape);
  };
  (look(arguments), ...);
  return call;
}

}  // namespace

// ---- kernels that take their time ----

/// From its beginning to its end is the time of one call. What was asked for of a GPU may be done long after.
class Profile::Timer {
 public:
  Timer(Device d, Call call)
      : profile_(running_profile), timing_(untimed_backend(d)->timing), call_(std::move(call)) {
    if (!profile_) return;
    if (timing_) {
      const std::lock_guard lock(profile_->mutex_);
      profile_->marks_of(d, *timing_);
      timing_->enter(call_.kernel);
      from_ = timing_->mark();
    } else {
      call_.start = profile_->now();
    }
  }
  ~Timer() {
    if (!profile_) return;
    if (!timing_) call_.seconds = profile_->now() - call_.start;
    const std::lock_guard lock(profile_->mutex_);
    call_.step = profile_->step_;
    if (!timing_) {
      profile_->add(std::move(call_));
      return;
    }
    void* const to = timing_->mark();
    timing_->leave();
    Marks& marks = profile_->marks_of(call_.device, *timing_);
    marks.pending.push_back({std::move(call_), from_, to});
    constexpr std::size_t kMostPending =
        4096;  // events; to ask the device for their times makes the host wait
    if (marks.pending.size() >= kMostPending) profile_->resolve(*timing_, marks);
  }
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

 private:
  Profile* const profile_;
  const Timing* const timing_;
  Call call_;
  void* from_ = nullptr;
};

namespace {

template <class Table>
const Table& table_of(const Backend& b) {
  if constexpr (std::is_same_v<Table, MoveKernels>)
    return *b.move;
  else if constexpr (std::is_same_v<Table, Memory>)
    return *b.memory;
  else if constexpr (std::is_same_v<Table, Kernels<float>>)
    return *b.f32;
  else
    return *b.f64;
}

/// Kernel number i of a table, timed.
template <Device d, class Table, std::size_t i>
struct Timed {
  static constexpr auto entry = std::get<i>(kKernelsOf<Table>);
  template <class... A>
  static void call(A... arguments) {
    const Profile::Timer timer(d, described(d, entry.name, arguments...));
    (table_of<Table>(*untimed_backend(d)).*entry.kernel)(arguments...);
  }
};

template <Device d, class Table>
Table timed_table() {
  Table table = table_of<Table>(*untimed_backend(d));
  const auto replace = [&table]<std::size_t i>(std::integral_constant<std::size_t, i>) {
    constexpr auto entry = std::get<i>(kKernelsOf<Table>);
    if (table.*entry.kernel) table.*entry.kernel = Timed<d, Table, i>::call;  // a device may lack some
  };
  constexpr std::size_t count = std::tuple_size_v<std::remove_cvref_t<decltype(kKernelsOf<Table>)>>;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    (replace(std::integral_constant<std::size_t, i>()), ...);
  }
  (std::make_index_sequence<count>());
  return table;
}

template <Device d>
const Backend& timed_backend() {
  static const Kernels<float> f32 = timed_table<d, Kernels<float>>();
  static const Kernels<double> f64 = timed_table<d, Kernels<double>>();
  static const MoveKernels move = timed_table<d, MoveKernels>();
  static const Memory memory = timed_table<d, Memory>();
  static const Backend b = [] {
    Backend all = *untimed_backend(d);
    all.f32 = &f32, all.f64 = &f64, all.move = &move, all.memory = &memory;
    return all;
  }();
  return b;
}

}  // namespace

const Backend& timed(Device d) {
  switch (d) {
    case Device::cuda:
      return timed_backend<Device::cuda>();
    case Device::emu:
      return timed_backend<Device::emu>();
    default:
      return timed_backend<Device::cpu>();
  }
}

// ---- the profile ----

Profile::Profile(std::size_t most_calls) : most_calls_(most_calls), began_(clock_seconds()) {
  Profile* none = nullptr;
  if (!running_profile.compare_exchange_strong(none, this))
    throw std::logic_error("a Profile while there is another one");
}

Profile::~Profile() {
  if (running_profile == this) stop();
}

bool Profile::running() { return running_profile.load(std::memory_order_relaxed) != nullptr; }

void Profile::set_step(std::int64_t n) {
  Profile* const profile = running_profile;
  if (!profile) return;
  profile->step_ = n;
  profile->steps_ += n > 0;
}

double Profile::now() const { return clock_seconds() - began_; }

void Profile::add(Call call) {
  Kernel& kernel = kernels_[{call.step > 0, call.device, call.kernel, call.function}];
  if (kernel.calls++ == 0) {
    kernel.name = *call.function ? std::string(call.kernel) + " " + call.function : call.kernel;
    kernel.device = call.device;
    kernel.in_step = call.step > 0;
  }
  kernel.seconds += call.seconds;
  kernel.operations += call.operations;
  if (calls_.size() < most_calls_) calls_.push_back(std::move(call));
}

/// A device's clock is set by a moment at which both it and the host had come to a point.
Profile::Marks& Profile::marks_of(Device d, const Timing& timing) {
  Marks& marks = marks_[d];
  if (!marks.base) {
    untimed_backend(d)->memory->synchronize();
    marks.base = timing.mark();
    marks.base_seconds = now();
  }
  return marks;
}

/// The last mark is the base of those that follow: the time between two is told as a float, too short for long spans.
void Profile::resolve(const Timing& timing, Marks& marks) {
  for (Pending& p : marks.pending) {
    p.call.start = marks.base_seconds + timing.seconds(marks.base, p.from);
    p.call.seconds = timing.seconds(p.from, p.to);
    timing.forget(p.from);
    if (&p == &marks.pending.back()) {
      marks.base_seconds += timing.seconds(marks.base, p.to);
      timing.forget(std::exchange(marks.base, p.to));
    } else {
      timing.forget(p.to);
    }
    add(std::move(p.call));
  }
  marks.pending.clear();
}

void Profile::stop() {
  Profile* self = this;
  if (!running_profile.compare_exchange_strong(self, nullptr)) return;
  const std::lock_guard lock(mutex_);
  for (auto& [device, marks] : marks_) {
    const Timing& timing = *untimed_backend(device)->timing;
    resolve(timing, marks);
    timing.forget(marks.base);
  }
  seconds_ = now();
}

std::vector<Profile::Kernel> Profile::kernels() const {
  std::vector<Kernel> all;
  for (const auto& [key, kernel] : kernels_) all.push_back(kernel);
  std::stable_sort(all.begin(), all.end(),
                   [](const Kernel& a, const Kernel& b) { return a.seconds > b.seconds; });
  return all;
}

}  // namespace gesso::kernels
