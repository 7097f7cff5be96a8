#include "tests/kernels/on_device.h"

#include "tests/device.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <vector>

namespace gesso::test {
namespace {

using namespace gesso::kernels;

const Backend& device() { return *backend(tests::tested_device()); }

/// The elements [low, high) around p, on the device while this object lives.
template <class T>
class Mirror {
 public:
  Mirror(T* p, std::int64_t low, std::int64_t high)
      : host_(p ? p + low : p), low_(low), n_(p ? std::max<std::int64_t>(high - low, 0) : 0) {
    if (!p) return;
    there_ = static_cast<Bare*>(device().memory->allocate(bytes()));
    device().memory->from_host(there_, host_, bytes());
  }
  Mirror(T* p, std::int64_t n) : Mirror(p, 0, n) {}
  ~Mirror() {
    if (!there_) return;
    if constexpr (!std::is_const_v<T>) device().memory->to_host(host_, there_, bytes());
    device().memory->release(there_, bytes());
  }
  Mirror(const Mirror&) = delete;
  Mirror& operator=(const Mirror&) = delete;

  operator T*() const { return there_ ? there_ - low_ : nullptr; }

 private:
  using Bare = std::remove_const_t<T>;
  std::size_t bytes() const { return static_cast<std::size_t>(n_) * sizeof(T); }
  T* host_;
  Bare* there_ = nullptr;
  std::int64_t low_, n_;
};

/// The elements of operand j that a walk touches, from the lowest to behind the highest.
struct Extent {
  std::int64_t low = 0, high = 1;
};
Extent extent(const Walk& w, int j) {
  if (std::find(w.shape, w.shape + w.dims, 0) != w.shape + w.dims) return {0, 0};
  Extent e;
  for (int d = 0; d < w.dims; ++d) {
    const std::int64_t last = (w.shape[d] - 1) * w.strides[j][d];
    (last < 0 ? e.low : e.high) += last;
  }
  return e;
}
std::int64_t count(const Walk& w) {
  std::int64_t n = 1;
  for (int d = 0; d < w.dims; ++d) n *= w.shape[d];
  return n;
}
std::int64_t count(Slab s) { return s.outer * s.n * s.inner; }

template <class T>
Mirror<T> operand(const Walk& w, int j, T* p) {
  const Extent e = extent(w, j);
  return Mirror<T>(p, e.low, e.high);
}

template <class T>
struct Staged {
  static const Kernels<T>& k() { return device().of<T>(); }

  static void fill(std::int64_t n, T value, T* y) { k().fill(n, value, Mirror<T>(y, n)); }
  static void arange(std::int64_t n, double start, double step, T* y) {
    k().arange(n, start, step, Mirror<T>(y, n));
  }
  static void unary(Unary op, Scalars s, std::int64_t n, const T* x, T* y) {
    const Mirror<T> there(y, n);
    if (x == y)
      k().unary(op, s, n, there, there);
    else
      k().unary(op, s, n, Mirror<const T>(x, n), there);
  }
  static void binary(Binary op, Scalars s, const Walk& w, const T* a, const T* b, T* y) {
    const Mirror<T> there(y, count(w));
    const Mirror<const T> p = operand(w, 0, a), q = operand(w, 1, b);
    k().binary(op, s, w, a == y ? there : p, b == y ? there : q, there);
  }
  static void compare(Compare op, const Walk& w, const T* a, const T* b, std::uint8_t* y) {
    k().compare(op, w, operand(w, 0, a), operand(w, 1, b), Mirror<std::uint8_t>(y, count(w)));
  }
  static void reduce(Reduction op, Slab s, const T* x, T* y) {
    k().reduce(op, s, Mirror<const T>(x, count(s)), Mirror<T>(y, s.outer * s.inner));
  }
  static void arg_reduce(ArgReduction op, Slab s, const T* x, std::int64_t* y) {
    k().arg_reduce(op, s, Mirror<const T>(x, count(s)), Mirror<std::int64_t>(y, s.outer * s.inner));
  }
  static void sum_binary(Binary op, Scalars s, std::int64_t n, const T* a, const T* b, T* y) {
    k().sum_binary(op, s, n, Mirror<const T>(a, n), Mirror<const T>(b, n), Mirror<T>(y, 1));
  }
  static void logsumexp(Slab s, const T* x, T* y) {
    k().logsumexp(s, Mirror<const T>(x, count(s)), Mirror<T>(y, s.outer * s.inner));
  }
  static void softmax(Slab s, const T* x, T* y) {
    k().softmax(s, Mirror<const T>(x, count(s)), Mirror<T>(y, count(s)));
  }
  static void log_softmax(Slab s, const T* x, T* y) {
    k().log_softmax(s, Mirror<const T>(x, count(s)), Mirror<T>(y, count(s)));
  }
  static void cumsum(Slab s, bool reverse, const T* x, T* y) {
    k().cumsum(s, reverse, Mirror<const T>(x, count(s)), Mirror<T>(y, count(s)));
  }
  static void add_rows(std::int64_t n, std::int64_t rows, std::int64_t width, const std::int64_t* index,
                       const T* x, T* y) {
    k().add_rows(n, rows, width, Mirror<const std::int64_t>(index, n), Mirror<const T>(x, n * width),
                 Mirror<T>(y, rows * width));
  }
  static void quantize(std::int64_t M, std::int64_t K, std::int64_t D, const T* z, const T* codes,
                       std::int64_t* index, std::int64_t* counts) {
    k().quantize(M, K, D, Mirror<const T>(z, M * D), Mirror<const T>(codes, K * D),
                 Mirror<std::int64_t>(index, M), Mirror<std::int64_t>(counts, K));
  }
  static void uniform(RandomState r, T low, T high, std::int64_t n, T* y) {
    k().uniform(r, low, high, n, Mirror<T>(y, n));
  }
  static void normal(RandomState r, T mean, T std, std::int64_t n, T* y) {
    k().normal(r, mean, std, n, Mirror<T>(y, n));
  }

