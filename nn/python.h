// Numbers and tuples as Python prints them, for the titles of modules. Internal to nn/.
#pragma once

#include "tensor/shape.h"

#include <string>

namespace gesso::nn {

/// "0.2", "1.0", "1e-05"
std::string python(double x);
inline const char* python(bool x) { return x ? "True" : "False"; }
/// "(28, 28, 1)", "(10,)"
std::string python(const Shape& shape);
/// "2" where both are equal, "(2, 3)" otherwise
std::string python(kernels::HW size);

}  // namespace gesso::nn
