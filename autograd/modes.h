// What is switched on for the ops of this thread. Internal to autograd/.
#pragma once

#include "tensor/tensor.h"

#include <utility>

namespace gesso {

struct Modes {
  bool grad = true;
  bool anomaly = false;
  const char* running = nullptr;  // the op whose edges run now
};
Modes& modes();

/// While it lives, ops record their edges or do not.
struct Recording {
  explicit Recording(bool on) : before(std::exchange(modes().grad, on)) {}
  ~Recording() { modes().grad = before; }
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  bool before;
};

void check_finite(const char* what, const char* op, const Tensor& t);

}  // namespace gesso
