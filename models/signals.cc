#include "models/signals.h"

#include <csignal>
#include <initializer_list>
#include <unistd.h>

namespace gesso::models {
namespace {

// A signal handler has no argument to pass an object in.
volatile std::sig_atomic_t asked_by = 0;

extern "C" void ask_to_stop(int signal) {
  if (asked_by) ::_exit(128 + signal);
  asked_by = signal;
}

void handle(int signal, void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

StopSignals::StopSignals() {
  asked_by = 0;
  handle(SIGINT, ask_to_stop);
  handle(SIGTERM, ask_to_stop);
  handle(SIGXFSZ, SIG_IGN);
}

StopSignals::~StopSignals() {
  for (int signal : {SIGINT, SIGTERM, SIGXFSZ}) handle(signal, SIG_DFL);
}

int StopSignals::asked() const { return asked_by; }

}  // namespace gesso::models
