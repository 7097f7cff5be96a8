// Every kernel gesso has, as one struct of function pointers per element type. A device is an instance of it: the CPU
// has one for each instruction level, CUDA and the emulated GPU one each. Pointers and plain structs in, results out:
// kernels know no Tensor, allocate no results, and trust their callers' checks.
//
// Names: x, a, b inputs; y output; dy, dx gradients. All arrays are contiguous unless strides are given; all counts and
// strides are in elements. Every output element is written once, by one thread, from sums in a fixed order, so that
// results do not depend on the number of threads.
#pragma once

#include "kernels/conv.h"

#include <cstdint>

namespace gesso::kernels {

inline constexpr int kMaxDims = 6;

/// y = f(x), element by element. `Scalars` holds the constants a formula names, in the order written.
enum class Unary : std::uint8_t {
  add_scalar,   // x + a
  mul_scalar,   // x * a
  rsub_scalar,  // a - x
  rdiv_scalar,  // a / x
  pow_scalar,   // x^a
  clamp,        // min(max(x, a), b); NaN stays NaN
  abs,
  sign,  // -1, 0, 1; NaN stays NaN
  exp,
  log,
  log1p,
  sqrt,
  square,
  sin,
  cos,
  erf,
  tanh,
  sigmoid,     // 1 / (1 + exp(-x))
  softplus,    // log(1 + exp(a x)) / a, and x where a x > b
  leaky_relu,  // x > 0 ? x : a x   (ReLU is a = 0)
  elu,         // x > 0 ? x : a (exp(x) - 1)
  gelu,        // x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2
  silu,        // x sigmoid(x)
};

/// y = f(p, q), element by element.
enum class Binary : std::uint8_t {
  add,
  sub,
  mul,
  div,
  pow,
  max,
  min,
  leaky_relu_grad,       // p = dy, q = x or y: q > 0 ? p : a p
  clamp_grad,            // p = dy, q = x: a <= q <= b ? p : 0
  sigmoid_grad,          // p = dy, q = y: p q (1 - q)
  tanh_grad,             // p = dy, q = y: p (1 - q^2)
  elu_grad,              // p = dy, q = y: q > 0 ? p : p (q + a)
  squared_difference,    // (p - q)^2
  absolute_difference,   // |p - q|
  bce_with_logits,       // p = logit d, q = target t: max(d,0) - d t + log1p(exp(-|d|))
  bce_with_logits_grad,  // p = logit d, q = target t: sigmoid(d) - t
};

enum class Compare : std::uint8_t { eq, ne, lt, le, gt, ge };
enum class Reduction : std::uint8_t { sum, max, min };
enum class ArgReduction : std::uint8_t { argmax, argmin };

struct Scalars {
  double a = 0, b = 0;
};

/// A walk over an n-dimensional index space: result element (i0, i1, ..) is number `sum i_k * prod(shape[k+1..])`, and
/// operand j lies at `sum i_k * strides[j][k]`. A stride of 0 broadcasts; a negative one flips.
struct Walk {
  int dims = 0;
  std::int64_t shape[kMaxDims] = {};
  std::int64_t strides[3][kMaxDims] = {};
};

/// A tensor seen around one axis: element (o, i, k) lies at (o * n + i) * inner + k; n is the axis.
struct Slab {
  std::int64_t outer = 1, n = 1, inner = 1;
};

enum class Activation : std::uint8_t { none, leaky_relu, tanh, sigmoid };

/// C (M,N) = act(A (M,K) * B (K,N) + bias (N)), `batch` times over. A matrix is a pointer with two strides, one of which is 1
/// (or the extent it belongs to is at most 1); so all transposes are the same call. C is row-major, rows c_row apart.
template <class T>
struct MatMul {
  std::int64_t batch = 1, M = 0, N = 0, K = 0;
  const T* a = nullptr;
  std::int64_t a_batch = 0, a_row = 0, a_col = 1;
  const T* b = nullptr;
  std::int64_t b_batch = 0, b_row = 0, b_col = 1;
  T* c = nullptr;
  std::int64_t c_batch = 0, c_row = 0;
  const T* bias = nullptr;  // absent when null
  Activation act = Activation::none;
  T slope = 0;  // of leaky_relu; 0 is ReLU
};

/// What is done to a sum before it is stored: act(sum + bias), bias one number a column or channel.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  // absent when null
  Activation act = Activation::none;
  T slope = 0;  // of leaky_relu; 0 is ReLU
};

/// Where a random stream stands: element i of a draw is a function of (seed, offset + i) alone.
struct RandomState {
  std::uint64_t seed = 0, offset = 0;
  const std::uint64_t* moving = nullptr;  // in a graph: the offset, on the device, anew for each replay
};

/// One parameter array in an optimizer's step. m and v are optimizer state; absent when null.
template <class T>
struct ParameterSlice {
  std::int64_t n = 0;
  T* w = nullptr;
  const T* dw = nullptr;
  T* m = nullptr;
  T* v = nullptr;
};

