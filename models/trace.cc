#include "models/trace.h"

#include "tensor/tensor.h"

#include <fmt/core.h>

#include <iterator>
#include <map>
#include <optional>
#include <utility>

namespace gesso::models {
namespace {

using kernels::Profile;

constexpr std::string_view kStepsLane = "step";

/// From the first to the last of a step's kernels.
struct Span {
  double begin, end;
};

/// The events of one device's calls, as they come; names are ours, and need no escapes.
class Events {
 public:
  Events() { out_ = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":["; }

  void add(const Profile::Call& c) {
    const std::string function = *c.function ? fmt::format(" {}", c.function) : "";
    const std::string shape = c.shape.empty() ? "" : fmt::format(",\"shape\":\"{}\"", c.shape);
    complete(fmt::format("{}{}", c.kernel, function), c.device, lane(c.device, c.phase), c.start, c.seconds,
             fmt::format("\"step\":{}{}", c.step, shape));
    if (c.step == 0) return;  // before or after training
    const Span span{c.start, c.start + c.seconds};
    Span& step = steps_.try_emplace({c.device, c.step}, span).first->second;
    step = {std::min(step.begin, span.begin), std::max(step.end, span.end)};
  }

  std::string finish() {
    for (const auto& [at, span] : steps_)
      complete(fmt::format("step {}", at.second), at.first, lane(at.first, kStepsLane), span.begin,
               span.end - span.begin, "");
    return std::move(out_) + "\n]}\n";
  }

 private:
  void event(const std::string& fields) { out_ += std::exchange(separator_, ",\n") + ("{" + fields + "}"); }

  void complete(std::string_view name, Device device, std::size_t lane, double start, double seconds,
                std::string_view arguments) {
    event(fmt::format(R"("name":"{}","ph":"X","pid":{},"tid":{},"ts":{:.3f},"dur":{:.3f},"args":{{{}}})",
                      name, static_cast<int>(device), lane, 1e6 * start, 1e6 * seconds, arguments));
  }

  /// Its number. A new one is introduced by its name, a new device too.
  std::size_t lane(Device device, std::string_view name) {
    std::map<std::string_view, std::size_t>& lanes = lanes_[device];
    const auto named = [&](const char* what, std::size_t number, std::string_view text) {
      event(fmt::format(R"("name":"{}","ph":"M","pid":{},"tid":{},"args":{{"name":"{}"}})", what,
                        static_cast<int>(device), number, text));
    };
    if (lanes.empty()) {
      named("process_name", 0, gesso::name(device));
      named("thread_name", lanes[kStepsLane] = 0, kStepsLane);
    }
    const auto [at, is_new] = lanes.try_emplace(name, lanes.size());
    if (is_new) named("thread_name", at->second, name);
    return at->second;
  }

  std::string out_, separator_ = "\n";
  std::map<Device, std::map<std::string_view, std::size_t>> lanes_;
  std::map<std::pair<Device, std::int64_t>, Span> steps_;
};

/// Of the kernels in training steps, or of the others; empty where there are none.
std::string table_of(const Profile& profile, bool in_step) {
  std::vector<Profile::Kernel> kernels = profile.kernels();
  std::erase_if(kernels, [in_step](const Profile::Kernel& k) { return k.in_step != in_step; });
  if (kernels.empty()) return "";
  double all = 0;
  std::int64_t calls = 0;
  for (const Profile::Kernel& k : kernels) all += k.seconds, calls += k.calls;
  std::string text = fmt::format("{:<28} {:>9} {:>11} {:>10} {:>6} {:>8}\n",
                                 in_step ? fmt::format("in {} training steps", profile.steps())
                                         : (profile.steps() > 0 ? "beside them" : "kernel"),
                                 "calls", "ms", "us/call", "%", "GFLOP/s");
  const auto line = [&](const std::string& name, std::int64_t n, double seconds, double operations) {
    text += fmt::format("{:<28} {:>9} {:>11.2f} {:>10.2f} {:>6.1f} {:>8}", name, n, 1e3 * seconds,
                        1e6 * seconds / static_cast<double>(n), all > 0 ? 100 * seconds / all : 0,
                        operations > 0 ? fmt::format("{:.1f}", 1e-9 * operations / seconds) : "");
    text.erase(text.find_last_not_of(' ') + 1);
    text += '\n';
  };
  for (const Profile::Kernel& k : kernels)
    line(k.device == Device::cpu ? k.name : fmt::format("{} ({})", k.name, gesso::name(k.device)), k.calls,
         k.seconds, k.operations);
  line("all", calls, all, 0);
  return text + '\n';
}

}  // namespace

std::string profile_table(const Profile& profile) {
  return table_of(profile, true) + table_of(profile, false) +
         fmt::format("{:.2f} ms from start to end\n", 1e3 * profile.seconds());
}

std::string chrome_trace(const Profile& profile) {
  Events events;
  for (const Profile::Call& call : profile.calls()) events.add(call);
  return events.finish();
}

Trace::Trace(const std::filesystem::path& file) : path_(file), file_(file) {}

std::string Trace::finish() {
  profile_.stop();
  file_.write(chrome_trace(profile_));
  file_.commit();
  std::string note = fmt::format("timeline: {}", path_.string());
  if (const std::size_t most = profile_.calls().size(); most == Profile::kMostCalls)
    note += fmt::format(" (the first {} calls; the table has all)", most);
  return profile_table(profile_) + note + "\n";
}

}  // namespace gesso::models
