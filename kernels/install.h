// The table of a device, or of an instruction level, and who fills it: each kernel file writes its functions into it.
#pragma once

#include "kernels/cpu/level.h"
#include "kernels/kernels.h"

namespace gesso::kernels::GESSO_LEVEL {

template <class T>
void install_elementwise(Kernels<T>& k);
template <class T>
void install_reduce(Kernels<T>& k);
template <class T>
void install_rows(Kernels<T>& k);
template <class T>
void install_random(Kernels<T>& k);
template <class T>
void install_optim(Kernels<T>& k);
template <class T>
void install_gemm(Kernels<T>& k);
template <class T>
void install_conv(Kernels<T>& k);
template <class T>
void install_norm(Kernels<T>& k);
template <class T>
void install_image(Kernels<T>& k);
template <class T>
void install_quantize(Kernels<T>& k);
template <class T>
void install_lstm(Kernels<T>& k);
void install_move(MoveKernels& k);

template <class T>
const Kernels<T>& gathered() {
  static const Kernels<T> all = [] {
    Kernels<T> k{};
    install_elementwise(k);
    install_reduce(k);
    install_rows(k);
    install_random(k);
    install_optim(k);
    install_gemm(k);
    install_conv(k);
    install_norm(k);
    install_image(k);
    install_quantize(k);
    install_lstm(k);
    return k;
  }();
  return all;
}
inline const MoveKernels& gathered_move() {
  static const MoveKernels all = [] {
    MoveKernels k{};
    install_move(k);
    return k;
  }();
  return all;
}

}  // namespace gesso::kernels::GESSO_LEVEL
