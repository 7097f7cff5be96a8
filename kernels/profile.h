// Where the time goes: every call of a kernel, of a copy and of a fill with zeros, timed while a Profile lives.
//
//   Profile profile;
//   ..                       // on any device
//   profile.stop();
//   profile.kernels()        // the table: calls and seconds of each kernel
//   profile.calls()          // call by call, to be drawn on a line of time
//
// backend() then returns kernels that take the time around those of kernels.h, by the clock on the CPU and by events on a GPU. A
// GPU's ranges have the kernels' names in NVIDIA's profilers, too. Without a Profile nothing is added to a call.
#pragma once

#include "kernels/device.h"

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace gesso::kernels {

/// What the kernels that this thread asks for are part of, while it lives: "forward", "backward". The innermost counts.
class Phase {
 public:
  explicit Phase(const char* name) : before_(std::exchange(current_, name)) {}
  ~Phase() { current_ = before_; }
  Phase(const Phase&) = delete;
  Phase& operator=(const Phase&) = delete;
  static const char* current() { return current_; }

 private:
  inline static constinit thread_local const char* current_ = "other";
  const char* before_;
};

class Profile {
 public:
  struct Kernel {
    std::string name;  // "matmul", "unary tanh"
    Device device;
    bool in_step;  // in a training step; what the same kernel did elsewhere stands apart
    std::int64_t calls = 0;
    double seconds = 0;
    double operations = 0;  // additions and multiplications in its formula, of products; 0 for other kernels
  };
  struct Call {
    const char *kernel, *function;  // "unary", "tanh"; "" where a kernel has no choice of functions
    const char* phase;
    Device device;
    std::int64_t step;      // as told by set_step()
    double start, seconds;  // since the Profile began
    std::string shape;      // of products: "128x784x400"
    double operations;
  };

  static constexpr std::size_t kMostCalls = 200'000;  // 30 MB on disk, which viewers still open at once
  /// Keeps the first `most_calls` calls one by one: a long run fills its table, but not the memory. One Profile at a time.
  explicit Profile(std::size_t most_calls = kMostCalls);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;
  static bool running();

  /// Calls from here on belong to training step n; 0: to none.
  static void set_step(std::int64_t n);
  /// Waits for the devices. Nothing is added after it; what follows can be asked for then.
  void stop();
  std::vector<Kernel> kernels() const;  // those that took most time first
  const std::vector<Call>& calls() const { return calls_; }
  std::int64_t steps() const { return steps_; }
  double seconds() const { return seconds_; }  // from the beginning to stop()

  // ---- for the kernels that take their time (profile.cc) ----
  class Timer;

 private:
  /// A call whose time the device has not told yet.
  struct Pending {
    Call call;
    void *from, *to;
  };
  /// The marks of a GPU that no time was asked of, and where its own clock stands.
  struct Marks {
    std::vector<Pending> pending;
    void* base = nullptr;
    double base_seconds = 0;
  };
  double now() const;
  void add(Call call);
  void resolve(const Timing& timing, Marks& marks);
  Marks& marks_of(Device d, const Timing& timing);

  const std::size_t most_calls_;
  const double began_;
  double seconds_ = 0;
  std::int64_t step_ = 0, steps_ = 0;  // the one at hand, and how many there were
  std::mutex mutex_;
  std::map<std::tuple<bool, Device, const char*, const char*>, Kernel> kernels_;
  std::vector<Call> calls_;
  std::map<Device, Marks> marks_;
};

/// The kernels of a device that is there, timed.
const Backend& timed(Device d);

}  // namespace gesso::kernels
