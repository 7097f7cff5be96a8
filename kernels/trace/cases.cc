#include "kernels/trace/cases.h"

#include "kernels/cuda/gemm.cuh"
#include "kernels/cuda/memory.h"
#include "kernels/cuda/table.h"
#include "kernels/trace/studies.h"

#include <stdexcept>
#include <vector>

namespace gesso::simt::trace {

using namespace kernels;
namespace dev = kernels::GESSO_LEVEL;
using std::int64_t;

namespace {

const Kernels<float>& device() {
  static const Kernels<float> all = [] {
    Kernels<float> k{};
    dev::install_elementwise(k);
    dev::install_reduce(k);
    dev::install_rows(k);
    dev::install_random(k);
    dev::install_optim(k);
    dev::install_gemm(k);
    dev::install_conv(k);
    dev::install_norm(k);
    dev::install_image(k);
    return k;
  }();
  return all;
}
const MoveKernels& moves() {
  static const MoveKernels all = [] {
    MoveKernels k{};
    dev::install_move(k);
    return k;
  }();
  return all;
}

/// n elements of the device's memory. What numbers are in it does not matter to where accesses go.
template <class T>
class Array {
 public:
  explicit Array(int64_t n) : memory_(std::size_t(n) * sizeof(T)) {}
  operator T*() const { return memory_.template as<T>(); }

