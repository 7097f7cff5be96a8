// The same bits on every run, and with any number of threads.
#include "reference.h"

#ifdef _OPENMP
#include <omp.h>
#endif

using namespace gesso;

namespace {

/// The results of operations large enough for several threads.
std::vector<Tensor> results() {
  Generator g(11);
  const Tensor x = tensor::normal(g, {300, 701}), y = tensor::uniform(g, {701}),
               w = tensor::normal(g, {257, 701});
  const Tensor index = tensor::permutation(g, 300);
  return {x,
          y,
          tensor::unary(kernels::Unary::gelu, x),
          tensor::binary(kernels::Binary::squared_difference, x, y),
          tensor::compare(kernels::Compare::lt, x, y),
          tensor::sum(x),
          tensor::sum(x, {0}),
          tensor::sum(x, {1}),
          tensor::var(x, {0}),
          tensor::max(x, {1}),
          tensor::argmax(x, 1),
          tensor::sum_binary(kernels::Binary::mul, x, x),
          tensor::softmax(x, 1),
          tensor::log_softmax(x, 0),
          tensor::cumsum(x, 0),
          tensor::permute(x, {1, 0}),
          tensor::take_rows(x, index),
          tensor::add_rows(x, index, 300),
          tensor::matmul(x, w,
                         {.transpose_b = true, .bias = tensor::zeros({257}), .activation = Activation::tanh}),
          tensor::matmul(x, x, {.transpose_a = true})};
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::equal(a.raw(), a.raw() + a.bytes(), b.raw());
}

}  // namespace

TEST_CASE("the same bits again, with 1, 2 and 3 threads") {
  const std::vector<Tensor> first = results();
  for (int threads : {0, 1, 2, 3}) {
#ifdef _OPENMP
    const int before = omp_get_max_threads();
    if (threads) omp_set_num_threads(threads);
#endif
    const std::vector<Tensor> again = results();
#ifdef _OPENMP
    omp_set_num_threads(before);
#endif
    for (std::size_t i = 0; i < first.size(); ++i) {
      INFO("result ", i, " with ", threads, " threads");
      CHECK(same_bits(first[i], again[i]));
    }
  }
}
