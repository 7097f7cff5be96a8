#include "kernels/simt/launch.h"

#include "kernels/simt/block.h"
#include "kernels/simt/counting.h"
#include "kernels/simt/memory.h"
#include "kernels/simt/sanitizers.h"

#include <atomic>
#include <charconv>
#include <cstdlib>
#include <mutex>
#include <numeric>

namespace gesso::simt {

// ---- orders -----------------------------------------------------------------------------------------------------------------

Order parse_order(const std::string& text) {
  if (text == "forward") return {Order::forward};
  if (text == "reverse") return {Order::reverse};
  const std::string random = "random:";
  Order order{Order::random};
  const char* const end = text.data() + text.size();
  if (text.starts_with(random)) {
    const auto [stop, error] = std::from_chars(text.data() + random.size(), end, order.seed);
    if (error == std::errc() && stop == end) return order;
  }
  throw std::invalid_argument("an order of emulated threads is forward, reverse or random:SEED, not '" +
                              text + "'");
}

namespace {

Order& current_order() {
  static Order order = [] {
    const char* named = std::getenv("GESSO_EMU_ORDER");
    return named ? parse_order(named) : Order{};
  }();
  return order;
}

}  // namespace

void set_order(Order order) { current_order() = order; }
Order order() { return current_order(); }

namespace emu {

// ---- launches ---------------------------------------------------------------------------------------------------------------

namespace {

std::string text(dim3 d) {
  return "(" + std::to_string(d.x) + "," + std::to_string(d.y) + "," + std::to_string(d.z) + ")";
}

/// What a device would refuse.
void check_limits(const Launch& l) {
  const auto refuse = [&](const std::string& what) {
    throw EmulationError(what + "\n  launched at " + l.where.file_name() + ":" +
                         std::to_string(l.where.line()) + " with grid " + text(l.grid) + ", block " +
                         text(l.block) + ", " + std::to_string(l.shared) + " bytes of dynamic shared memory");
  };
  const std::uint64_t threads = std::uint64_t{l.block.x} * l.block.y * l.block.z;
  if (threads == 0 || std::uint64_t{l.grid.x} * l.grid.y * l.grid.z == 0) refuse("an empty grid or block");
  if (l.block.x > kMaxThreads || l.block.y > kMaxThreads || l.block.z > 64 || threads > kMaxThreads)
    refuse("a block has at most 1024 threads, and 64 along z");
  if (l.grid.x > 0x7fffffff || l.grid.y > 65535 || l.grid.z > 65535)
    refuse("a grid has at most 2^31 - 1 blocks along x, 65535 along y and z");
  if (l.shared > kMaxShared) refuse("a block has at most 227 KiB of shared memory");
}

/// A permutation of 0 .. n - 1, one number at a time.
class BlockOrder {
 public:
  BlockOrder(Order order, std::uint64_t n) : kind_(order.kind), n_(n) {
    if (kind_ != Order::random) return;
    std::uint64_t mixed = (order.seed + 1) * 0x9E3779B97F4A7C15;
    mixed ^= mixed >> 31;
    offset_ = mixed % n;
    factor_ = (mixed >> 20) % n | 1;
    while (std::gcd(factor_, n) != 1) ++factor_;
  }
  std::uint64_t operator()(std::uint64_t i) const {
    if (kind_ == Order::forward) return i;
    if (kind_ == Order::reverse) return n_ - 1 - i;
    return (i % n_ * (factor_ % n_) + offset_) % n_;
  }

 private:
  Order::Kind kind_;
  std::uint64_t n_, offset_ = 0, factor_ = 1;
};

/// Blocks taken one at a time by as many threads of the operating system as there are.
class Grid {
 public:
  explicit Grid(const Launch& launch)
      : launch_(launch),
        count_(std::uint64_t{launch.grid.x} * launch.grid.y * launch.grid.z),
        order_(launch.order, count_) {}

  std::uint64_t count() const { return count_; }
  const std::string& error() const { return error_; }

  void work() {
    Block& block = this_block();
    block.begin_launch(launch_);
    for (std::uint64_t i; !failed_ && (i = next_++) < count_;) {
      const std::uint64_t number = order_(i);
      const std::uint64_t row = number / launch_.grid.x;
      const dim3 index(unsigned(number % launch_.grid.x), unsigned(row % launch_.grid.y),
                       unsigned(row / launch_.grid.y));
      if (counting()) count_block(&block);
      const std::string error = block.run(index, number);
      if (counting()) count_block(nullptr);
      if (!error.empty()) keep(error);
    }
    block.end_launch();
  }

 private:
  void keep(const std::string& error) {
    const std::lock_guard lock(mutex_);
    if (!failed_.exchange(true)) error_ = error;
  }

  const Launch& launch_;
  std::uint64_t count_;
  BlockOrder order_;
  std::atomic<std::uint64_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::string error_;
};

}  // namespace

void run(const Launch& launch, cudaStream_t stream) {
  check_limits(launch);
  if (capturing(stream)) {
    capture(stream, [launch, arguments = launch.copy(launch.arguments)] {
      Launch now = launch;
      now.arguments = arguments.get();
      now.order = order();
      run(now, nullptr);
      return cudaSuccess;
    });
    return;
  }
  const DeviceMemoryOpen open;
  if (counting()) count_launch(launch);
  Grid grid(launch);
  if (grid.count() == 1 || sanitized() || counting()) {
    grid.work();
  } else {
#pragma omp parallel
    grid.work();
  }
  if (!grid.error().empty()) throw EmulationError(grid.error());
}

}  // namespace emu
}  // namespace gesso::simt
