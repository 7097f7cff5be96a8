// Freed blocks kept in free lists by size class and handed out again: a training step after the first takes no memory
// from the system. One for each device.
#pragma once

#include "kernels/device.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <unordered_set>
#include <utility>
#include <vector>

namespace gesso::kernels {

/// Whether each block comes from the system in exactly its size and goes back there: memory checkers see an overrun only
/// where nothing is rounded up or kept. In builds with AddressSanitizer, and where $GESSO_EXACT_ALLOCATIONS is set.
inline bool exact_allocations() {
#ifdef GESSO_EXACT_ALLOCATIONS
  return true;
#else
  static const bool set = std::getenv("GESSO_EXACT_ALLOCATIONS") != nullptr;
  return set;
#endif
}

/// Blocks cut from large regions. `Source` says where memory comes from; both throw std::bad_alloc:
///   void* region(std::size_t& bytes)   at least `bytes` bytes, and how many there are; kept for ever
///   void* exactly(std::size_t bytes)   one block, given back by  void free(void* block)
template <class Source>
class Pool {
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kClasses = 4 * 64;  // four for each power of two of lines
  using FreeLists = std::array<std::vector<void*>, kClasses>;

 public:
  /// The blocks that a graph of kernels uses. Whoever else got one of them would find it written over by the next replay.
  struct Graph {
    std::unordered_set<void*> blocks;
    FreeLists idle;  // those of them that nobody else holds
  };

  void* take(std::size_t bytes) {
    if (bytes > PTRDIFF_MAX) throw std::bad_alloc();  // its size class would overflow
    const SizeClass c = size_class(bytes);
    const std::lock_guard lock(mutex_);
    std::vector<void*>& free = (recorded_ ? recorded_->idle : free_)[c.index];
    void* block = nullptr;
    if (exact_) {  // not those of a graph either, or its overruns would hit what is no longer in use
      block = source_.exactly(bytes);
      use_.from_system += bytes;
    } else if (free.empty()) {
      block = fresh(c.bytes);
      free_[c.index].reserve(++blocks_[c.index]);  // so that give() needs no memory
      free.reserve(blocks_[c.index]);
    } else {
      block = free.back();
      free.pop_back();
    }
    if (recorded_) recorded_->blocks.insert(block);
    use_.in_use += c.bytes;
    use_.peak = std::max(use_.peak, use_.in_use);
    return block;
  }

  void give(void* block, std::size_t bytes) noexcept {
    const SizeClass c = size_class(bytes);
    const std::lock_guard lock(mutex_);
    use_.in_use -= c.bytes;
    Graph* graph = owner(block);
    if (!graph && recorded_) {  // what was there before, it may have read
      graph = recorded_;
      graph->blocks.insert(block);
    }
    if (graph)
      graph->idle[c.index].push_back(block);
    else
      put_back(block, c.index);
  }

  /// From here on until end_graph() every block that is taken or given back is one of a new graph's.
  void begin_graph() {
    const std::lock_guard lock(mutex_);
    graphs_.push_back(recorded_ = new Graph);
  }
  Graph* end_graph() {
    const std::lock_guard lock(mutex_);
    return std::exchange(recorded_, nullptr);
  }
  bool recording() const { return recorded_ != nullptr; }
  /// Its blocks are like others again.
  void forget(Graph* graph) {
    const std::lock_guard lock(mutex_);
    std::erase(graphs_, graph);
    for (std::size_t i = 0; i < kClasses; ++i)
      for (void* block : graph->idle[i]) put_back(block, i);
    delete graph;
  }

  MemoryUse use() {
    const std::lock_guard lock(mutex_);
    return use_;
  }

 private:
  Graph* owner(void* block) const {
    for (Graph* graph : graphs_)
      if (graph->blocks.contains(block)) return graph;
    return nullptr;
  }
  void put_back(void* block, std::size_t index) {
    if (exact_)
      source_.free(block);
    else
      free_[index].push_back(block);
  }

  struct SizeClass {
    std::size_t index, bytes;
  };
  /// Size classes grow by quarters of a power of two, so that at most a fifth of a block is lost.
  static SizeClass size_class(std::size_t bytes) {
    const std::size_t lines = std::max<std::size_t>(1, bytes / kLine + (bytes % kLine != 0));
    if (lines <= 4) return {lines - 1, lines * kLine};
    const auto log = static_cast<std::size_t>(std::bit_width(lines - 1)) - 1;  // 2^log < lines <= 2^(log+1)
    const std::size_t quarter = std::size_t{1} << (log - 2);
    const std::size_t quarters = (lines + quarter - 1) / quarter;  // 5 .. 8
    return {4 * (log - 1) + quarters - 5, quarters * quarter * kLine};
  }

  void* fresh(std::size_t bytes) {
    if (bytes > left_) {
      std::size_t size = bytes;
      next_ = static_cast<std::byte*>(source_.region(size));
      left_ = size;
    }
    left_ -= bytes;
    use_.from_system += bytes;
    return std::exchange(next_, next_ + bytes);
  }

  const bool exact_ = exact_allocations();
  Source source_;
  std::mutex mutex_;
  FreeLists free_;
  std::vector<Graph*> graphs_;                  // a block is one's at most
  Graph* recorded_ = nullptr;                   // the newest of them
  std::array<std::size_t, kClasses> blocks_{};  // that exist of each class
  std::byte* next_ = nullptr;                   // the unused rest of the newest region
  std::size_t left_ = 0;
  MemoryUse use_;
};

}  // namespace gesso::kernels
