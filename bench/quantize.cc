// The code nearest to each vector: the fused kernel beside the usual way by a matrix of distances, and what the product alone
// takes. All in turn, repetition by repetition; medians.
//
//   usual    product (M,K), then |e|^2 / 2 - z.e element by element, then argmin of each row
//   leaner   the product starts from -|e|^2 / 2, then argmax of each row: two passes over the matrix instead of four
//   product  the product alone, the least that any way by a matrix does
//
// Usage: bench_quantize [threads ...]
#include "bench/limits.h"
#include "kernels/kernels.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

namespace {

using namespace gesso::kernels;
using gesso::bench::seconds;

struct Problem {
  std::int64_t M, K, D;
  std::vector<float> z = std::vector<float>(M * D), codes = std::vector<float>(K * D),
                     half = std::vector<float>(K), minus_half = half, matrix = std::vector<float>(M * K);
  std::vector<std::int64_t> index = std::vector<std::int64_t>(M), counts = std::vector<std::int64_t>(K);

  void fill() {
    std::minstd_rand random(1);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (float& v : z) v = uniform(random);
    for (float& v : codes) v = uniform(random);
    for (std::int64_t j = 0; j < K; ++j) {
      for (std::int64_t d = 0; d < D; ++d) half[j] += codes[j * D + d] * codes[j * D + d] / 2;
      minus_half[j] = -half[j];
    }
  }
  void product(const float* bias) {
    cpu<float>().matmul({.M = M,
                         .N = K,
                         .K = D,
                         .a = z.data(),
                         .a_row = D,
                         .b = codes.data(),
                         .b_row = 1,
                         .b_col = D,
                         .c = matrix.data(),
                         .c_row = K,
                         .bias = bias});
  }
  void best_of_rows(ArgReduction op) { cpu<float>().arg_reduce(op, {M, K, 1}, matrix.data(), index.data()); }
  void usual() {
    product(nullptr);
    cpu<float>().binary(Binary::sub, {}, {2, {M, K}, {{0, 1}, {K, 1}}}, half.data(), matrix.data(),
                        matrix.data());
    best_of_rows(ArgReduction::argmin);
  }
  void leaner() {
    product(minus_half.data());
    best_of_rows(ArgReduction::argmax);
  }
  void fused() { cpu<float>().quantize(M, K, D, z.data(), codes.data(), index.data(), counts.data()); }
};

void measure(std::int64_t M, std::int64_t K, std::int64_t D, int threads) {
  Problem p{M, K, D};
  p.fill();
  struct Way {
    const char* name;
    std::function<void()> run;
    std::vector<double> times = {};
  };
  Way ways[] = {{"fused", [&] { p.fused(); }},
                {"product", [&] { p.product(nullptr); }},
                {"leaner", [&] { p.leaner(); }},
                {"usual", [&] { p.usual(); }}};
  for (int repetition = -3; repetition < 41; ++repetition)
    for (Way& w : ways) {
      const double start = seconds();
      w.run();
      if (repetition >= 0) w.times.push_back(seconds() - start);
    }
  const double limit = threads * gesso::bench::multiply_add_limit(cpu_level(), false);
  for (Way& w : ways) std::ranges::sort(w.times);
  const double fused = ways[0].times[ways[0].times.size() / 2], work = 2 * double(M) * double(K) * double(D);
  for (const Way& w : ways) {
    const double t = w.times[w.times.size() / 2];
    fmt::print(
        "{:>6} x {:<5} x {:<4} {} threads  {:<8} {:>8.3f} ms  {:>6.1f} GFLOP/s  {:>3.0f}% of the limit  "
        "fused is faster by {:>5.2f}\n",
        M, K, D, threads, w.name, t * 1e3, work / t / 1e9, 100 * work / t / limit, t / fused);
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<int> threads;
  for (int i = 1; i < argc; ++i) threads.push_back(std::max(1, std::atoi(argv[i])));
  if (threads.empty()) threads = {2};
  for (const int t : threads) {
    omp_set_num_threads(t);
    for (const auto& [M, K, D] :
         {std::array<std::int64_t, 3>{8192, 512, 64}, {2048, 512, 64}, {8192, 1024, 32}, {32768, 512, 64}})
      measure(M, K, D, t);
  }
}