/// What differs between Adam's steps: 1 - lr weight_decay where the decay is decoupled (else 1), lr / (1 - beta1^t),
/// 1 / sqrt(1 - beta2^t).
struct AdamPace {
  double keep, rate, root;
};
struct AdamStep {
  double lr, beta1, beta2, eps, weight_decay;
  bool decoupled;  // AdamW: w -= lr * weight_decay * w, instead of adding weight_decay * w to the gradient
  double correction1, correction2;   // 1 - beta1^t, 1 - beta2^t
  double grad_scale;                 // multiplies every gradient (clipping by norm)
  const AdamPace* moving = nullptr;  // in a graph: pace(), on the device, anew for each replay

  AdamPace pace() const {
    return {decoupled ? 1 - lr * weight_decay : 1, lr / correction1, 1 / __builtin_sqrt(correction2)};
  }
};
struct SgdStep {
  double lr, momentum, dampening, weight_decay;
  bool nesterov, first;  // first: the momentum buffer is set to the gradient
  double grad_scale;
};
struct RmspropStep {
  double lr, alpha, eps, weight_decay, grad_scale;  // eps outside the square root
};

/// Batch normalisation of x (rows, C) by the mean and the variance of each column, and a leaky ReLU:
///   p = (x - mean) rstd gamma + beta, rstd = 1 / sqrt(var + eps);   y = p > 0 ? p : slope p
template <class T>
struct BatchNorm {
  std::int64_t rows = 0, C = 0;
  const T* x = nullptr;
  const T *mean = nullptr, *var = nullptr;    // (C)
  const T *gamma = nullptr, *beta = nullptr;  // (C); 1 and 0 when null
  T eps = 0;
  T slope = 1;  // 1: no activation
};

/// A sparse matrix of m rows. Row i has the elements number begin[i] to begin[i + 1] - 1, each a weight in a column.
template <class T>
struct SparseRows {
  std::int64_t m = 0;
  const std::int64_t *begin = nullptr, *column = nullptr;
  const T* weight = nullptr;
};

/// Windows over images (N,H,W,C), one for each pixel (p, q) of (N,P,Q,C): from p stride - padding on, and as far as they
/// lie within the image.
struct Windows {
  std::int64_t N = 0, H = 0, W = 0, C = 0, P = 0, Q = 0;
  HW size = 1, stride = 1, padding = 0;
};

/// A step of an LSTM between its matrix products, element by element of (M,H). a (M,4H) has what comes to the gates i, f, g, o,
/// in that order; c (M,H) is the state.
///   i = sigmoid(a_i + w_i c),  f = sigmoid(a_f + w_f c),  g = tanh(a_g)
///   c' = f c + i g,            o = sigmoid(a_o + w_o c'), h' = o tanh(c')
/// Peepholes w (P,3H) = w_i, w_f, w_o: row m has those of place m % P, and M is a multiple of P. None where w is null; P is 1 then.
template <class T>
struct LstmCell {
  std::int64_t M = 0, H = 0, P = 1;
  const T *a = nullptr, *c = nullptr, *w = nullptr;
};

template <class T>
struct Kernels {
  // elementwise.cc
  void (*fill)(std::int64_t n, T value, T* y);
  void (*arange)(std::int64_t n, double start, double step, T* y);  // start + i * step
  void (*unary)(Unary op, Scalars s, std::int64_t n, const T* x, T* y);
  void (*binary)(Binary op, Scalars s, const Walk& walk, const T* a, const T* b, T* y);
  void (*compare)(Compare op, const Walk& walk, const T* a, const T* b, std::uint8_t* y);

  // reduce.cc
  void (*reduce)(Reduction op, Slab s, const T* x, T* y);                    // y (outer, inner)
  void (*arg_reduce)(ArgReduction op, Slab s, const T* x, std::int64_t* y);  // first of equals; NaN wins
  void (*sum_binary)(Binary op, Scalars s, std::int64_t n, const T* a, const T* b,
                     T* y);  // y[0] = sum f(a_i, b_i)

  // rows.cc
  void (*logsumexp)(Slab s, const T* x, T* y);  // y (outer, inner)
  void (*softmax)(Slab s, const T* x, T* y);
  void (*log_softmax)(Slab s, const T* x, T* y);
  void (*cumsum)(Slab s, bool reverse, const T* x, T* y);
  // y (rows, width) = 0, then y[index[i]] += x[i] in the order of i; x (n, width)
  void (*add_rows)(std::int64_t n, std::int64_t rows, std::int64_t width, const std::int64_t* index,
                   const T* x, T* y);

  // quantize.cc: index[m] = the code nearest to z_m, the first of equals: argmax_j z_m.e_j - |e_j|^2 / 2; counts[j] = how often j
  // was. z (M,D), codes (K,D), 0 < K < 2^31. A score that is NaN wins nowhere; where no other is left, index is 0.
  void (*quantize)(std::int64_t M, std::int64_t K, std::int64_t D, const T* z, const T* codes,
                   std::int64_t* index, std::int64_t* counts);

