// Elementwise kernels, reductions, moves and optimizer steps: how near each comes to what memory allows.
//
// A kernel's bytes are those it must read and write once; its limit is the best that plain loops with the same traffic
// (read, read + write, 2 reads + write) reach on the same bytes with as many threads, measured in turn with the kernel.
// Three footprints: one that fits the L2 cache, the L3 cache, neither. Usage: bench_elementwise [part of a name [threads]].
#include "bench/limits.h"
#include "kernels/kernels.h"

#include <fmt/format.h>
#include <omp.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

namespace {

using namespace gesso::kernels;
using gesso::bench::seconds;

/// Streams a kernel reads and writes; the index of the limit it is compared with.
enum Traffic { kRead, kWrite, kCopy, kTriad };

constexpr std::size_t kMebi = std::size_t{1} << 20;

char* buffer() {  // 64-byte aligned, on huge pages where the system has them, touched
  static char* const memory = [] {
    char* p = static_cast<char*>(std::aligned_alloc(2 * kMebi, 320 * kMebi));
    std::memset(p, 0, 320 * kMebi);
    return p;
  }();
  return memory;
}

using Vec [[gnu::vector_size(64), gnu::may_alias]] = float;

/// One pass of the plain loops over `bytes` bytes.
void plain_read(const char* p, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 256)
    asm volatile(
        "movaps (%0), %%xmm0\n\tmovaps 16(%0), %%xmm1\n\tmovaps 32(%0), %%xmm2\n\tmovaps 48(%0), %%xmm3\n\t"
        "movaps 64(%0), %%xmm0\n\tmovaps 80(%0), %%xmm1\n\tmovaps 96(%0), %%xmm2\n\tmovaps 112(%0), "
        "%%xmm3\n\t"
        "movaps 128(%0), %%xmm0\n\tmovaps 144(%0), %%xmm1\n\tmovaps 160(%0), %%xmm2\n\tmovaps 176(%0), "
        "%%xmm3\n\t"
        "movaps 192(%0), %%xmm0\n\tmovaps 208(%0), %%xmm1\n\tmovaps 224(%0), %%xmm2\n\tmovaps 240(%0), %%xmm3"
        :
        : "r"(p + i)
        : "xmm0", "xmm1", "xmm2", "xmm3");
}
void plain_triad(const char* a, const char* b, char* y, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 64)
    *reinterpret_cast<Vec*>(y + i) =
        *reinterpret_cast<const Vec*>(a + i) + *reinterpret_cast<const Vec*>(b + i);
}
void streaming_copy(const char* a, char* y, std::size_t bytes) {  // past the caches
  for (std::size_t i = 0; i < bytes; i += 64)
    asm volatile(
        "movaps (%0), %%xmm0\n\tmovaps 16(%0), %%xmm1\n\tmovaps 32(%0), %%xmm2\n\tmovaps 48(%0), %%xmm3\n\t"
        "movntps %%xmm0, (%1)\n\tmovntps %%xmm1, 16(%1)\n\tmovntps %%xmm2, 32(%1)\n\tmovntps %%xmm3, 48(%1)"
        :
        : "r"(a + i), "r"(y + i)
        : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
}
void plain_copy(const char* a, char* y, std::size_t bytes) {
  for (std::size_t i = 0; i < bytes; i += 64)
    *reinterpret_cast<Vec*>(y + i) = *reinterpret_cast<const Vec*>(a + i);
}

/// Each thread's own share of the footprint, with the given traffic; `variant` picks the loop.
void plain_pass(Traffic traffic, int variant, std::size_t footprint) {
#pragma omp parallel
  {
    const std::size_t streams = traffic == kTriad ? 3 : traffic == kCopy ? 2 : 1;
    const std::size_t stream = footprint / streams / 4096 * 4096;
    const std::size_t share = stream / std::size_t(omp_get_num_threads()) / 256 * 256;
    char* p = buffer() + share * std::size_t(omp_get_thread_num());
    switch (traffic) {
      case kRead:
        plain_read(p, share);
        break;
      case kWrite:
        std::memset(p, 0, share);
        break;
      case kCopy:
        if (variant == 1) plain_copy(p, p + stream, share);
        if (variant == 2) streaming_copy(p, p + stream, share);
        if (!variant) std::memcpy(p + stream, p, share);
        break;
      case kTriad:
        plain_triad(p, p + stream, p + 2 * stream, share);
        break;
    }
  }
}

/// The least time of one call, over samples of a few milliseconds each.
struct Clock {
  std::function<void()> call;
  long repeats = 1;
  double best = 1e9;
  explicit Clock(std::function<void()> f) : call(std::move(f)) {
    call();
    for (;;) {
      sample();
      if (best * double(repeats) > 1e-3) break;
      repeats = long(std::ceil(double(repeats) * std::clamp(1.5e-3 / (best * double(repeats)), 1.5, 100.0)));
    }
  }
  void sample() {
    const double start = seconds();
    for (long i = 0; i < repeats; ++i) call();
    best = std::min(best, (seconds() - start) / double(repeats));
  }
};

/// A kernel on n elements; bytes a element in all streams; which limit applies.
struct Case {
  std::string name;
  Traffic traffic;
  double bytes;
  std::function<void(std::int64_t n)> run;
};

float* array(int stream, std::int64_t n) {  // the streams lie one after the other, as the plain loops' do
  return reinterpret_cast<float*>(buffer() + std::size_t(stream) * std::size_t((n * 4 + 63) / 64 * 64));
}

Walk dense(std::int64_t n) { return {1, {n}, {{1}, {1}, {1}}}; }

std::vector<Case> cases() {
  const Kernels<float>& k = cpu<float>();
  const MoveKernels& move = cpu_move();
  std::vector<Case> all;
  const auto unary = [&](const char* name, Unary op, Scalars s = {}) {
    all.push_back({name, kCopy, 8, [=, &k](std::int64_t n) { k.unary(op, s, n, array(0, n), array(1, n)); }});
  };
  const auto binary = [&](const char* name, Binary op) {
    all.push_back({name, kTriad, 12, [=, &k](std::int64_t n) {
                     k.binary(op, {.a = 0.2}, dense(n), array(0, n), array(1, n), array(2, n));
                   }});
  };
  const auto reduce = [&](const char* name, Reduction op, auto slab) {
    all.push_back(
        {name, kRead, 4, [=, &k](std::int64_t n) { k.reduce(op, slab(n), array(0, n), array(1, n)); }});
  };
  all.push_back({"fill", kWrite, 4, [&](std::int64_t n) { k.fill(n, 0, array(0, n)); }});
  unary("x + a", Unary::add_scalar);
  unary("leaky_relu", Unary::leaky_relu, {.a = 0.2});
  unary("clamp", Unary::clamp, {-1, 1});
  unary("sqrt", Unary::sqrt);
  unary("exp", Unary::exp);
  unary("log", Unary::log);
  unary("log1p", Unary::log1p);
  unary("tanh", Unary::tanh);
  unary("sigmoid", Unary::sigmoid);
  unary("softplus", Unary::softplus, {1, 20});
  unary("erf", Unary::erf);
  unary("gelu", Unary::gelu);
  unary("silu", Unary::silu);
  unary("sin", Unary::sin);
  unary("x^2.5", Unary::pow_scalar, {.a = 2.5});
  binary("a + b", Binary::add);
  binary("a / b", Binary::div);
  binary("max", Binary::max);
  binary("leaky_relu_grad", Binary::leaky_relu_grad);
  binary("tanh_grad", Binary::tanh_grad);
  binary("bce_with_logits", Binary::bce_with_logits);
  all.push_back({"a + row vector 400", kCopy, 8, [&](std::int64_t n) {
                   n = n / 400 * 400;
                   k.binary(Binary::add, {}, {2, {n / 400, 400}, {{400, 1}, {0, 1}}}, array(0, n),
                            array(1, n), array(1, n));
                 }});
  all.push_back({"a + row vector 20", kCopy, 8, [&](std::int64_t n) {
                   n = n / 20 * 20;
                   k.binary(Binary::add, {}, {2, {n / 20, 20}, {{20, 1}, {0, 1}}}, array(0, n), array(1, n),
                            array(1, n));
                 }});
  all.push_back({"a * column", kCopy, 8, [&](std::int64_t n) {
                   n = n / 400 * 400;
                   k.binary(Binary::mul, {}, {2, {n / 400, 400}, {{400, 1}, {1, 0}}}, array(0, n),
                            array(1, n), array(1, n));
                 }});
  all.push_back({"a < b", kRead, 9, [&](std::int64_t n) {
                   k.compare(Compare::lt, dense(n), array(0, n), array(1, n),
                             reinterpret_cast<std::uint8_t*>(array(2, n)));
                 }});
  reduce("sum of all", Reduction::sum, [](std::int64_t n) { return Slab{1, n, 1}; });
  reduce("sum of rows of 784", Reduction::sum, [](std::int64_t n) { return Slab{n / 784, 784, 1}; });
  reduce("sum of rows of 10", Reduction::sum, [](std::int64_t n) { return Slab{n / 10, 10, 1}; });
  reduce("sum of columns, 64", Reduction::sum, [](std::int64_t n) { return Slab{1, n / 64, 64}; });
  reduce("sum of columns, 784", Reduction::sum, [](std::int64_t n) { return Slab{1, n / 784, 784}; });
  reduce("sum of columns, 3", Reduction::sum, [](std::int64_t n) { return Slab{1, n / 3, 3}; });
  reduce("sum of the middle axis", Reduction::sum, [](std::int64_t n) { return Slab{n / 1600, 50, 32}; });
  reduce("max of all", Reduction::max, [](std::int64_t n) { return Slab{1, n, 1}; });
  reduce("max of rows of 784", Reduction::max, [](std::int64_t n) { return Slab{n / 784, 784, 1}; });
  all.push_back({"argmax of rows of 512", kRead, 4, [&](std::int64_t n) {
                   k.arg_reduce(ArgReduction::argmax, {n / 512, 512, 1}, array(0, n),
                                reinterpret_cast<std::int64_t*>(array(1, n)));
                 }});
  all.push_back({"sum (a - b)^2", kRead, 8, [&](std::int64_t n) {
                   float y;
                   k.sum_binary(Binary::squared_difference, {}, n, array(0, n), array(1, n), &y);
                 }});
  all.push_back({"sum bce_with_logits", kRead, 8, [&](std::int64_t n) {
                   float y;
                   k.sum_binary(Binary::bce_with_logits, {}, n, array(0, n), array(1, n), &y);
                 }});
  all.push_back({"logsumexp of rows of 784", kRead, 4, [&](std::int64_t n) {
                   k.logsumexp({n / 784, 784, 1}, array(0, n), array(1, n));
                 }});
  all.push_back({"softmax of rows of 784", kCopy, 8, [&](std::int64_t n) {
                   k.softmax({n / 784, 784, 1}, array(0, n), array(1, n));
                 }});
  all.push_back({"softmax of rows of 10", kCopy, 8, [&](std::int64_t n) {
                   k.softmax({n / 10, 10, 1}, array(0, n), array(1, n));
                 }});
  all.push_back({"softmax of columns", kCopy, 8, [&](std::int64_t n) {
                   k.softmax({n / 6400, 50, 128}, array(0, n), array(1, n));
                 }});
  all.push_back({"cumsum of rows of 784", kCopy, 8, [&](std::int64_t n) {
                   k.cumsum({n / 784, 784, 1}, false, array(0, n), array(1, n));
                 }});
  all.push_back(
      {"copy", kCopy, 8, [&](std::int64_t n) { move.copy(dense(n), 4, array(0, n), array(1, n)); }});
  all.push_back({"transpose", kCopy, 8, [&](std::int64_t n) {
                   const std::int64_t side = std::int64_t(std::sqrt(double(n)));
                   move.copy({2, {side, side}, {{1, side}, {side, 1}}}, 4, array(0, n), array(1, n));
                 }});
  all.push_back({"NHWC from NCHW, 3 x 4096", kCopy, 8, [&](std::int64_t n) {
                   const std::int64_t images = n / (3 * 4096);
                   move.copy({3, {images, 4096, 3}, {{3 * 4096, 1, 4096}, {3 * 4096, 3, 1}}}, 4, array(0, n),
                             array(1, n));
                 }});
  all.push_back({"u8 to f32", kCopy, 5,
                 [&](std::int64_t n) { move.cast(n, DType::u8, array(1, n), DType::f32, array(0, n)); }});
  all.push_back({"f32 to u8", kCopy, 5,
                 [&](std::int64_t n) { move.cast(n, DType::f32, array(0, n), DType::u8, array(1, n)); }});
  all.push_back({"uniform", kWrite, 4, [&](std::int64_t n) { k.uniform({1, 0}, 0, 1, n, array(0, n)); }});
  all.push_back({"normal", kWrite, 4, [&](std::int64_t n) { k.normal({1, 0}, 0, 1, n, array(0, n)); }});
  all.push_back({"adam", kTriad, 28, [&](std::int64_t n) {
                   const ParameterSlice<float> p{n, array(0, n), array(1, n), array(2, n), array(3, n)};
                   k.adam({1e-3, 0.9, 0.999, 1e-8, 0, false, 0.1, 0.001, 1}, 1, &p);
                 }});
  all.push_back({"sgd, momentum", kTriad, 20, [&](std::int64_t n) {
                   const ParameterSlice<float> p{n, array(0, n), array(1, n), array(2, n), nullptr};
                   k.sgd({1e-3, 0.9, 0, 0, false, false, 1}, 1, &p);
                 }});
  all.push_back({"rmsprop", kTriad, 20, [&](std::int64_t n) {
                   const ParameterSlice<float> p{n, array(0, n), array(1, n), nullptr, array(2, n)};
                   k.rmsprop({1e-3, 0.99, 1e-8, 0, 1}, 1, &p);
                 }});
  all.push_back({"lerp", kTriad, 12, [&](std::int64_t n) { k.lerp(0.01f, n, array(0, n), array(1, n)); }});
  return all;
}

/// Bytes an element occupies, where some are both read and written.
double footprint_of(const Case& c) {
  if (c.name == "adam") return 16;
  if (c.name == "sgd, momentum" || c.name == "rmsprop") return 12;
  return c.name == "lerp" ? 8 : c.bytes;
}

void fill_inputs(std::int64_t n) {  // numbers around 1, positive so that every function is at home
  for (int stream = 0; stream < 4; ++stream) cpu<float>().uniform({7, 0}, 0.1f, 3.0f, n, array(stream, n));
}

void row(const Case& c, std::size_t footprint, int threads, double& gbs, double& share, double& rate) {
  omp_set_num_threads(threads);
  const std::int64_t n = std::int64_t(double(footprint) / footprint_of(c)) / 64 * 64;
  const double limit_bytes = double(footprint);
  fill_inputs(std::min(n, std::int64_t(320 * kMebi / 4 / 4)));  // four streams, in the buffer there is
  Clock kernel([&] { c.run(n); });
  std::vector<Clock> limits;
  for (int variant = 0; variant < (c.traffic == kCopy ? 3 : 1); ++variant)
    limits.emplace_back([&c, variant, footprint] { plain_pass(c.traffic, variant, footprint); });
  if (c.traffic == kTriad)  // with fewer writes a copy may be the faster loop, and then it is the limit
    for (int variant = 0; variant < 3; ++variant)
      limits.emplace_back([variant, footprint] { plain_pass(kCopy, variant, footprint); });
  fill_inputs(std::min(n, std::int64_t(320 * kMebi / 4 / 4)));  // four streams, in the buffer there is
  for (int i = 0; i < 15; ++i) {
    kernel.sample();
    for (Clock& l : limits) l.sample();
  }
  double best = 1e9;
  for (const Clock& l : limits) best = std::min(best, l.best);
  gbs = c.bytes * double(n) / kernel.best * 1e-9;
  share = gbs / (limit_bytes / best * 1e-9) * 100;
  rate = double(n) / kernel.best * 1e-9;
}

}  // namespace

