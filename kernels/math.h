// exp, log and their kin as scalar functions for CPU and CUDA, in float and double.
#pragma once

#include "kernels/cpu/level.h"

#include <cmath>
#include <cstdint>

#ifdef __CUDACC__
#define GESSO_HD __host__ __device__
#else
#define GESSO_HD
#endif

namespace gesso::kernels::GESSO_LEVEL {

GESSO_HD inline float abs(float x) { return ::fabsf(x); }
GESSO_HD inline double abs(double x) { return ::fabs(x); }
GESSO_HD inline float sqrt(float x) { return ::sqrtf(x); }
GESSO_HD inline double sqrt(double x) { return ::sqrt(x); }
GESSO_HD inline float exp(float x) { return ::expf(x); }
GESSO_HD inline double exp(double x) { return ::exp(x); }
GESSO_HD inline float expm1(float x) { return ::expm1f(x); }
GESSO_HD inline double expm1(double x) { return ::expm1(x); }
GESSO_HD inline float log(float x) { return ::logf(x); }
GESSO_HD inline double log(double x) { return ::log(x); }
GESSO_HD inline float log1p(float x) { return ::log1pf(x); }
GESSO_HD inline double log1p(double x) { return ::log1p(x); }
GESSO_HD inline float tanh(float x) { return ::tanhf(x); }
GESSO_HD inline double tanh(double x) { return ::tanh(x); }
GESSO_HD inline float erf(float x) { return ::erff(x); }
GESSO_HD inline double erf(double x) { return ::erf(x); }
GESSO_HD inline float sin(float x) { return ::sinf(x); }
GESSO_HD inline double sin(double x) { return ::sin(x); }
GESSO_HD inline float cos(float x) { return ::cosf(x); }
GESSO_HD inline double cos(double x) { return ::cos(x); }
GESSO_HD inline float pow(float x, float a) { return ::powf(x, a); }
GESSO_HD inline double pow(double x, double a) { return ::pow(x, a); }

/// 1 / (1 + exp(-x))
template <class T>
GESSO_HD inline T sigmoid(T x) {
  const T e = exp(-abs(x));
  return (x < 0 ? e : T(1)) / (1 + e);
}
/// log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))
template <class T>
GESSO_HD inline T softplus(T x) {
  return (x > 0 ? x : T(0)) + log1p(exp(-abs(x)));
}
/// Phi(x) = (1 + erf(x / sqrt 2)) / 2
template <class T>
GESSO_HD inline T normal_cdf(T x) {
  return T(0.5) + T(0.5) * erf(x * T(0.70710678118654752440));
}

}  // namespace gesso::kernels::GESSO_LEVEL
