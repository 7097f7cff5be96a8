// Kernels with sizes at which their traces are typical and quick.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace gesso::simt::trace {

struct Case {
  const char* name;
  const char* what;   // with n, the size
  std::int64_t size;  // n where none is given; others are multiples of `step`
  std::int64_t step;
  double (*run)(std::int64_t n);  // the multiply-adds of a product; 0 for others
};

std::span<const Case> cases();

/// Throws std::invalid_argument, which lists the names, where there is no such case.
const Case& find_case(const std::string& name);

}  // namespace gesso::simt::trace
