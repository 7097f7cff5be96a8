#include "nn/python.h"

namespace gesso::nn {

std::string python(double x) {
  const std::string s = fmt::format("{}", x);
  return s.find_first_not_of("-0123456789") == std::string::npos ? s + ".0" : s;
}

std::string python(const Shape& shape) {
  std::string s = "(";
  for (int i = 0; i < shape.rank(); ++i) s += (i ? ", " : "") + std::to_string(shape[i]);
  return s + (shape.rank() == 1 ? ",)" : ")");
}

std::string python(kernels::HW size) {
  return size.h == size.w ? std::to_string(size.h) : fmt::format("({}, {})", size.h, size.w);
}

}  // namespace gesso::nn
