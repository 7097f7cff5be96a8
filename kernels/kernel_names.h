// What kernels, and the functions that some of them are asked for, are called.
#pragma once

#include "kernels/device.h"

#include <array>
#include <tuple>

namespace gesso::kernels {

template <class Table, class... A>
struct NamedKernel {
  const char* name;
  void (*Table::*kernel)(A...);
};
template <class Table, class... A>
NamedKernel(const char*, void (*Table::*)(A...)) -> NamedKernel<Table, A...>;

/// All kernels of a table. A new one that is not listed does not compile.
template <class Table>
inline constexpr std::tuple<> kKernelsOf{};

template <class T>
inline constexpr auto kKernelsOf<Kernels<T>> =
    std::tuple{NamedKernel{"fill", &Kernels<T>::fill},
               NamedKernel{"arange", &Kernels<T>::arange},
               NamedKernel{"unary", &Kernels<T>::unary},
               NamedKernel{"binary", &Kernels<T>::binary},
               NamedKernel{"compare", &Kernels<T>::compare},
               NamedKernel{"reduce", &Kernels<T>::reduce},
               NamedKernel{"arg_reduce", &Kernels<T>::arg_reduce},
               NamedKernel{"sum_binary", &Kernels<T>::sum_binary},
               NamedKernel{"logsumexp", &Kernels<T>::logsumexp},
               NamedKernel{"softmax", &Kernels<T>::softmax},
               NamedKernel{"log_softmax", &Kernels<T>::log_softmax},
               NamedKernel{"cumsum", &Kernels<T>::cumsum},
               NamedKernel{"add_rows", &Kernels<T>::add_rows},
               NamedKernel{"quantize", &Kernels<T>::quantize},
               NamedKernel{"uniform", &Kernels<T>::uniform},
               NamedKernel{"normal", &Kernels<T>::normal},
               NamedKernel{"adam", &Kernels<T>::adam},
               NamedKernel{"sgd", &Kernels<T>::sgd},
               NamedKernel{"rmsprop", &Kernels<T>::rmsprop},
               NamedKernel{"lerp", &Kernels<T>::lerp},
               NamedKernel{"matmul", &Kernels<T>::matmul},
               NamedKernel{"conv2d", &Kernels<T>::conv2d},
               NamedKernel{"conv2d_input", &Kernels<T>::conv2d_input},
               NamedKernel{"conv2d_filter", &Kernels<T>::conv2d_filter},
               NamedKernel{"moments", &Kernels<T>::moments},
               NamedKernel{"batch_norm", &Kernels<T>::batch_norm},
               NamedKernel{"batch_norm_sums", &Kernels<T>::batch_norm_sums},
               NamedKernel{"batch_norm_input", &Kernels<T>::batch_norm_input},
               NamedKernel{"resample", &Kernels<T>::resample},
               NamedKernel{"arg_max_pool", &Kernels<T>::arg_max_pool},
               NamedKernel{"take_pixels", &Kernels<T>::take_pixels},
               NamedKernel{"add_pixels", &Kernels<T>::add_pixels},
               NamedKernel{"lstm_cell", &Kernels<T>::lstm_cell},
               NamedKernel{"lstm_cell_grad", &Kernels<T>::lstm_cell_grad}};
static_assert(sizeof(Kernels<float>) ==
              std::tuple_size_v<decltype(kKernelsOf<Kernels<float>>)> * sizeof(void*));

template <>
inline constexpr auto kKernelsOf<MoveKernels> =
    std::tuple{NamedKernel{"copy", &MoveKernels::copy}, NamedKernel{"cast", &MoveKernels::cast},
               NamedKernel{"where", &MoveKernels::where}, NamedKernel{"take_rows", &MoveKernels::take_rows}};
static_assert(sizeof(MoveKernels) == std::tuple_size_v<decltype(kKernelsOf<MoveKernels>)> * sizeof(void*));

/// Of a device's memory, what takes its time.
template <>
inline constexpr auto kKernelsOf<Memory> = std::tuple{
    NamedKernel{"zero memory", &Memory::zero}, NamedKernel{"copy memory", &Memory::copy},
    NamedKernel{"copy to device", &Memory::from_host}, NamedKernel{"copy to host", &Memory::to_host}};

inline const char* name(Unary f) {
  static constexpr std::array names = {
      "add_scalar", "mul_scalar", "rsub_scalar", "rdiv_scalar", "pow_scalar", "clamp", "abs", "sign",
      "exp",        "log",        "log1p",       "sqrt",        "square",     "sin",   "cos", "erf",
      "tanh",       "sigmoid",    "softplus",    "leaky_relu",  "elu",        "gelu",  "silu"};
  static_assert(names.size() == std::size_t(Unary::silu) + 1);
  return names[std::size_t(f)];
}
inline const char* name(Binary f) {
  static constexpr std::array names = {"add",
                                       "sub",
                                       "mul",
                                       "div",
                                       "pow",
                                       "max",
                                       "min",
                                       "leaky_relu_grad",
                                       "clamp_grad",
                                       "sigmoid_grad",
                                       "tanh_grad",
                                       "elu_grad",
                                       "squared_difference",
                                       "absolute_difference",
                                       "bce_with_logits",
                                       "bce_with_logits_grad"};
  static_assert(names.size() == std::size_t(Binary::bce_with_logits_grad) + 1);
  return names[std::size_t(f)];
}
inline const char* name(Compare f) {
  static constexpr std::array names = {"eq", "ne", "lt", "le", "gt", "ge"};
  static_assert(names.size() == std::size_t(Compare::ge) + 1);
  return names[std::size_t(f)];
}
inline const char* name(Reduction f) {
  static constexpr std::array names = {"sum", "max", "min"};
  static_assert(names.size() == std::size_t(Reduction::min) + 1);
  return names[std::size_t(f)];
}
inline const char* name(ArgReduction f) { return f == ArgReduction::argmax ? "argmax" : "argmin"; }

}  // namespace gesso::kernels
