// Products of small matrices for the drivers of the two kernels.
#pragma once

#include "tests/simt/planted/driver.h"

namespace gesso::test {

/// f(matmul) for C (M,N) = A (M,K) B (K,N), A's and B's rows or columns contiguous; checks C.
template <class F>
void product(int M, int N, int K, bool a_rows, bool b_rows, const F& f) {
  const auto a = integers<float>(std::size_t(M) * K, 1), b = integers<float>(std::size_t(K) * N, 2);
  const std::int64_t a_row = a_rows ? K : 1, a_col = a_rows ? 1 : M, b_row = b_rows ? N : 1,
                     b_col = b_rows ? 1 : K;
  std::vector<double> wanted(std::size_t(M) * N, 0.0);
  for (int i = 0; i < M; ++i)
    for (int j = 0; j < N; ++j)
      for (int k = 0; k < K; ++k)
        wanted[i * N + j] += double(a[i * a_row + k * a_col]) * double(b[k * b_row + j * b_col]);
  const DeviceArray<float> da(a), db(b), c(wanted.size());
  kernels::MatMul<float> p{.M = M, .N = N, .K = K};
  p.a = da.data(), p.a_row = a_row, p.a_col = a_col;
  p.b = db.data(), p.b_row = b_row, p.b_col = b_col;
  p.c = c.data(), p.c_row = N;
  f(p);
  expect("product", c, wanted);
}

}  // namespace gesso::test
