// A program of somebody else's: a gradient through the installed library.
#include <iostream>

#include "autograd/ops.h"

int main() {
  const gesso::Var x = gesso::parameter(gesso::Tensor::from<float>({1, 2, 3}));
  gesso::sum(x * x).backward();
  std::cout << x.grad().value() << '\n';
  return x.grad().value().to_vector<float>() == std::vector<float>{2, 4, 6} ? 0 : 1;
}
