#include "tensor/quantize.h"

#include "tensor/walk.h"

namespace gesso::tensor {

Quantized quantize(const Tensor& z, const Tensor& codes) {
  check_alike("quantize", z, codes);
  check(codes.rank() == 2 && codes.dim(0) > 0 && codes.dim(0) <= INT32_MAX,
        "quantize: codes {} should be (K,D), K from 1 to 2^31 - 1", codes.shape());
  check(z.rank() >= 1 && z.dim(-1) == codes.dim(1), "quantize: z {} does not fit codes {}, (K,D)", z.shape(),
        codes.shape());
  return with_kernels("quantize", z, [&]<class T>(const kernels::Kernels<T>& k) {
    const Shape rows(std::span(z.shape().begin(), z.shape().end() - 1));
    Quantized q{Tensor(rows, DType::i64, z.device()), Tensor({codes.dim(0)}, DType::i64, z.device())};
    k.quantize(rows.size(), codes.dim(0), codes.dim(1), z.device_data<T>(), codes.device_data<T>(),
               q.index.template mutable_device_data<std::int64_t>(),
               q.counts.template mutable_device_data<std::int64_t>());
    return q;
  });
}

}  // namespace gesso::tensor