  /// step(slices there)
  template <class Step>
  static void optimize(int count, const ParameterSlice<T>* parameters, const Step& step) {
    std::vector<ParameterSlice<T>> there;
    std::vector<std::unique_ptr<Mirror<T>>> mirrors;
    std::vector<std::unique_ptr<Mirror<const T>>> gradients;
    const auto mirror = [&](T* p, std::int64_t n) -> T* {
      return *mirrors.emplace_back(std::make_unique<Mirror<T>>(p, n));
    };
    for (int j = 0; j < count; ++j) {
      const ParameterSlice<T>& p = parameters[j];
      const T* dw = *gradients.emplace_back(std::make_unique<Mirror<const T>>(p.dw, p.n));
      there.push_back({p.n, mirror(p.w, p.n), dw, mirror(p.m, p.n), mirror(p.v, p.n)});
    }
    step(there.data());
  }
  static void adam(const AdamStep& s, int count, const ParameterSlice<T>* parameters) {
    optimize(count, parameters, [&](const ParameterSlice<T>* p) { k().adam(s, count, p); });
  }
  static void sgd(const SgdStep& s, int count, const ParameterSlice<T>* parameters) {
    optimize(count, parameters, [&](const ParameterSlice<T>* p) { k().sgd(s, count, p); });
  }
  static void rmsprop(const RmspropStep& s, int count, const ParameterSlice<T>* parameters) {
    optimize(count, parameters, [&](const ParameterSlice<T>* p) { k().rmsprop(s, count, p); });
  }
  static void lerp(T weight, std::int64_t n, const T* x, T* y) {
    k().lerp(weight, n, Mirror<const T>(x, n), Mirror<T>(y, n));
  }

  /// `batch` matrices (rows, columns), `step` apart.
  template <class E>
  static Mirror<E> matrices(const MatMul<T>& p, E* at, std::int64_t step, std::int64_t rows, std::int64_t row,
                            std::int64_t columns, std::int64_t column) {
    const bool none = p.batch < 1 || rows < 1 || columns < 1;
    return Mirror<E>(at, none ? 0 : (p.batch - 1) * step + (rows - 1) * row + (columns - 1) * column + 1);
  }
  static void matmul(const MatMul<T>& p) {
    const Mirror<const T> a = matrices(p, p.a, p.a_batch, p.M, p.a_row, p.K, p.a_col),
                          b = matrices(p, p.b, p.b_batch, p.K, p.b_row, p.N, p.b_col), bias(p.bias, p.N);
    const Mirror<T> c = matrices(p, p.c, p.c_batch, p.M, p.c_row, p.N, 1);
    MatMul<T> there = p;
    there.a = a, there.b = b, there.c = c, there.bias = bias;
    k().matmul(there);
  }

