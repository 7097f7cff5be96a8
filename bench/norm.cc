// Batch normalisation with leaky ReLU, forward and backward: how near it comes to what memory allows.
//
// The least that can be moved when x does not fit a cache: forward reads x twice and writes y (3 passes), backward reads x and
// dy twice and writes dx (5). Its limit is plain loops with the same passes over arrays of the same size, measured in turn.
// Usage: bench_norm [threads].
#include "bench/limits.h"
#include "kernels/kernels.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace {

using namespace gesso::kernels;
using gesso::bench::seconds;

struct Free {
  void operator()(float* p) const { std::free(p); }
};
using Array = std::unique_ptr<float[], Free>;
Array array(std::int64_t n) {
  Array a(static_cast<float*>(std::aligned_alloc(2 << 20, std::size_t(n * 4 + (2 << 20)) >> 21 << 21)));
  for (std::int64_t i = 0; i < n; ++i) a[std::size_t(i)] = float(i % 1000) / 500 - 1;
  return a;
}

using Vec [[gnu::vector_size(16), gnu::may_alias]] = float;
volatile float sink;

/// Each thread its share of the vectors: f(first, end).
template <class F>
void shared(std::int64_t vectors, const F& f) {
#pragma omp parallel
  {
    const std::int64_t t = omp_get_thread_num(), all = omp_get_num_threads();
    f(vectors * t / all, vectors * (t + 1) / all);
  }
}
void read(const Vec* x, std::int64_t n) {
  shared(n, [x](std::int64_t begin, std::int64_t end) {
    Vec a{}, b{}, c{}, d{};
    for (std::int64_t i = begin; i + 4 <= end; i += 4) a += x[i], b += x[i + 1], c += x[i + 2], d += x[i + 3];
    sink = (a + b + c + d)[0];
  });
}
/// y = x, or x + dy; where nothing of it would stay in a cache, past them.
void write(const Vec* x, const Vec* dy, Vec* y, std::int64_t n, bool past) {
  shared(n, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Vec v = dy ? x[i] + dy[i] : x[i];
      if (past)
        asm volatile("movntps %1, %0" : "=m"(y[i]) : "x"(v));
      else
        y[i] = v;
    }
  });
}

template <class F>
void keep_least(double& best, const F& f) {
  const double start = seconds();
  f();
  best = std::min(best, seconds() - start);
}

void measure(std::int64_t rows, std::int64_t C) {
  const std::int64_t n = rows * C;
  const Array x = array(n), dy = array(n), y = array(n), p = array(6 * C);
  BatchNorm<float> b{.rows = rows,
                     .C = C,
                     .x = x.get(),
                     .mean = p.get(),
                     .var = p.get() + C,
                     .gamma = p.get() + 2 * C,
                     .beta = p.get() + 3 * C,
                     .eps = 1e-5f,
                     .slope = 0.2f};
  const auto* k = &cpu<float>();
  const auto vectors = [](const Array& a) { return reinterpret_cast<Vec*>(a.get()); };
  double forward = 1e9, backward = 1e9, least_forward = 1e9, least_backward = 1e9;
  for (int i = 0; i < 30; ++i) {
    keep_least(forward, [&] {
      k->moments(rows, C, x.get(), p.get(), p.get() + C);
      k->batch_norm(b, y.get());
    });
    keep_least(backward, [&] {
      k->batch_norm_sums(b, dy.get(), p.get() + 4 * C, p.get() + 5 * C);
      k->batch_norm_input(b, dy.get(), p.get() + 4 * C, p.get() + 5 * C, y.get());
    });
    for (const bool past : {false, true}) {
      keep_least(least_forward,
                 [&] { read(vectors(x), n / 4), write(vectors(x), nullptr, vectors(y), n / 4, past); });
      keep_least(least_backward, [&] {
        read(vectors(x), n / 4), read(vectors(dy), n / 4),
            write(vectors(x), vectors(dy), vectors(y), n / 4, past);
      });
    }
  }
  const auto row = [&](const char* what, double passes, double time, double least) {
    const double bytes = passes * double(n) * 4;
    fmt::print(
        "{:>7} x {:<5} {:>5.0f} MiB  {:<8}  {:>7.2f} ms  {:>6.1f} GB/s  plain loops {:>6.1f}  {:>4.0f}%\n",
        rows, C, double(n) * 4 / (1 << 20), what, time * 1e3, bytes / time / 1e9, bytes / least / 1e9,
        100 * least / time);
  };
  row("forward", 3, forward, least_forward);
  row("backward", 5, backward, least_backward);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) omp_set_num_threads(std::atoi(argv[1]));
  fmt::print("{} threads, {}\n", omp_get_max_threads(), cpu_level());
  // The layers of DCGAN at batch 128, an odd number of channels, few, and those of a dense layer.
  for (const auto& [rows, C] : std::vector<std::pair<std::int64_t, std::int64_t>>{{131072, 64},
                                                                                  {32768, 128},
                                                                                  {8192, 256},
                                                                                  {2048, 512},
                                                                                  {40000, 100},
                                                                                  {262144, 16},
                                                                                  {100000, 3},
                                                                                  {128, 12544}})
    measure(rows, C);
}
