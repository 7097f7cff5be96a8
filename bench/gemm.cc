// The matrix product beside its peers: bench_gemm [f32|f64] [best] [threads ...] [128x400x784xNT ...]
//
// For each shape, gesso, oneDNN (the better of its sgemm and its matmul primitive) and OpenBLAS run in turn,
// repetition by repetition, and so does the limit of the machine's multiply-adds. Medians of the repetitions:
// GFLOP/s, percent of the limit, and gesso's speed over the better peer's; with `best`, for a machine that is
// not quiet, of the fastest repetitions. NT: the first matrix is stored (M,K), the second (N,K).
#include "bench/limits.h"
#include "kernels/device.h"

#include <omp.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <random>
#include <string>
#include <vector>

#ifdef GESSO_BENCH_DNNL
#include <dnnl.hpp>
#endif
#ifdef GESSO_BENCH_OPENBLAS
#include <cblas.h>
#endif

namespace {

using gesso::bench::seconds;
using gesso::kernels::MatMul;

struct Shape {
  std::int64_t M, N, K;
  bool a_transposed, b_transposed;
  const char* what;
};

constexpr Shape kShapes[] = {
    {256, 256, 256, false, false, "square"},
    {512, 512, 512, false, false, "square"},
    {1024, 1024, 1024, false, false, "square"},
    {2048, 2048, 2048, false, false, "square"},
    {1024, 1024, 1024, false, true, "square"},
    {1024, 1024, 1024, true, false, "square"},
    {128, 400, 784, false, true, "VAE encoder"},
    {128, 784, 400, false, true, "VAE decoder"},
    {128, 784, 400, false, false, "input gradient"},
    {128, 400, 784, false, false, "input gradient"},
    {400, 784, 128, true, false, "filter gradient"},
    {784, 400, 128, true, false, "filter gradient"},
    {128, 40, 400, false, true, "mean and variance"},
    {128, 400, 40, false, false, "input gradient"},
    {40, 400, 128, true, false, "filter gradient"},
    {128, 20, 400, false, true, "mean"},
    {128, 400, 20, false, true, "from latent"},
    {128, 20, 400, false, false, "input gradient"},
    {400, 20, 128, true, false, "filter gradient"},
    {128, 128, 100, false, true, "GAN generator 1"},
    {128, 256, 128, false, true, "GAN generator 2"},
    {128, 512, 256, false, true, "GAN generator 3"},
    {128, 784, 512, false, true, "GAN generator 4"},
    {128, 512, 784, false, true, "GAN discriminator 1"},
    {128, 256, 512, false, true, "GAN discriminator 2"},
    {128, 1, 512, false, true, "GAN discriminator 3"},
    {128, 512, 1, false, false, "input gradient"},
    {1, 512, 128, true, false, "filter gradient"},
    {128, 8192, 100, false, false, "DCGAN projection"},
    {8192, 100, 128, true, false, "filter gradient"},
    {512, 64, 4096, false, false, "convolution"},
    {128, 8192, 1152, false, false, "convolution"},
    {8192, 512, 64, false, true, "VQ distances"},
    {16, 16, 16, false, false, "tiny"},
    {32, 32, 32, false, true, "tiny"},
    {64, 64, 64, false, false, "small"},
};

/// n numbers where tensors lie, and so aligned to cache lines, for all contenders.
template <class T>
class Numbers {
 public:
  explicit Numbers(std::int64_t n)
      : n_(n), p_(static_cast<T*>(memory().allocate(std::size_t(n) * sizeof(T)))) {}
  ~Numbers() { memory().release(p_, std::size_t(n_) * sizeof(T)); }
  Numbers(const Numbers&) = delete;
  Numbers& operator=(const Numbers&) = delete;
  T* data() const { return p_; }
  T* begin() const { return p_; }
  T* end() const { return p_ + n_; }

 private:
  static const gesso::kernels::Memory& memory() {
    return *gesso::kernels::backend(gesso::kernels::Device::cpu)->memory;
  }
  std::int64_t n_;
  T* p_;
};

template <class T>
struct Problem {
  Shape s;
  Numbers<T> a, b, c;
  std::int64_t lda, ldb;

