// Vectors and the nearest of a few: vector quantization.
#pragma once

#include "tensor/tensor.h"

namespace gesso::tensor {

struct Quantized {
  Tensor index;   // (..) i64
  Tensor counts;  // (K) i64: how many vectors each code is the nearest of
};

/// index (..) = argmin_j |z (..,D) - codes_j|^2, codes (K,D); the first of equals. One kernel, which keeps no distances. A vector
/// with a NaN gets 0.
Quantized quantize(const Tensor& z, const Tensor& codes);

}  // namespace gesso::tensor
