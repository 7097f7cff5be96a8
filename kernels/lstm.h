// One element of an LSTM's step and of its gradient, the same text for CPU and CUDA. The formulas are kernels.h's.
#pragma once

#include "kernels/kernels.h"
#include "kernels/math.h"

namespace gesso::kernels::GESSO_LEVEL {

/// What an element (m, k) is made from; w are its peepholes.
template <class T>
struct LstmInputs {
  T i, f, g, o, c, w_i, w_f, w_o;
};

/// The gates, and the state after them.
template <class T>
struct LstmStep {
  T i, f, g, o, c, tanh_c;
};

template <class T>
GESSO_HD inline LstmStep<T> lstm_step(const LstmInputs<T>& x) {
  const T i = sigmoid(x.i + x.w_i * x.c), f = sigmoid(x.f + x.w_f * x.c), g = tanh(x.g);
  const T c = f * x.c + i * g;
  return {i, f, g, sigmoid(x.o + x.w_o * c), c, tanh(c)};
}

/// da and dc
template <class T>
struct LstmGradient {
  T i, f, g, o, c;
};

template <class T>
GESSO_HD inline LstmGradient<T> lstm_gradient(const LstmInputs<T>& x, const LstmStep<T>& y, T dh, T dc_next) {
  const T o = dh * y.tanh_c * (y.o * (1 - y.o));
  const T dc = dc_next + dh * y.o * (1 - y.tanh_c * y.tanh_c) + o * x.w_o;
  const T i = dc * y.g * (y.i * (1 - y.i)), f = dc * x.c * (y.f * (1 - y.f));
  return {i, f, dc * y.i * (1 - y.g * y.g), o, dc * y.f + i * x.w_i + f * x.w_f};
}

}  // namespace gesso::kernels::GESSO_LEVEL