  explicit Problem(const Shape& shape)
      : s(shape),
        a(s.M * s.K),
        b(s.K * s.N),
        c(s.M * s.N),
        lda(s.a_transposed ? s.M : s.K),
        ldb(s.b_transposed ? s.K : s.N) {
    std::minstd_rand random(1);
    std::uniform_real_distribution<T> uniform(-1, 1);
    for (T& x : a) x = uniform(random);
    for (T& x : b) x = uniform(random);
  }
};

using Run = std::function<void()>;
struct Contender {
  std::string name;
  Run run;
  double flops = 0;  // a second, the median
};

template <class T>
Run gesso_run(Problem<T>& p) {
  return [&p] {
    MatMul<T> m{.M = p.s.M,
                .N = p.s.N,
                .K = p.s.K,
                .a = p.a.data(),
                .b = p.b.data(),
                .c = p.c.data(),
                .c_row = p.s.N};
    (p.s.a_transposed ? m.a_col : m.a_row) = p.lda;
    (p.s.a_transposed ? m.a_row : m.a_col) = 1;
    (p.s.b_transposed ? m.b_col : m.b_row) = p.ldb;
    (p.s.b_transposed ? m.b_row : m.b_col) = 1;
    gesso::kernels::cpu<T>().matmul(m);
  };
}

#ifdef GESSO_BENCH_DNNL
/// The matmul primitive, made once, with plain layouts: what a training step can use, since its weights
/// change.
Run dnnl_matmul_run(Problem<float>& p) {
  using dnnl::memory;
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  static dnnl::stream stream(engine);
  const auto matrix = [](std::int64_t rows, std::int64_t columns, bool transposed) {
    return memory::desc({rows, columns}, memory::data_type::f32,
                        transposed ? memory::format_tag::ba : memory::format_tag::ab);
  };
  const memory::desc a = matrix(p.s.M, p.s.K, p.s.a_transposed), b = matrix(p.s.K, p.s.N, p.s.b_transposed),
                     c = matrix(p.s.M, p.s.N, false);
  const dnnl::matmul primitive(dnnl::matmul::primitive_desc({a, b, c}, engine));
  memory ma(a, engine, p.a.data()), mb(b, engine, p.b.data()), mc(c, engine, p.c.data());
  return [=] {
    primitive.execute(stream, {{DNNL_ARG_SRC, ma}, {DNNL_ARG_WEIGHTS, mb}, {DNNL_ARG_DST, mc}});
    stream.wait();
  };
}
Run dnnl_sgemm_run(Problem<float>& p) {
  return [&p] {
    dnnl_sgemm(p.s.a_transposed ? 'T' : 'N', p.s.b_transposed ? 'T' : 'N', p.s.M, p.s.N, p.s.K, 1, p.a.data(),
               p.lda, p.b.data(), p.ldb, 0, p.c.data(), p.s.N);
  };
}
#endif

#ifdef GESSO_BENCH_OPENBLAS
template <class T>
Run openblas_run(Problem<T>& p) {
  return [&p] {
    const auto gemm = [] {
      if constexpr (sizeof(T) == 4)
        return cblas_sgemm;
      else
        return cblas_dgemm;
    }();
    gemm(CblasRowMajor, p.s.a_transposed ? CblasTrans : CblasNoTrans,
         p.s.b_transposed ? CblasTrans : CblasNoTrans, int(p.s.M), int(p.s.N), int(p.s.K), 1, p.a.data(),
         int(p.lda), p.b.data(), int(p.ldb), 0, p.c.data(), int(p.s.N));
  };
}
#endif

template <class T>
std::vector<Contender> contenders(Problem<T>& p) {
  std::vector<Contender> all = {{"gesso", gesso_run(p)}};
#ifdef GESSO_BENCH_DNNL
  if constexpr (sizeof(T) == 4) {
    all.push_back({"oneDNN", dnnl_sgemm_run(p)});
    all.push_back({"oneDNN", dnnl_matmul_run(p)});
  }
#endif
#ifdef GESSO_BENCH_OPENBLAS
  all.push_back({"OpenBLAS", openblas_run(p)});
#endif
  return all;
}

/// The quantile q of x: 0 is the smallest.
double quantile(std::vector<double> x, double q) {
  std::sort(x.begin(), x.end());
  return x[std::size_t(q * double(x.size() - 1))];
}

/// A peer that computes something else would be a wrong peer.
template <class T>
void check_agreement(Problem<T>& p, const std::vector<Contender>& all) {
  all[0].run();
  const std::vector<T> c(p.c.begin(), p.c.end());
  for (std::size_t i = 1; i < all.size(); ++i) {
    std::fill(p.c.begin(), p.c.end(), std::nan(""));
    all[i].run();
    double worst = 0;
    for (std::size_t j = 0; j < c.size(); ++j)
      worst = !(std::abs(c[j] - p.c.data()[j]) <= worst) ? std::abs(c[j] - p.c.data()[j]) : worst;
    // Elements are sums of K products below 1: each summed in its own order, within 2 K^2 epsilon of one
    // another.
    if (!(worst <= 2e-7 * double(p.s.K) * double(p.s.K) + 1e-6))
      std::printf("%s differs by %g\n", all[i].name.c_str(), worst);
  }
}

/// Times all contenders and the limit in turn; returns the limit.
template <class T>
double measure(Problem<T>& p, std::vector<Contender>& all, int threads, bool best) {
  const double flops = 2 * double(p.s.M) * double(p.s.N) * double(p.s.K);
  const int calls =
      int(std::clamp(flops > 0 ? 4e8 / flops : 1.0, 1.0, 20000.0));  // a repetition lasts some milliseconds
  const int repetitions = flops > 4e9 ? 7 : 25;
  std::vector<std::vector<double>> times(all.size());
  std::vector<double> limits;
  for (int r = 0; r < repetitions; ++r) {
    double sum = 0;
#pragma omp parallel num_threads(threads) reduction(+ : sum)
    sum += gesso::bench::multiply_add_limit(gesso::kernels::cpu_level(), sizeof(T) == 8);
    limits.push_back(sum);
    for (std::size_t i = 0; i < all.size(); ++i) {
      all[i].run();  // its own data and threads awake
      const double start = seconds();
      for (int call = 0; call < calls; ++call) all[i].run();
      times[i].push_back((seconds() - start) / calls);
    }
  }
  for (std::size_t i = 0; i < all.size(); ++i) all[i].flops = flops / quantile(times[i], best ? 0 : 0.5);
  return quantile(limits, best ? 1 : 0.5);
}

template <class T>
void table(const std::vector<Shape>& shapes, const std::vector<int>& threads, bool fastest) {
  std::printf("level %s, %s; GFLOP/s (percent of the limit)\n", gesso::kernels::cpu_level(),
              sizeof(T) == 4 ? "f32" : "f64");
  std::printf("%-18s %-22s %7s %7s %14s %14s %14s %8s\n", "M x N x K", "", "threads", "limit", "gesso",
              "oneDNN", "OpenBLAS", "to best");
  for (const Shape& s : shapes)
    for (const int n : threads) {
      omp_set_num_threads(n);
#ifdef GESSO_BENCH_OPENBLAS
      openblas_set_num_threads(n);
#endif
      Problem<T> p(s);
      std::vector<Contender> all = contenders(p);
      check_agreement(p, all);
      const double limit = measure(p, all, n, fastest);
      const auto best = [&](const char* name) {
        double flops = 0;
        for (const Contender& c : all)
          if (c.name == name) flops = std::max(flops, c.flops);
        return flops;
      };
      const std::string size = std::to_string(s.M) + "x" + std::to_string(s.N) + "x" + std::to_string(s.K) +
                               " " + (s.a_transposed ? "T" : "N") + (s.b_transposed ? "T" : "N");
      std::printf("%-18s %-22s %7d %7.1f", size.c_str(), s.what, n, limit / 1e9);
      for (const char* name : {"gesso", "oneDNN", "OpenBLAS"})
        std::printf(" %7.1f (%3.0f%%)", best(name) / 1e9, 100 * best(name) / limit);
      const double peer = std::max(best("oneDNN"), best("OpenBLAS"));
      std::printf(" %8.2f\n", peer > 0 ? best("gesso") / peer : 0);
      std::fflush(stdout);
    }
}

}  // namespace

int main(int argc, char** argv) {
  bool f64 = false, best = false;
  std::vector<Shape> shapes;
  std::vector<int> threads;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    Shape s{};
    char a = 0, b = 0;
    if (word == "f32" || word == "f64")
      f64 = word == "f64";
    else if (word == "best")
      best = true;
    else if (std::sscanf(word.c_str(), "%ldx%ldx%ldx%c%c", &s.M, &s.N, &s.K, &a, &b) == 5) {
      s.a_transposed = a == 'T', s.b_transposed = b == 'T', s.what = "";
      shapes.push_back(s);
    } else if (std::isdigit(word[0]) && word.find_first_not_of("0123456789") == std::string::npos) {
      threads.push_back(std::max(1, std::atoi(word.c_str())));
    } else {
      std::fprintf(stderr,
                   "%s: expected f32, f64, best, a number of threads, or a shape such as 128x400x784xNT\n",
                   word.c_str());
      return 2;
    }
  }
  if (shapes.empty()) shapes.assign(std::begin(kShapes), std::end(kShapes));
  if (threads.empty()) threads = {1, 2};
  f64 ? table<double>(shapes, threads, best) : table<float>(shapes, threads, best);
}