  static std::int64_t x_size(const Conv2dGeometry& g) { return g.N * g.H * g.W * g.C; }
  static std::int64_t w_size(const Conv2dGeometry& g) { return g.K * g.R * g.S * g.C / g.groups; }
  static std::int64_t y_size(const Conv2dGeometry& g) { return g.N * g.P * g.Q * g.K; }
  static void conv2d(const Conv2dGeometry& g, const T* x, const T* w, const Epilogue<T>& e, T* y) {
    const Mirror<const T> bias(e.bias, g.K);
    k().conv2d(g, Mirror<const T>(x, x_size(g)), Mirror<const T>(w, w_size(g)), {bias, e.act, e.slope},
               Mirror<T>(y, y_size(g)));
  }
  static void conv2d_input(const Conv2dGeometry& g, const T* y, const T* w, const Epilogue<T>& e, T* x) {
    const Mirror<const T> bias(e.bias, g.C);
    k().conv2d_input(g, Mirror<const T>(y, y_size(g)), Mirror<const T>(w, w_size(g)), {bias, e.act, e.slope},
                     Mirror<T>(x, x_size(g)));
  }
  static void conv2d_filter(const Conv2dGeometry& g, const T* x, const T* y, T* w) {
    k().conv2d_filter(g, Mirror<const T>(x, x_size(g)), Mirror<const T>(y, y_size(g)),
                      Mirror<T>(w, w_size(g)));
  }
  static void moments(std::int64_t rows, std::int64_t C, const T* x, T* mean, T* var) {
    k().moments(rows, C, Mirror<const T>(x, rows * C), Mirror<T>(mean, C), Mirror<T>(var, C));
  }
  /// f(the same normalisation there)
  template <class F>
  static void normalise(const BatchNorm<T>& b, const F& f) {
    const Mirror<const T> x(b.x, b.rows * b.C), mean(b.mean, b.C), var(b.var, b.C), gamma(b.gamma, b.C),
        beta(b.beta, b.C);
    BatchNorm<T> there = b;
    there.x = x, there.mean = mean, there.var = var, there.gamma = gamma, there.beta = beta;
    f(there);
  }
  static void batch_norm(const BatchNorm<T>& b, T* y) {
    normalise(b, [&](const auto& there) { k().batch_norm(there, Mirror<T>(y, b.rows * b.C)); });
  }
  static void batch_norm_sums(const BatchNorm<T>& b, const T* dy, T* dgamma, T* dbeta) {
    normalise(b, [&](const auto& there) {
      k().batch_norm_sums(there, Mirror<const T>(dy, b.rows * b.C), Mirror<T>(dgamma, b.C),
                          Mirror<T>(dbeta, b.C));
    });
  }
  static void batch_norm_input(const BatchNorm<T>& b, const T* dy, const T* dgamma, const T* dbeta, T* dx) {
    const std::int64_t n = b.rows * b.C;
    normalise(b, [&](const auto& there) {
      k().batch_norm_input(there, Mirror<const T>(dy, n), Mirror<const T>(dgamma, b.C),
                           Mirror<const T>(dbeta, b.C), Mirror<T>(dx, n));
    });
  }

  /// f(the same matrix there)
  template <class F>
  static void sparse(const SparseRows<T>& r, const F& f) {
    const std::int64_t n = r.begin[r.m];
    const Mirror<const std::int64_t> begin(r.begin, r.m + 1), column(r.column, n);
    const Mirror<const T> weight(r.weight, n);
    f(SparseRows<T>{r.m, begin, column, weight});
  }
  static void resample(std::int64_t N, std::int64_t H, std::int64_t W, std::int64_t C,
                       const SparseRows<T>& rows, const SparseRows<T>& columns, const T* x, T* y) {
    sparse(rows, [&](const auto& r) {
      sparse(columns, [&](const auto& c) {
        k().resample(N, H, W, C, r, c, Mirror<const T>(x, N * H * W * C), Mirror<T>(y, N * r.m * c.m * C));
      });
    });
  }
  static void arg_max_pool(const Windows& g, const T* x, std::int64_t* index) {
    k().arg_max_pool(g, Mirror<const T>(x, g.N * g.H * g.W * g.C),
                     Mirror<std::int64_t>(index, g.N * g.P * g.Q * g.C));
  }
  static void take_pixels(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C,
                          const std::int64_t* index, const T* x, T* y) {
    k().take_pixels(N, n_x, n_y, C, Mirror<const std::int64_t>(index, N * n_y * C),
                    Mirror<const T>(x, N * n_x * C), Mirror<T>(y, N * n_y * C));
  }
  static void add_pixels(std::int64_t N, std::int64_t n_x, std::int64_t n_y, std::int64_t C,
                         const std::int64_t* index, const T* x, T* y) {
    k().add_pixels(N, n_x, n_y, C, Mirror<const std::int64_t>(index, N * n_x * C),
                   Mirror<const T>(x, N * n_x * C), Mirror<T>(y, N * n_y * C));
  }