 private:
  dev::Scratch memory_;
};
using Floats = Array<float>;

/// to[i] = i * 7 % n for i < n: all numbers below n, unless it is a multiple of 7
void scatter_indices(int64_t n, int64_t* to) {
  std::vector<int64_t> v(static_cast<std::size_t>(n));
  for (int64_t i = 0; i < n; ++i) v[std::size_t(i)] = i * 7 % n;
  dev::memory().from_host(to, v.data(), v.size() * sizeof(int64_t));
}

// ---- products -----------------------------------------------------------------------------------------------------------------

/// C = A B, or A B' (what a linear layer computes), for matrices of n x n.
MatMul<float> product(int64_t n, bool transposed, const float* a, const float* b, float* c) {
  return {.M = n,
          .N = n,
          .K = n,
          .a = a,
          .a_row = n,
          .b = b,
          .b_row = transposed ? 1 : n,
          .b_col = transposed ? n : 1,
          .c = c,
          .c_row = n};
}
template <bool transposed, void (*multiply)(const MatMul<float>&)>
double matmul(int64_t n) {
  const Floats a(n * n), b(n * n), c(n * n);
  multiply(product(n, transposed, a, b, c));
  return double(n) * double(n) * double(n);
}

/// Two images (16,16,n) and n filters of 4 x 4 at a stride of 2, as in DCGAN.
Conv2dGeometry strided(int64_t n) {
  return {
      .N = 2, .H = 16, .W = 16, .C = n, .K = n, .R = 4, .S = 4, .P = 8, .Q = 8, .stride = 2, .padding = 1};
}
/// f(geometry, x, w, y)
template <class F>
double convolve(const Conv2dGeometry& g, const F& f) {
  const int64_t depth = g.R * g.S * g.C / g.groups;
  const Floats x(g.N * g.H * g.W * g.C), w(g.K * depth), y(g.N * g.P * g.Q * g.K);
  f(g, x, w, y);
  return double(g.N * g.P * g.Q * g.K) * double(depth);
}
double conv2d(int64_t n) {
  return convolve(strided(n),
                  [](const auto& g, float* x, float* w, float* y) { device().conv2d(g, x, w, {}, y); });
}
double conv2d_input(int64_t n) {
  return convolve(strided(n),
                  [](const auto& g, float* x, float* w, float* y) { device().conv2d_input(g, y, w, {}, x); });
}
double conv2d_filter(int64_t n) {
  return convolve(strided(n),
                  [](const auto& g, float* x, float* w, float* y) { device().conv2d_filter(g, x, y, w); });
}
double conv2d_tf32(int64_t n) {
  dev::allow_tf32(Tf32::all);
  const double multiply_adds = conv2d(n);
  dev::allow_tf32(Tf32::none);
  return multiply_adds;
}
double depthwise(int64_t n) {
  const Conv2dGeometry g{
      .N = 2, .H = 16, .W = 16, .C = n, .K = n, .R = 3, .S = 3, .P = 16, .Q = 16, .padding = 1, .groups = n};
  return convolve(g, [](const auto& at, float* x, float* w, float* y) { device().conv2d(at, x, w, {}, y); });
}

// ---- columns and rows -------------------------------------------------------------------------------------

constexpr int64_t kChannels = 64;

/// f(normalisation of x (n, kChannels), two arrays like x, two of kChannels)
template <class F>
double normalise(int64_t n, const F& f) {
  const Floats x(n * kChannels), dy(n * kChannels), dx(n * kChannels), mean(kChannels), var(kChannels),
      gamma(kChannels), beta(kChannels), dgamma(kChannels), dbeta(kChannels);
  BatchNorm<float> b{
      .rows = n, .C = kChannels, .x = x, .mean = mean, .var = var, .gamma = gamma, .beta = beta};
  b.slope = 0.2f;
  f(b, dy, dx, dgamma, dbeta);
  return 0;
}
double moments(int64_t n) {
  return normalise(n, [](const auto& b, float*, float*, float* mean, float* var) {
    device().moments(b.rows, b.C, b.x, mean, var);
  });
}
double batch_norm(int64_t n) {
  return normalise(n, [](const auto& b, float*, float* y, float*, float*) { device().batch_norm(b, y); });
}
double batch_norm_sums(int64_t n) {
  return normalise(n, [](const auto& b, float* dy, float*, float* dgamma, float* dbeta) {
    device().batch_norm_sums(b, dy, dgamma, dbeta);
  });
}
double batch_norm_input(int64_t n) {
  return normalise(n, [](const auto& b, float* dy, float* dx, float* dgamma, float* dbeta) {
    device().batch_norm_input(b, dy, dgamma, dbeta, dx);
  });
}
double naive_column_sums(int64_t n) {
  const Floats x(n * kChannels), y(kChannels);
  column_sums_by_rows(n, kChannels, x, y);
  return 0;
}

double sum(const Slab& s) {
  const Floats x(s.outer * s.n * s.inner), y(s.outer * s.inner);
  device().reduce(Reduction::sum, s, x, y);
  return 0;
}
double sum_all(int64_t n) { return sum({1, n, 1}); }
double sum_rows(int64_t n) { return sum({n, 512, 1}); }
double sum_columns(int64_t n) { return sum({1, n, 128}); }
double softmax(int64_t n) {
  const Floats x(n * 1000), y(n * 1000);
  device().softmax({n, 1000, 1}, x, y);
  return 0;
}
double cumsum(int64_t n) {
  const Floats x(n * 1000), y(n * 1000);
  device().cumsum({n, 1000, 1}, false, x, y);
  return 0;
}

// ---- moves ------------------------------------------------------------------------------------------------

/// y = x over a walk of n elements.
double copy(const Walk& w, int64_t n) {
  const Floats x(4 * n), y(n);
  moves().copy(w, sizeof(float), static_cast<const float*>(x), static_cast<float*>(y));
  return 0;
}
double transpose(int64_t n) { return copy({2, {n, n}, {{1, n}, {n, 1}}}, n * n); }
template <void (*f)(int64_t, const float*, float*)>
double transpose_naive(int64_t n) {
  const Floats x(n * n), y(n * n);
  f(n, x, y);
  return 0;
}
/// Images (n, 3, 32, 32) to channels last.
double permute(int64_t n) {
  return copy({4, {n, 32, 32, 3}, {{3072, 32, 1, 1024}, {3072, 96, 3, 1}}}, n * 3072);
}
double thin_out(int64_t n) { return copy({1, {n}, {{4}, {1}}}, n); }
double take_rows(int64_t n) {
  const Floats x(n * kChannels), y(n * kChannels);
  const Array<int64_t> index(n);
  scatter_indices(n, index);
  moves().take_rows(n, kChannels * int64_t(sizeof(float)), index, static_cast<const float*>(x),
                    static_cast<float*>(y));
  return 0;
}
double add_rows(int64_t n) {
  const Floats x(n * kChannels), y(n * kChannels);
  const Array<int64_t> index(n);
  scatter_indices(n, index);
  device().add_rows(n, n, kChannels, index, x, y);
  return 0;
}

// ---- elements ---------------------------------------------------------------------------------------------

double leaky_relu(int64_t n) {
  const Floats x(n), y(n);
  device().unary(Unary::leaky_relu, {0.2, 0}, n, x, y);
  return 0;
}
double add_row(int64_t n) {
  const Floats x(n * 512), row(512), y(n * 512);
  device().binary(Binary::add, {}, {2, {n, 512}, {{512, 1}, {0, 1}}}, x, row, y);
  return 0;
}
double adam(int64_t n) {
  const Floats w(n), dw(n), m(n), v(n);
  const ParameterSlice<float> p{n, w, dw, m, v};
  device().adam({1e-3, 0.9, 0.999, 1e-8, 0, false, 0.1, 0.001, 1}, 1, &p);
  return 0;
}
double normal(int64_t n) {
  device().normal({1, 0}, 0, 1, n, Floats(n));
  return 0;
}
double max_pool(int64_t n) {
  const Windows w{.N = 2, .H = 16, .W = 16, .C = n, .P = 8, .Q = 8, .size = 2, .stride = 2};
  device().arg_max_pool(w, Floats(2 * 256 * n), Array<int64_t>(2 * 64 * n));
  return 0;
}

constexpr Case kCases[] = {
    {"matmul", "C = A B of (n,n), f32 on the ordinary cores", 128, 1, matmul<false, dev::matmul_simt<float>>},
    {"matmul-transposed", "C = A B' of (n,n), as a linear layer", 128, 1,
     matmul<true, dev::matmul_simt<float>>},
    {"matmul-tf32", "C = A B of (n,n) on tensor cores", 128, 1, matmul<false, dev::matmul_tf32>},
    {"conv2d", "2 images (16,16,n), n filters 4 x 4, stride 2", 32, 1, conv2d},
    {"conv2d-input", "the gradient of conv2d's images, or the transposed convolution", 32, 1, conv2d_input},
    {"conv2d-filter", "the gradient of conv2d's filters", 32, 1, conv2d_filter},
    {"conv2d-tf32", "conv2d on tensor cores", 32, 1, conv2d_tf32},
    {"depthwise", "2 images (16,16,n), a filter 3 x 3 to each channel", 32, 1, depthwise},
    {"moments", "mean and variance of the columns of (n,64)", 2048, 1, moments},
    {"batch-norm", "(n,64) normalised, leaky ReLU", 2048, 1, batch_norm},
    {"batch-norm-sums", "the gradients of batch-norm's gamma and beta", 2048, 1, batch_norm_sums},
    {"batch-norm-input", "the gradient of batch-norm's input", 2048, 1, batch_norm_input},
    {"column-sums-naive", "sums of the columns of (n,64), a study: lanes have rows", 2048, 1,
     naive_column_sums},
    {"sum", "the sum of n numbers", 1 << 16, 1, sum_all},
    {"sum-rows", "sums of n rows of 512", 64, 1, sum_rows},
    {"sum-columns", "sums of the columns of (n,128)", 512, 1, sum_columns},
    {"softmax", "softmax of n rows of 1000", 32, 1, softmax},
    {"cumsum", "running sums of n rows of 1000", 32, 1, cumsum},
    {"transpose", "y = x' of (n,n)", 128, 1, transpose},
    {"transpose-naive", "y = x' of (n,n), a study: a thread to an element", 128, 1,
     transpose_naive<transpose_by_element>},
    {"transpose-unpadded", "y = x' of (n,n), a study: tiles without padding", 128, 32,
     transpose_naive<transpose_by_square_tile>},
    {"permute", "images (n,3,32,32) to channels last", 4, 1, permute},
    {"thin-out", "every fourth of 4 n numbers", 4096, 1, thin_out},
    {"take-rows", "n rows of 64, gathered by index", 256, 1, take_rows},
    {"add-rows", "n rows of 64, scattered by index and summed", 256, 1, add_rows},
    {"leaky-relu", "leaky ReLU of n numbers", 16384, 1, leaky_relu},
    {"add-row", "a row of 512 added to each of n", 32, 1, add_row},
    {"adam", "Adam's step for n parameters", 16384, 1, adam},
    {"normal", "n normal random numbers", 16384, 1, normal},
    {"max-pool", "windows 2 x 2 of 2 images (16,16,n)", 32, 1, max_pool},
};

}  // namespace

std::span<const Case> cases() { return kCases; }

const Case& find_case(const std::string& name) {
  std::string names;
  for (const Case& c : kCases) {
    if (c.name == name) return c;
    names += std::string(names.empty() ? "" : ", ") + c.name;
  }
  throw std::invalid_argument("no kernel \"" + name + "\" to trace; there are " + names);
}

}  // namespace gesso::simt::trace