int main(int argc, char** argv) {
  const int most_threads = argc > 2 ? std::atoi(argv[2]) : 2;
  const std::size_t footprints[] = {256 << 10, 8 * kMebi, 128 * kMebi};
  fmt::print("level {}; GB/s (% of the limit), and 10^9 elements a second in L2\n", cpu_level());
  fmt::print("{:26}{:>21}{:>21}{:>21}{:>14}\n", "", "256 KiB", "8 MiB", "128 MiB", "Gelem/s");
  fmt::print("{:26}{:>10} {:>10}{:>10} {:>10}{:>10} {:>10}{:>7}{:>7}\n", "threads", 1, 2, 1, 2, 1, 2, 1, 2);
  for (const Case& c : cases()) {
    if (argc > 1 && c.name.find(argv[1]) == std::string::npos) continue;
    std::string line = fmt::format("{:26}", c.name), rates;
    for (std::size_t f : footprints)
      for (int threads = 1; threads <= most_threads; ++threads) {
        double gbs, share, rate;
        row(c, f, threads, gbs, share, rate);
        line += fmt::format("{:5.0f} ({:3.0f})", gbs, share) + (threads == 1 ? " " : "");
        if (f == footprints[0]) rates += fmt::format("{:7.2f}", rate);
      }
    fmt::print("{}{}\n", line, rates);
    std::fflush(stdout);
  }
}
