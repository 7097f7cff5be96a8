// Kernels on a number of threads.
#pragma once

#ifdef _OPENMP
#include <omp.h>
#endif

namespace gesso::tests {

/// As long as it lives, kernels run on n threads, where there are threads at all.
class Threads {
 public:
#ifdef _OPENMP
  explicit Threads(int n) : before_(omp_get_max_threads()) { omp_set_num_threads(n); }
  ~Threads() { omp_set_num_threads(before_); }
#else
  explicit Threads(int) {}
#endif
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_ = 1;
};

}  // namespace gesso::tests
