#include "kernels/simt/fiber.h"

#include "kernels/simt/sanitizers.h"

#include <cstdint>
#include <new>
#include <sys/mman.h>

#if !defined(__x86_64__) || defined(GESSO_PORTABLE_FIBERS)
#include <setjmp.h>
#include <ucontext.h>
#endif

namespace gesso::simt::emu {

namespace {

constexpr std::size_t kGuard = 4096;

}  // namespace

// With redzones, frames are several times larger.
std::size_t Stacks::size() { return asan() ? 256 * 1024 : 64 * 1024; }

Stacks::~Stacks() {
  if (memory_) munmap(memory_, kCount * (kGuard + size()));
}

void* Stacks::bottom(int i) {
  const std::size_t all = kCount * (kGuard + size());
  if (!memory_) {
    void* memory =
        mmap(nullptr, all, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    memory_ = static_cast<char*>(memory);
    for (int k = 0; k < kCount; ++k) mprotect(memory_ + k * (kGuard + size()), kGuard, PROT_NONE);
  }
  return memory_ + i * (kGuard + size()) + kGuard;
}

void Stacks::forget(int used) {
  Unobserved quiet;
  for (int i = 0; i < used; ++i) {
    unpoison(bottom(i), size());
    // ThreadSanitizer forgets what it saw of memory that is mapped anew
    if (tsan())
      mmap(bottom(i), size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
           -1, 0);
  }
}

#if defined(__x86_64__) && !defined(GESSO_PORTABLE_FIBERS)

// The registers that a function must preserve go to the old stack, and come back from the new one. The processor predicts
// that `ret` returns to where it was called from, on the old stack; as fibers mostly wait in the same place, that is right.
asm(R"(
  .text
  .globl gesso_simt_switch
  .type gesso_simt_switch, @function
gesso_simt_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
  .size gesso_simt_switch, . - gesso_simt_switch
)");

void* Stacks::fresh(int i, void (*entry)()) {
  // Tops at the same place of every page would all fall into the same few sets of the first-level cache.
  const std::size_t color = std::size_t(i) % 12 * 320;
  auto* top = reinterpret_cast<std::uint64_t*>(static_cast<char*>(bottom(i)) + size() - color);
  *--top = 0;  // the return address of `entry`: a debugger's backtrace ends here
  *--top = reinterpret_cast<std::uint64_t>(entry);
  for (int saved = 0; saved < 6; ++saved) *--top = 0;
  return top;
}

#else

// What a switch is given is a Context. Only a fiber's first entry needs ucontext, which asks the system to change the
// signal mask and is therefore slow; afterwards _setjmp and _longjmp, which do not, suffice.
namespace {

struct Context {
  jmp_buf position;
  ucontext_t start;
  bool started;
};
thread_local Context home;  // of the fiber that is not on a stack of ours

Context& context(void* stack) { return *static_cast<Context*>(stack); }

}  // namespace

void* Stacks::fresh(int i, void (*entry)()) {
  auto* c = new (bottom(i)) Context;
  getcontext(&c->start);
  c->start.uc_stack = {static_cast<char*>(bottom(i)) + sizeof(Context), 0, size() - sizeof(Context)};
  c->start.uc_link = nullptr;
  makecontext(&c->start, entry, 0);
  c->started = false;
  return c;
}

extern "C" void gesso_simt_switch(void** from, void* to) {
  static thread_local Context* running = &home;
  Context* const self = running;
  *from = self;
  if (_setjmp(self->position)) return;  // someone switched back
  running = static_cast<Context*>(to);
  if (running->started) _longjmp(running->position, 1);
  running->started = true;
  setcontext(&running->start);
}

#endif

}  // namespace gesso::simt::emu