  static LstmCell<T> there(const LstmCell<T>& p, const T* a, const T* c, const T* w) {
    return {p.M, p.H, p.P, a, c, w};
  }
  static void lstm_cell(const LstmCell<T>& p, T* h, T* c) {
    const Mirror<const T> a(p.a, 4 * p.M * p.H), c_before(p.c, p.M * p.H), w(p.w, 3 * p.P * p.H);
    k().lstm_cell(there(p, a, c_before, w), Mirror<T>(h, p.M * p.H), Mirror<T>(c, p.M * p.H));
  }
  static void lstm_cell_grad(const LstmCell<T>& p, const T* dh, const T* dc_next, T* da, T* dc, T* dw) {
    const std::int64_t n = p.M * p.H;
    const Mirror<const T> a(p.a, 4 * n), c(p.c, n), w(p.w, 3 * p.P * p.H);
    k().lstm_cell_grad(there(p, a, c, w), Mirror<const T>(dh, n), Mirror<const T>(dc_next, n),
                       Mirror<T>(da, 4 * n), Mirror<T>(dc, n), Mirror<T>(dw, p.w ? 3 * p.P * p.H : 0));
  }

  static constexpr Kernels<T> table{.fill = fill,
                                    .arange = arange,
                                    .unary = unary,
                                    .binary = binary,
                                    .compare = compare,
                                    .reduce = reduce,
                                    .arg_reduce = arg_reduce,
                                    .sum_binary = sum_binary,
                                    .logsumexp = logsumexp,
                                    .softmax = softmax,
                                    .log_softmax = log_softmax,
                                    .cumsum = cumsum,
                                    .add_rows = add_rows,
                                    .quantize = quantize,
                                    .uniform = uniform,
                                    .normal = normal,
                                    .adam = adam,
                                    .sgd = sgd,
                                    .rmsprop = rmsprop,
                                    .lerp = lerp,
                                    .matmul = matmul,
                                    .conv2d = conv2d,
                                    .conv2d_input = conv2d_input,
                                    .conv2d_filter = conv2d_filter,
                                    .moments = moments,
                                    .batch_norm = batch_norm,
                                    .batch_norm_sums = batch_norm_sums,
                                    .batch_norm_input = batch_norm_input,
                                    .resample = resample,
                                    .arg_max_pool = arg_max_pool,
                                    .take_pixels = take_pixels,
                                    .add_pixels = add_pixels,
                                    .lstm_cell = lstm_cell,
                                    .lstm_cell_grad = lstm_cell_grad};
};

// ---- moves: elements of 1, 4 or 8 bytes ----

using Byte = std::byte;

template <class E>
Mirror<E> bytes_of(const Walk& w, int j, int size, E* p) {
  const Extent e = extent(w, j);
  return Mirror<E>(p, e.low * size, e.high * size);
}
int size_of(DType t) { return t == DType::f32 ? 4 : t == DType::u8 || t == DType::b8 ? 1 : 8; }
const Byte* bytes(const void* p) { return static_cast<const Byte*>(p); }
Byte* bytes(void* p) { return static_cast<Byte*>(p); }

constexpr MoveKernels kStagedMove{
    .copy =
        [](const Walk& w, int size, const void* x, void* y) {
          device().move->copy(w, size, bytes_of(w, 0, size, bytes(x)), bytes_of(w, 1, size, bytes(y)));
        },
    .cast =
        [](std::int64_t n, DType from, const void* x, DType to, void* y) {
          device().move->cast(n, from, Mirror<const Byte>(bytes(x), n * size_of(from)), to,
                              Mirror<Byte>(bytes(y), n * size_of(to)));
        },
    .where =
        [](const Walk& w, int size, const std::uint8_t* mask, const void* a, const void* b, void* y) {
          device().move->where(w, size, operand(w, 0, mask), bytes_of(w, 1, size, bytes(a)),
                               bytes_of(w, 2, size, bytes(b)), Mirror<Byte>(bytes(y), count(w) * size));
        },
    .take_rows =
        [](std::int64_t n, std::int64_t row_bytes, const std::int64_t* index, const void* x, void* y) {
          const std::int64_t rows = n ? *std::max_element(index, index + n) + 1 : 0;
          device().move->take_rows(n, row_bytes, Mirror<const std::int64_t>(index, n),
                                   Mirror<const Byte>(bytes(x), rows * row_bytes),
                                   Mirror<Byte>(bytes(y), n * row_bytes));
        },
};

bool on_cpu() { return tests::tested_device() == Device::cpu; }

}  // namespace

template <>
const Kernels<float>& tested<float>() {
  return on_cpu() ? cpu<float>() : Staged<float>::table;
}
template <>
const Kernels<double>& tested<double>() {
  return on_cpu() ? cpu<double>() : Staged<double>::table;
}
const MoveKernels& tested_move() { return on_cpu() ? cpu_move() : kStagedMove; }

}  // namespace gesso::test