  // random.cc
  void (*uniform)(RandomState r, T low, T high, std::int64_t n, T* y);  // [low, high)
  void (*normal)(RandomState r, T mean, T std, std::int64_t n, T* y);

  // optim.cc: one pass over memory for all parameters
  void (*adam)(const AdamStep& step, int count, const ParameterSlice<T>* parameters);
  void (*sgd)(const SgdStep& step, int count, const ParameterSlice<T>* parameters);          // v unused
  void (*rmsprop)(const RmspropStep& step, int count, const ParameterSlice<T>* parameters);  // m unused
  void (*lerp)(T weight, std::int64_t n, const T* x, T* y);  // y += weight * (x - y): EMA of weights

  // gemm.cc
  void (*matmul)(const MatMul<T>& p);

  // conv.cc: x (N,H,W,C), w (K,R,S,C/groups), y (N,P,Q,K); null on devices that have none yet
  void (*conv2d)(const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) = nullptr;
  void (*conv2d_input)(const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e, T* x) = nullptr;
  void (*conv2d_filter)(const Conv2dGeometry& g, const T* x, const T* y, T* w) = nullptr;

  // norm.cc and image.cc; null where a device has none yet
  // of each column of x (rows, C): mean, and var = sum (x - mean)^2 / rows
  void (*moments)(std::int64_t rows, std::int64_t C, const T* x, T* mean, T* var) = nullptr;
  void (*batch_norm)(const BatchNorm<T>& p, T* y) = nullptr;
  // dgamma = sum dp (x - mean) rstd, dbeta = sum dp over the rows; dp = p > 0 ? dy : slope dy
  void (*batch_norm_sums)(const BatchNorm<T>& p, const T* dy, T* dgamma, T* dbeta) = nullptr;
  // dx = gamma rstd (dp - dbeta / rows - (x - mean) rstd dgamma / rows), where mean and var are x's own
  void (*batch_norm_input)(const BatchNorm<T>& p, const T* dy, const T* dgamma, const T* dbeta,
                           T* dx) = nullptr;

  // y[n,p,q] = sum_h sum_w rows[p,h] columns[q,w] x[n,h,w]; x (N,H,W,C), y (N,rows.m,columns.m,C)
  void (*resample)(std::int64_t N, std::int64_t H, std::int64_t W, std::int64_t C, const SparseRows<T>& rows,
                   const SparseRows<T>& columns, const T* x, T* y) = nullptr;
  // index[n,p,q,c] = h W + w, where the window of (p, q) has its largest x[n,h,w,c]: the first of equals; NaN wins
  void (*arg_max_pool)(const Windows& g, const T* x, std::int64_t* index) = nullptr;
  // y[n,m,c] = x[n,index[n,m,c],c]; x (N,n_x,C), y (N,n_y,C)
  void (*take_pixels)(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C,
                      const std::int64_t* index, const T* x, T* y) = nullptr;
  // y (N,n_y,C) = 0, then y[n,index[n,m,c],c] += x[n,m,c] in the order of m; x (N,n_x,C)
  void (*add_pixels)(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C,
                     const std::int64_t* index, const T* x, T* y) = nullptr;

  // lstm.cc: h', c' (M,H)
  void (*lstm_cell)(const LstmCell<T>& p, T* h_next, T* c_next) = nullptr;
  // da (M,4H), dc (M,H), and dw (P,3H) where there is a w, from dh', dc' (M,H), of which one may be null: zero
  void (*lstm_cell_grad)(const LstmCell<T>& p, const T* dh_next, const T* dc_next, T* da, T* dc,
                         T* dw) = nullptr;
};

/// The element types a tensor can have.
enum class DType : std::uint8_t { f32, f64, i64, u8, b8 };  // b8: 0 or 1 in a byte, the result of comparisons

/// Kernels that move elements without computing; sizes in bytes: 1, 4 or 8.
struct MoveKernels {
  void (*copy)(const Walk& walk, int element_size, const void* x, void* y);  // operand 0 is x, operand 1 is y
  void (*cast)(std::int64_t n, DType from, const void* x, DType to, void* y);
  void (*where)(const Walk& walk, int element_size, const std::uint8_t* mask, const void* a, const void* b,
                void* y);
  // y[i] = x[index[i]], rows of row_bytes
  void (*take_rows)(std::int64_t n, std::int64_t row_bytes, const std::int64_t* index, const void* x,
                    void* y);
};

/// The kernels of the CPU, for the best instruction level it has (or the one $GESSO_ISA names: portable, v3, v4).
template <class T>
const Kernels<T>& cpu();
const MoveKernels& cpu_move();

/// The level in use: "v4", "v3" or "portable".
const char* cpu_level();

}  // namespace gesso::kernels
