#include "kernels/trace/counter.h"

#include "kernels/simt/counting.h"
#include "kernels/simt/memory.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <unordered_map>
#include <utility>

namespace gesso::simt::trace {

// ---- what a request costs ---------------------------------------------------------------------------------------------------

namespace {

using Address = std::uintptr_t;

/// One execution of an instruction by a warp: where each lane's bytes are. A lane that does not take part has none.
struct Request {
  Address at[emu::kWarp];
  int bytes[emu::kWarp] = {};
};

/// The numbers of the units of `size` bytes that lanes `first` to `last` - 1 touch, in order, each once.
std::vector<Address> touched_units(const Request& r, Address size, int first = 0, int last = emu::kWarp) {
  std::vector<Address> units;
  for (int i = first; i < last; ++i)
    for (Address u = r.at[i] / size; u * size < r.at[i] + Address(r.bytes[i]); ++u) units.push_back(u);
  std::ranges::sort(units);
  units.erase(std::ranges::unique(units).begin(), units.end());
  return units;
}

/// Of the bytes that lanes ask for, each once.
std::int64_t distinct_bytes(const Request& r) {
  std::vector<std::pair<Address, Address>> ranges;
  for (int i = 0; i < emu::kWarp; ++i) ranges.emplace_back(r.at[i], r.at[i] + Address(r.bytes[i]));
  std::ranges::sort(ranges);
  std::int64_t sum = 0;
  Address end = 0;
  for (const auto& [from, to] : ranges) {
    if (to > std::max(from, end)) sum += std::int64_t(to - std::max(from, end));
    end = std::max(end, to);
  }
  return sum;
}

void add_sectors(const Request& r, Access& sum) {
  sum.cost += std::int64_t(touched_units(r, kSector).size());
  sum.least += (distinct_bytes(r) + kSector - 1) / kSector;
}

/// The most distinct words in one bank, for each part of a warp that is served at a time.
void add_wavefronts(const Request& r, Access& sum) {
  const int widest = std::max(kBankBytes, *std::ranges::max_element(r.bytes));
  const int together = kBanks * kBankBytes / widest;
  for (int first = 0; first < emu::kWarp; first += together) {
    int words[kBanks] = {};
    for (const Address word : touched_units(r, kBankBytes, first, first + together)) ++words[word % kBanks];
    const int most = *std::ranges::max_element(words);
    sum.cost += most;
    sum.least += most > 0;
  }
}

}  // namespace

// ---- from accesses to requests ------------------------------------------------------------------------------------------------

namespace {

/// What tells instructions apart. A struct that is no word is moved in several parts.
struct Place {
  const void* pc;
  Space space;
  bool store;
  std::size_t part;
  bool operator==(const Place&) const = default;
};
struct PlaceHash {
  std::size_t operator()(const Place& p) const {
    return std::hash<const void*>()(p.pc) * 64 + p.part * 4 + std::size_t(p.space) * 2 + p.store;
  }
};

/// An instruction, and its requests by the block that runs: the k-th of a warp at k.
struct Instruction {
  Access sum;
  std::vector<std::size_t> executed;  // by each thread
  std::vector<std::vector<Request>> warps;
};

struct Kernel {
  KernelCount count;
  std::vector<Instruction> instructions;
  std::unordered_map<Place, std::size_t, PlaceHash> numbers;
};

}  // namespace

class Counter::Recorder {
 public:
  void launch(const emu::Launch& l) {
    const auto same = [&](const Kernel& k) { return k.count.kernel == l.kernel; };
    kernel_ = std::size_t(std::ranges::find_if(kernels_, same) - kernels_.begin());
    if (kernel_ == kernels_.size()) kernels_.push_back({{l.kernel, 0, l.grid, l.block, {}}, {}, {}});
    ++kernels_[kernel_].count.launches;
    const dim3 size = l.block;
    threads_ = size.x * size.y * size.z;
  }

  void block(const emu::Block* b) {
    block_ = b;
    if (b) return;
    for (Instruction& i : kernels_[kernel_].instructions) add_requests(i);
  }

  void access(const void* pc, const void* p, int bytes, bool store, std::size_t part) {
    if (!block_) return;  // host code of a kernel's file
    const bool shared = block_->holds(p);
    if (!shared && !emu::in_device_memory(p)) return;  // a thread's own
    Instruction& i = instruction({pc, shared ? Space::shared : Space::global, store, part});
    const auto thread = std::size_t(block_->number()), k = i.executed[thread]++;
    std::vector<Request>& requests = i.warps[thread / emu::kWarp];
    if (requests.size() == k) requests.emplace_back();
    Request& r = requests[k];
    r.at[thread % emu::kWarp] = Address(p);
    r.bytes[thread % emu::kWarp] = bytes;
  }

  std::vector<KernelCount> counts() const {
    std::vector<KernelCount> counts;
    for (const Kernel& k : kernels_) {
      counts.push_back(k.count);
      for (const Instruction& i : k.instructions) counts.back().accesses.push_back(i.sum);
    }
    return counts;
  }

 private:
  Instruction& instruction(const Place& place) {
    Kernel& k = kernels_[kernel_];
    const auto [at, fresh] = k.numbers.try_emplace(place, k.instructions.size());
    if (fresh) k.instructions.push_back({{place.pc, place.space, place.store}, {}, {}});
    Instruction& i = k.instructions[at->second];
    i.executed.resize(threads_);
    i.warps.resize((threads_ + emu::kWarp - 1) / emu::kWarp);
    return i;
  }

  static void add_requests(Instruction& i) {
    for (const std::vector<Request>& warp : i.warps)
      for (const Request& r : warp) {
        ++i.sum.requests;
        for (const int bytes : r.bytes) i.sum.bytes += bytes;
        i.sum.space == Space::global ? add_sectors(r, i.sum) : add_wavefronts(r, i.sum);
      }
    i.executed.clear();
    i.warps.clear();
  }

  std::vector<Kernel> kernels_;
  std::size_t kernel_ = 0, threads_ = 0;
  const emu::Block* block_ = nullptr;
};

namespace {
// The compiler's calls have nothing but this to find a counter by.
Counter::Recorder* recorder = nullptr;
}  // namespace

Counter::Counter() {
  if (recorder) throw std::logic_error("trace: memory accesses are being counted already");
  recorder_ = std::make_unique<Recorder>();
  recorder = recorder_.get();
}
Counter::~Counter() { recorder = nullptr; }
std::vector<KernelCount> Counter::kernels() const { return recorder_->counts(); }

void report(const void* pc, const void* p, std::size_t bytes, bool store, std::size_t part) {
  if (recorder) recorder->access(pc, p, int(bytes), store, part);
}

}  // namespace gesso::simt::trace

// ---- what the emulation calls -----------------------------------------------------------------------------

namespace gesso::simt::emu {

using trace::recorder;

bool wants_counts() { return recorder; }
void count_launch(const Launch& launch) { recorder->launch(launch); }
void count_block(const Block* block) { recorder->block(block); }

}  // namespace gesso::simt::emu
