// What is switched on for the ops of this thread. Internal to autograd/.
#pragma once

#include "tensor/tensor.h"

namespace gesso {

struct Modes {
  bool grad = true;
  bool anomaly = false;
  const char* running = nullptr;  // the op whose edges run now
};
Modes& modes();

void check_finite(const char* what, const char* op, const Tensor& t);

}  // namespace gesso
