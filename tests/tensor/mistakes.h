// What a user reads after a mistake: mistakes, and word for word what is said.
#pragma once

#include "reference.h"

namespace gesso::tests {

inline const Tensor kNone;
inline Tensor f32(const Shape& s) { return tensor::zeros(s); }
inline Tensor f64(const Shape& s) { return tensor::zeros(s, DType::f64); }
inline Tensor i64(const Shape& s) { return tensor::zeros(s, DType::i64); }
inline Tensor b8(const Shape& s) { return tensor::zeros(s, DType::b8); }

struct Mistake {
  std::function<void()> make;
  const char* message;
};

inline void check_messages(const std::vector<Mistake>& mistakes) {
  for (const Mistake& m : mistakes) {
    std::string message = "no error";
    try {
      m.make();
    } catch (const Error& e) {
      message = e.message();
    }
    CHECK(message == m.message);
  }
}

}  // namespace gesso::tests
