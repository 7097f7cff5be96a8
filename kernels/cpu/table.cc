// The kernels of one instruction level, gathered from the files of this folder.
#include "kernels/cpu/table.h"

namespace gesso::kernels::GESSO_LEVEL {
namespace {

template <class T>
Kernels<T> gather() {
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
}

}  // namespace

const Kernels<float>& table_f32() {
  static const Kernels<float> k = gather<float>();
  return k;
}
const Kernels<double>& table_f64() {
  static const Kernels<double> k = gather<double>();
  return k;
}
const MoveKernels& table_move() {
  static const MoveKernels k = [] {
    MoveKernels m{};
    install_move(m);
    return m;
  }();
  return k;
}

}  // namespace gesso::kernels::GESSO_LEVEL
