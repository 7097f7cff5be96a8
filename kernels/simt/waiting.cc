// Barriers and warp-wide meetings, and what is said when one never comes about.
#include "kernels/simt/block.h"
#include "kernels/simt/sanitizers.h"

#include <bit>
#include <cstdio>
#include <cstring>

namespace gesso::simt::emu {

namespace {

bool same_line(const Where& a, const Where& b) {
  return !std::memcmp(
             &a, &b,
             sizeof a) ||  // as a rule: a Where is a pointer to what the compiler wrote down for its line
         (a.line() == b.line() && !std::strcmp(a.file_name(), b.file_name()));
}

}  // namespace

int Block::barrier(bool predicate, const char* what, Where where) {
  CudaThread& self = thread();
  self.state = CudaThread::at_barrier;
  self.what = what;
  self.where = where;
  predicates_ += predicate;
  void* const sync = &barrier_sync_[barrier_phase_ & 1];
  release(sync);
  if (++at_barrier_ == count_) release_barrier();
  wait();
  acquire(sync);
  return barrier_result_;  // the next barrier needs this thread too, so nobody has overwritten it
}

/// All are there. The next barrier synchronises by another object: a thread may reach it before others have left this one.
void Block::release_barrier() {
  for (int i = 1; i < count_; ++i)
    if (!same_line(threads_[i].where, threads_[0].where))
      fail("__syncthreads in divergent code: its threads are at different lines", thread().where);
  barrier_result_ = predicates_;
  at_barrier_ = predicates_ = 0;
  ++barrier_phase_;
  for (int i = 0; i < count_; ++i) threads_[i].state = CudaThread::ready;
  all_ready();
}

void Block::meet(const char* what, unsigned mask, void* deposit, WarpWork work, Where where) {
  CudaThread& self = thread();
  self.state = CudaThread::in_warp;
  self.what = what;
  self.where = where;
  self.mask = mask;
  self.work = work;
  self.deposit = deposit;
  const int warp = current_ / kWarp, first = warp * kWarp;
  if (!(mask >> lane() & 1)) fail("a lane calls a warp function with a mask that does not name it", where);
  if (first + int(std::bit_width(mask)) > count_) fail("a mask names a lane that does not exist", where);
  in_warp_[warp] |= 1u << lane();
  if ((in_warp_[warp] & mask) != mask) return wait();
  void* deposits[kWarp];
  for (int i = 0; i < kWarp; ++i) {
    const CudaThread& t = threads_[first + i];
    const bool wanted = mask >> i & 1;
    if (wanted && (t.mask != mask || t.work != work)) return wait();
    deposits[i] = wanted ? t.deposit : nullptr;
  }
  work(mask, deposits);
  in_warp_[warp] &= ~mask;
  for (unsigned rest = mask; rest; rest &= rest - 1)
    threads_[first + std::countr_zero(rest)].state = CudaThread::ready;
  ready_[warp] |= mask;
  ready_warps_ |= 1u << warp;
  wait();
}

void Block::sync_warp(unsigned mask, Where where) {
  const int warp = current_ / kWarp;
  void* const sync = &warp_sync_[warp][warp_phase_[warp] & 1];
  release(sync);
  meet(
      "__syncwarp", mask, nullptr, [](unsigned, void* const*) { this_block().next_warp_phase(); }, where);
  acquire(sync);
}

void Block::fail(const char* message, Where where) {
  {
    Unobserved quiet;
    thread().where = where;
    error_ = report(message);
  }
  leave();
}

/// Why nobody can run, though not all are done.
std::string Block::stuck() const {
  bool in_warp = false;
  for (int i = 0; i < count_; ++i) in_warp |= threads_[i].state == CudaThread::in_warp;
  if (in_warp && at_barrier_)
    return "deadlock: some threads wait at a barrier, others for lanes of their warp";
  if (in_warp)
    return "deadlock: a warp function waits for lanes that do not come, or come with another mask or "
           "function";
  return "threads left the kernel before a barrier that others wait at";
}

namespace {

std::string line(const char* what, const Where& where) {
  return std::string(what) + " at " + where.file_name() + ":" + std::to_string(where.line());
}

std::string standing(const CudaThread& t, bool current) {
  if (t.state == CudaThread::done) return "has left the kernel";
  if (t.state == CudaThread::at_barrier) return line(t.what, t.where);
  if (t.state == CudaThread::fresh) return "has not started";
  if (t.state == CudaThread::ready) return current ? line("runs", t.where) : "can run";
  char mask[32];
  std::snprintf(mask, sizeof mask, " (mask %08x)", t.mask);
  return line(t.what, t.where) + mask;
}

}  // namespace

/// The headline, then neighbours that stand at the same place, a line each.
std::string Block::report(const std::string& headline) const {
  std::string text = headline + "\n  " + line("launched", launch_.where) + ", block (" +
                     std::to_string(index_.x) + "," + std::to_string(index_.y) + "," +
                     std::to_string(index_.z) + ") of (" + std::to_string(launch_.grid.x) + "," +
                     std::to_string(launch_.grid.y) + "," + std::to_string(launch_.grid.z) + ")";
  constexpr int kMostLines = 40;
  for (int begin = 0, end, lines = 0; begin < count_; begin = end, ++lines) {
    if (lines == kMostLines) return text + "\n  ..";
    const std::string here = standing(threads_[begin], begin == current_);
    for (end = begin + 1; end < count_ && standing(threads_[end], end == current_) == here;) ++end;
    text += "\n  thread " + std::to_string(begin);
    if (end > begin + 1) text += " to " + std::to_string(end - 1);
    text += ": " + here;
  }
  return text;
}

}  // namespace gesso::simt::emu
